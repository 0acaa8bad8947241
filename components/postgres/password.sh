#!/bin/bash
# The password of a bot's role. A role has one at a time, and what serves the bot would not be let in again with another
# one. So a new password waits for the release that brings it: the gate sets it before the new release starts, and gives
# the former one back if that fails. All of them are SCRAM verifiers: nobody can log in with what lies here.
#
# usage: postgres-password offer BOT        stdin: what the role is to have; prints it if it is to be set at once
#        postgres-password take BOT         a release begins
#        postgres-password give-back BOT    it failed
#        postgres-password keep BOT         it passed its gate
#        postgres-password forget BOT       the role was removed
#
# /var/lib/botgarden/passwords: BOT.next waits, BOT.former is what a release under way took the place of, BOT.kept is the
# last one that was set for good.
set -euo pipefail
umask 077

container=botgarden-postgres
here=$(dirname "$(readlink -f "$0")")
folder=/var/lib/botgarden/passwords

say() { echo "$*" >&2 || true; }
fail() { say "botgarden: $*"; exit 1; }
sql() { docker exec -i -u postgres "$container" psql -qXAtv ON_ERROR_STOP=1 -d postgres; }

action=${1:-}
bot=${2:-}
[[ $bot =~ ^[a-z][a-z0-9-]*$ ]] || fail "usage: postgres-password offer|take|give-back|keep|forget BOT"

exec 7>"/run/lock/botgarden-password-$bot.lock"
flock 7
install -d -m 0700 "$folder"

content() { cat "$folder/$bot.$1" 2>/dev/null || true; } # KIND

put() { # KIND, text on stdin
    cat >"$folder/$bot.$1.new"
    sync "$folder/$bot.$1.new"
    mv "$folder/$bot.$1.new" "$folder/$bot.$1"
}

present() {
    printf "\\\\set role '%s'\n%s" "$bot" "SELECT rolpassword FROM pg_authid WHERE rolname = :'role';" | sql
}

# Not as an argument, which every process of the host may read.
alter() { # KIND
    printf "\\\\set role '%s'\n\\\\set verifier '%s'\n%s" "$bot" "$(content "$1")" \
        "ALTER ROLE :\"role\" PASSWORD :'verifier';" | sql
}

serves() {
    local serving
    serving=$("$here/bot-records" serving "$bot")
    [ -n "$serving" ] && docker inspect "$serving" >/dev/null 2>&1
}

waits() { # VERIFIER PRESENT
    # A killed release's former one is still to be given back, if the next release fails.
    if [ -e "$folder/$bot.former" ]; then return; fi
    # One that was set before and is gone was changed by hand, or came out of a backup: no release will bring it.
    [ -n "$2" ] && [ "$2" != "$1" ] && [ "$(content kept)" != "$1" ]
}

offer() {
    local verifier was
    verifier=$(cat)
    was=$(present) || fail "Postgres does not tell the password of bot $bot: see above"
    printf '%s\n' "$verifier" | put next
    if waits "$verifier" "$was" && serves; then
        say "bot $bot: its new database password counts from its next release on"
        return
    fi
    printf '%s\n' "$verifier"
}

take() {
    local was
    if [ ! -e "$folder/$bot.next" ]; then return; fi
    # Of a release that was killed the former one is still to be given back.
    if [ ! -e "$folder/$bot.former" ]; then
        was=$(present)
        printf '%s\n' "$was" | put former
    fi
    alter next
}

give_back() {
    if [ ! -e "$folder/$bot.former" ]; then return; fi
    alter former
    rm "$folder/$bot.former"
}

keep() {
    # First, so that it is never given back in place of a later one.
    rm -f "$folder/$bot.former"
    if [ -e "$folder/$bot.next" ]; then mv "$folder/$bot.next" "$folder/$bot.kept"; fi
}

case $action in
offer) offer ;;
take) take ;;
give-back) give_back ;;
keep) keep ;;
forget) rm -f "$folder/$bot".{next,former,kept} ;;
*) fail "usage: postgres-password offer|take|give-back|keep|forget BOT" ;;
esac
