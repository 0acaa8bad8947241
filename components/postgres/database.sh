#!/bin/bash
# A bot's role and database in the garden's Postgres; both have the bot's name.
#
# usage: postgres-database ensure BOT    stdin: {"verifier","connectionLimit","statementTimeout","idleTimeout"},
#                                        timeouts in milliseconds
#        postgres-database drop BOT      after a dump that was restored and compared; the dump stays on the host
set -euo pipefail

container=botgarden-postgres
here=$(dirname "$(readlink -f "$0")")

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }
sql() { docker exec -i -u postgres "$container" psql -qXAtv ON_ERROR_STOP=1 -d postgres "$@"; }

action=${1:-}
bot=${2:-}
[[ $bot =~ ^[a-z][a-z0-9-]*$ ]] || fail "usage: postgres-database ensure|drop BOT"

exec 9>"/run/lock/botgarden-database-$bot.lock"
flock 9

ensure() {
    local input verifier
    input=$(cat)
    value() { printf '%s' "$input" | jq -er ".$1"; }
    # None if it has to wait for the bot's next release.
    verifier=$(value verifier | "$here/postgres-password" offer "$bot")
    {
        printf "\\\\set role '%s'\n" "$bot"
        printf "\\\\set verifier '%s'\n" "$verifier"
        printf "\\\\set connection_limit '%s'\n" "$(value connectionLimit)"
        printf "\\\\set statement_timeout '%s'\n" "$(value statementTimeout)"
        printf "\\\\set idle_timeout '%s'\n" "$(value idleTimeout)"
        cat "$here/postgres-database.sql"
    } | sql >&2 || fail "Postgres refused the database of bot $bot: see above"
    if [ -n "$verifier" ]; then "$here/postgres-password" keep "$bot"; fi
}

drop() {
    docker exec "$container" true </dev/null 2>/dev/null ||
        fail "Postgres is not running, so the database $bot cannot be dumped and was not removed: run pulumi up with the bot's file back in place, then remove it again"
    if [ "$(sql -c "SELECT 1 FROM pg_database WHERE datname = '$bot'" </dev/null)" = 1 ]; then
        "$here/postgres-dump" "$bot" "removed-$(date -u +%Y%m%dT%H%M%SZ)" ||
            fail "database $bot was not removed, because its last dump failed: see above"
        sql -c "DROP DATABASE \"$bot\" WITH (FORCE)" </dev/null >&2
        say "database $bot removed"
    fi
    sql -c "DROP ROLE IF EXISTS \"$bot\"" </dev/null >&2
    "$here/postgres-password" forget "$bot"
}

case $action in
ensure) ensure ;;
drop) drop ;;
*) fail "usage: postgres-database ensure|drop BOT" ;;
esac
