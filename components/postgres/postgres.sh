#!/bin/bash
# The garden's Postgres, apart from its container.
#
# usage: postgres configure IMAGE    before the container is there: writes what is mounted into it
#                                    stdin: {"hba","password","ca","certificate","key"}
#        postgres settle             when it is there: waits, sets the administrator's password, closes what is
#                                    open to everybody, loads changed files; stdin: {"verifier"}
#        postgres forget             removes the mounted files (the data is in the volume)
set -euo pipefail

container=botgarden-postgres
folder=/etc/botgarden/postgres

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

exec 9>/run/lock/botgarden-postgres.lock
flock 9

put() { # FILE MODE GROUP, text on stdin
    local temporary
    temporary=$(mktemp "$folder/.$1.XXXXXX")
    cat >"$temporary"
    chown "root:$3" "$temporary"
    chmod "$2" "$temporary"
    mv "$temporary" "$folder/$1"
}

# Every major version has a folder of its own in the volume, and cannot read another's: the wrong image would start with
# an empty cluster, and every bot would find its database gone.
refuse_other_version() { # IMAGE
    local wanted found
    docker volume inspect botgarden-postgres >/dev/null 2>&1 || return 0
    wanted=$(docker run --rm --network none --entrypoint postgres "$1" --version </dev/null | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    found=$(docker run --rm --network none -v botgarden-postgres:/data:ro --entrypoint sh "$1" -c \
        'cd /data && for f in */docker/PG_VERSION; do if [ -s "$f" ]; then cat "$f"; fi; done' </dev/null | tr '\n' ' ')
    if [ -z "$found" ] || [[ " $found" == *" $wanted "* ]]; then return 0; fi
    fail "the volume botgarden-postgres holds the data of Postgres ${found% }, which the image $1 (Postgres $wanted) cannot read. Nothing was changed. Set images.postgres to a version ${found% } again"
}

configure() { # IMAGE
    local input group
    input=$(cat)
    refuse_other_version "$1"
    # The number differs between the Debian and the Alpine image.
    group=$(docker run --rm --network none --entrypoint id "$1" -g postgres </dev/null) ||
        fail "the image $1 has no user postgres: is it a Postgres image?"
    mkdir -p "$folder" "$folder/ca"
    chown "root:$group" "$folder"
    chmod 0755 "$folder" "$folder/ca"
    rm -f "$folder"/.[a-z]*.??????
    field() { printf '%s' "$input" | jq -er ".$1"; }
    field hba | put pg_hba.conf 0640 "$group"
    field ca | put ca.crt 0644 "$group"
    field certificate | put server.crt 0644 "$group"
    # PostgreSQL refuses a key that others can read; root's may be readable by its group.
    field key | put server.key 0640 "$group"
    # Only read by the image's entry point, as root, when the volume is empty.
    printf '%s' "$(field password)" | put password 0600 0
    # What bots mount: the authority alone, in a folder of its own, so that a new one is seen without a restart.
    cp "$folder/ca.crt" "$folder/ca/.ca.crt.new"
    mv "$folder/ca/.ca.crt.new" "$folder/ca/ca.crt"
    if [ -n "$(docker ps -q --filter "name=^$container$")" ]; then
        docker exec -u postgres "$container" psql -qXAtd postgres -c 'SELECT pg_reload_conf()' >/dev/null </dev/null || true
    fi
}

wait_ready() {
    local waited=0 state
    # Over TCP: while the first start fills an empty volume, the server answers on its socket only.
    until docker exec "$container" pg_isready -qh 127.0.0.1 -U postgres </dev/null 2>/dev/null; do
        # Docker prints an empty line for what is not there.
        state=$(docker inspect -f '{{.State.Status}}' "$container" 2>/dev/null || true)
        state=${state:-missing}
        waited=$((waited + 1))
        if [ "$state" = restarting ] || [ "$state" = exited ] || [ "$state" = missing ] || [ "$waited" -ge 240 ]; then
            docker logs --tail 50 "$container" >&2 || true
            fail "Postgres does not start (container $container is $state); its last lines are above"
        fi
        sleep 0.5
    done
}

settle() {
    local input
    input=$(cat)
    wait_ready
    {
        printf "\\\\set verifier '%s'\n" "$(printf '%s' "$input" | jq -er .verifier)"
        cat <<'SQL'
ALTER ROLE postgres PASSWORD :'verifier';
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
SELECT pg_reload_conf() \g /dev/null
SQL
    } | docker exec -i -u postgres "$container" psql -qXv ON_ERROR_STOP=1 -d postgres >&2 ||
        fail "Postgres refused its settings: see above"
    docker update --pids-limit 1024 "$container" >/dev/null
    say "Postgres ready"
}

case ${1:-} in
configure) configure "$2" ;;
settle) settle ;;
forget) rm -rf "$folder" ;;
*) fail "usage: postgres configure IMAGE | settle | forget" ;;
esac
