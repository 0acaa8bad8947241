#!/bin/bash
# Dumps a bot's database to the host and proves the dump: it is restored into a scratch database, and both must have
# the same tables with the same number of rows. Prints the dump's path. Only then it gets its final name.
#
# usage: postgres-dump BOT REASON
set -euo pipefail

container=botgarden-postgres
folder=/var/lib/botgarden/dumps
bot=$1
reason=$2
scratch="botgarden-check-$bot"

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }
in_postgres() { docker exec -i -u postgres "$container" "$@"; }

count_rows() { # DATABASE
    in_postgres psql -qXAtv ON_ERROR_STOP=1 -d "$1" <<'SQL'
SELECT n.nspname, c.relname,
       (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %I.%I', n.nspname, c.relname),
                                            false, true, '')))[1]
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
 ORDER BY 1, 2;
SQL
}

drop_scratch() { in_postgres dropdb --if-exists --force "$scratch" </dev/null; }

install -d -m 0700 "$folder"
rm -f "$folder/.$bot".*
temporary=$(mktemp "$folder/.$bot.XXXXXX")
trap 'rm -f "$temporary"; drop_scratch >/dev/null 2>&1 || true' EXIT

say "dumping database $bot"
in_postgres pg_dump -Fc -d "$bot" </dev/null >"$temporary" || fail "pg_dump of $bot failed: see above (df -h shows a full disk)"
before=$(count_rows "$bot")
drop_scratch
in_postgres createdb -T template0 "$scratch" </dev/null
in_postgres pg_restore --exit-on-error --no-owner -d "$scratch" <"$temporary" || fail "the dump of $bot cannot be restored"
after=$(count_rows "$scratch")
[ "$before" = "$after" ] || fail "the dump of $bot restores to other rows than the database has (is the bot still running?)"

final="$folder/$bot-$(date -u +%Y%m%dT%H%M%SZ)-$reason.dump"
sync "$temporary"
mv "$temporary" "$final"
say "dump restored and compared: $final"
echo "$final"
