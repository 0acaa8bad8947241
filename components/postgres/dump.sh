#!/bin/bash
# Dumps a bot's database to the host and proves the dump, while the bot may go on writing: the dump and what it is
# compared with are of one snapshot. It is restored into a server of its own, which sees no network and nothing of the
# garden's, as what a bot left in its database runs while it is restored. Every table must have the same rows there. Only
# then the dump gets its final name, with a checksum beside it. Prints its path. A dump of the same name is replaced.
#
# usage: postgres-dump BOT NAME    writes /var/lib/botgarden/dumps/BOT/NAME.dump
set -euo pipefail
umask 077
trap '' PIPE

container=botgarden-postgres
bot=${1:-}
name=${2:-}

say() { echo "$*" >&2 || true; }
fail() { say "botgarden: $*"; exit 1; }
# What a killed run leaves behind must not keep its lock.
docker() { command docker "$@" 9>&-; }

[[ "$bot $name" =~ ^[a-z][a-z0-9-]*\ [A-Za-z0-9][A-Za-z0-9-]*$ ]] || fail "usage: postgres-dump BOT NAME"
folder=/var/lib/botgarden/dumps/$bot
scratch=botgarden-check-$bot
session=botgarden-dump-$bot

exec 9>"/run/lock/botgarden-dump-$bot.lock"
if ! flock --nonblock 9; then
    say "another dump of database $bot is under way; waiting for its end"
    flock 9
fi

# The same words for the same value on both sides; and no limits, whatever the database says.
options="-c search_path=pg_catalog -c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres"
options="$options -c extra_float_digits=1 -c bytea_output=hex -c statement_timeout=0"
options="$options -c idle_in_transaction_session_timeout=0 -c lock_timeout=60s"
in_postgres() { docker exec -i -u postgres -e PGAPPNAME="$session" -e PGOPTIONS="$options" "$container" "$@"; }
in_scratch() { docker exec -i -e PGOPTIONS="$options" "$scratch" "$@"; }
admin_sql() { in_postgres psql -qXAtv ON_ERROR_STOP=1 -d postgres -c "$1" </dev/null; }

temporary=""
clean_up() {
    exec 6>&- || true
    docker rm --force --volumes "$scratch" >/dev/null 2>&1 || true
    if [ -n "$temporary" ]; then rm -f "$temporary"; fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# What a killed run left behind. Its session would still hold a snapshot and locks.
sweep() {
    install -d -m 0700 "$folder"
    rm -f "$folder"/.[!.]*
    docker rm --force --volumes "$scratch" >/dev/null 2>&1 || true
    admin_sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = '$session' AND pid <> pg_backend_pid()" >/dev/null ||
        fail "Postgres does not answer, so database $bot cannot be dumped (docker logs $container on the host says why)"
}

free() { df --output=avail -B1 "$1" | tail -n 1; } # bytes
megabytes() { echo "$((($1 + 999999) / 1000000)) MB"; }

# Before anything is written: a full disk stops every bot's database.
check_space() {
    local size root here there
    size=$(admin_sql "SELECT pg_database_size('$bot')") || fail "there is no database $bot that could be dumped"
    root=$(docker info -f '{{.DockerRootDir}}')
    # A dump is compressed; what is restored is as large as the database, and a new server brings some files.
    here=$((size / 2))
    there=$((size + 200000000))
    if [ ! -d "$root" ] || [ "$(stat -c %d "$root")" = "$(stat -c %d "$folder")" ]; then
        here=$((here + there))
        there=0
    fi
    enough "$folder" "$here" "$size"
    if [ "$there" -gt 0 ]; then enough "$root" "$there" "$size"; fi
}

enough() { # PATH BYTES SIZE
    local left
    left=$(free "$1")
    if [ "$left" -ge "$2" ]; then return; fi
    fail "the host's disk is too full: database $bot has $(megabytes "$3"), a dump and its test need $(megabytes "$2") in $1, and $(megabytes "$left") are left. Nothing was changed. Remove old dumps (/var/lib/botgarden/dumps) or unused images (docker image prune) on the host, or give it a larger disk"
}

# Of every table: its name, how many rows, and a sum over the hashes of its rows. Extensions bring their own rows.
contents() {
    cat <<'SQL'
SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(ROW(whole.*)::text COLLATE "C", 0)), 0) FROM ONLY %I.%I AS whole',
              n.nspname || '.' || c.relname, n.nspname, c.relname)
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend AS d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" \gexec
SELECT 'large objects', count(*), 0 FROM pg_largeobject_metadata;
SQL
}

# The lines that the session prints up to the marker.
answer() {
    local line
    while IFS= read -r line <&5; do
        if [ "$line" = "== end ==" ]; then return 0; fi
        printf '%s\n' "$line"
    done
    return 1
}
# psql keeps what it prints to a pipe for later; a program that it prints through has no later.
ask() { printf '%s\n' '\o |cat' "$1" "SELECT '== end ==';" '\o' >&6; }

before=""
# One transaction gives its snapshot to pg_dump and counts in it afterwards.
dump() {
    local snapshot live writing
    # shellcheck disable=SC2034 # its output is read by number
    coproc LIVE { in_postgres psql -qXAtv ON_ERROR_STOP=1 -d "$bot"; }
    live=$LIVE_PID
    writing=${LIVE[1]}
    # psql ends when nobody can write to it any more.
    exec 5<&"${LIVE[0]}" 6>&"$writing" {writing}>&-
    ask "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();"
    snapshot=$(answer) || fail "Postgres gave no snapshot of database $bot: see above"
    in_postgres pg_dump -Fc --snapshot="$snapshot" --lock-wait-timeout=60s -d "$bot" </dev/null >"$temporary" ||
        fail "database $bot could not be dumped: see above ($(megabytes "$(free "$folder")") are left in $folder)"
    ask "$(contents)"
    before=$(answer) || fail "the rows of database $bot could not be counted: see above"
    exec 6>&- 5<&-
    wait "$live" 2>/dev/null || true
}

# A server that lives for this test; if this run is killed, it ends by itself.
start_scratch() {
    local image stack message tries=0
    image=$(docker inspect -f '{{.Image}}' "$container")
    stack=$(docker inspect -f '{{index .Config.Labels "botgarden.garden"}}' "$container")
    until message=$(docker run --detach --rm --name "$scratch" --label "botgarden.garden=$stack" --label botgarden.part=check \
        --network none --user postgres --cap-drop ALL --security-opt no-new-privileges --log-driver none \
        --memory 512m --memory-swap 512m --pids-limit 128 --cpu-shares 256 \
        -e PGDATA=/tmp/check -e PGHOST=/tmp --entrypoint sleep "$image" 14400 2>&1 >/dev/null); do
        tries=$((tries + 1))
        # Docker may carry out a killed run's call only now.
        if [ "$tries" -ge 20 ] || [[ $message != *"already in use"* ]]; then say "$message"; return 1; fi
        docker rm --force --volumes "$scratch" >/dev/null 2>&1 || true
        sleep 0.5
    done
    # shellcheck disable=SC2016 # the shell in the container fills it in
    in_scratch sh -c 'initdb --username=postgres --auth=trust --no-sync >/dev/null && pg_ctl -s -w -l /tmp/log -o "$1" start || {
        cat /tmp/log 2>/dev/null; exit 1; }' sh \
        "-c listen_addresses= -c unix_socket_directories=/tmp -c shared_buffers=32MB -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=128MB -c autovacuum=off -c jit=off" </dev/null >&2
}

prove() {
    local after
    start_scratch || fail "the server in which the dump of $bot is tried does not start: see above ($(megabytes "$(free "$folder")") are left on the disk)"
    # Rules may name the bot's role.
    in_scratch psql -qXd postgres -c "CREATE ROLE \"$bot\"" </dev/null >&2
    in_scratch pg_restore --exit-on-error --create --no-owner --no-acl -d postgres <"$temporary" >&2 ||
        fail "the dump of $bot cannot be restored: see above ($(megabytes "$(free "$folder")") are left on the disk)"
    after=$(contents | in_scratch psql -qXAtv ON_ERROR_STOP=1 -d "$bot") ||
        fail "the restored dump of $bot cannot be read: see above"
    if [ "$before" = "$after" ]; then return; fi
    diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") | head -n 20 >&2 || true
    fail "the dump of $bot restores to other rows than the database has (table|rows|checksum; < database, > dump)"
}

sweep
check_space
temporary=$(mktemp "$folder/.$name.XXXXXX")
say "dumping database $bot"
dump
say "trying the dump: restoring it into a server of its own and comparing"
prove
final=$folder/$name.dump
# The checksum first: a dump that is there has one.
sum=$(sha256sum <"$temporary")
sync "$temporary"
rm -f "$final"
printf '%s\n' "${sum%% *}  $name.dump" >"$final.sha256"
sync "$final.sha256"
mv "$temporary" "$final"
temporary=""
sync "$folder"
say "dump restored and compared: $final"
echo "$final"
