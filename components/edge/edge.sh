#!/bin/bash
# The edge's configuration: a tree of files that nginx reads through the link `current`. Every change is made on a
# copy, tested by nginx itself, switched to by rename and loaded; a copy that nginx refuses is thrown away and the
# old tree goes on serving.
#
# usage: edge configure IMAGE      the core; stdin: {"nginx","certificate","key"}
#        edge settle               after the container was made: checks that nginx runs and serves the tree
#        edge route BOT            a bot's route; stdin: {FILE: TEXT}, FILE is what follows `BOT.`
#        edge unroute BOT
#        edge forget               removes the tree
set -euo pipefail

container=botgarden-edge
folder=/etc/botgarden/edge
inside=/etc/nginx/garden

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

exec 9>/run/lock/botgarden-edge.lock
flock 9

wanted=""
image() { if [ -n "$wanted" ]; then echo "$wanted"; else cat "$folder/image" 2>/dev/null || true; fi; }

# An edge of another image is about to be replaced, and one that Docker starts again and again cannot be asked: neither
# tests or loads what is meant for the next.
running() {
    [ "$(docker inspect -f '{{.State.Status}} {{.Config.Image}}' "$container" 2>/dev/null)" = "running $(image)" ]
}

candidate=""
copy_tree() {
    mkdir -p "$folder"
    chmod 0755 "$folder"
    # What a killed run left.
    for tree in "$folder"/tree-*; do
        if [ -d "$tree" ] && [ "$tree" != "$folder/$(readlink "$folder/current" 2>/dev/null || true)" ]; then
            rm -rf "$tree"
        fi
    done
    candidate=$(mktemp -d "$folder/tree-XXXXXX")
    chmod 0755 "$candidate"
    if [ -e "$folder/current" ]; then cp -a "$folder/current/." "$candidate/"; fi
    mkdir -p "$candidate/routes" "$candidate/tls"
    chmod 0700 "$candidate/tls"
}

put() { # FILE MODE, text on stdin
    cat >"$candidate/$1"
    chmod "$2" "$candidate/$1"
}

test_tree() {
    local file
    file=$inside/$(basename "$candidate")/nginx.conf
    if running; then
        docker exec "$container" nginx -t -q -c "$file" </dev/null >&2
    else
        docker run --rm --network none --read-only --tmpfs /run --tmpfs /var/cache/nginx --entrypoint nginx \
            -v "$folder:$inside:ro" "$(image)" -t -q -c "$file" </dev/null >&2
    fi
}

reload() {
    running || return 0
    docker exec "$container" nginx -q -c "$inside/current/nginx.conf" -s reload </dev/null 2> >(grep -v 'signal process started' >&2)
}

publish() { # WHAT
    if [ -e "$folder/current" ] && diff -rq "$folder/current/" "$candidate/" >/dev/null 2>&1; then
        rm -rf "$candidate"
        return 0
    fi
    if ! test_tree; then
        rm -rf "$candidate"
        fail "nginx refuses $1 (see above). The edge goes on with what it had"
    fi
    local old
    old=$(readlink "$folder/current" 2>/dev/null || true)
    ln -sfn "$(basename "$candidate")" "$folder/current.new"
    mv -T "$folder/current.new" "$folder/current"
    reload
    if [ -n "$old" ]; then rm -rf "${folder:?}/$old"; fi
}

configure() { # IMAGE
    local input
    input=$(cat)
    copy_tree
    wanted=$1
    printf '%s' "$input" | jq -er .nginx | put nginx.conf 0644
    printf '%s' "$input" | jq -er .certificate | put tls/fullchain.pem 0644
    printf '%s' "$input" | jq -er .key | put tls/privkey.pem 0600
    publish "the edge's configuration"
    printf '%s\n' "$wanted" >"$folder/image.new"
    mv "$folder/image.new" "$folder/image"
}

settle() {
    local waited=0
    until docker exec "$container" nginx -t -q -c "$inside/current/nginx.conf" </dev/null 2>/dev/null; do
        waited=$((waited + 1))
        if [ "$waited" -ge 60 ]; then
            docker logs --tail 20 "$container" >&2 || true
            fail "nginx does not start; its last lines are above"
        fi
        sleep 0.5
    done
    docker update --pids-limit 128 "$container" >/dev/null
    reload
}

route() { # BOT
    local input
    input=$(cat)
    [ -e "$folder/current/nginx.conf" ] || fail "the edge has no configuration yet: run pulumi up"
    copy_tree
    rm -f "$candidate/routes/$1".*
    for file in $(printf '%s' "$input" | jq -er 'keys[]'); do
        [[ $file =~ ^[a-z]+\.[a-z]+\.conf$ ]] || fail "a route has no file $file"
        printf '%s' "$input" | jq -er --arg file "$file" '.[$file]' | put "routes/$1.$file" 0644
    done
    publish "the route of bot $1"
}

unroute() { # BOT
    [ -e "$folder/current/nginx.conf" ] || return 0
    copy_tree
    rm -f "$candidate/routes/$1".*
    publish "the edge without the route of bot $1"
}

bot() { [[ ${1:-} =~ ^[a-z][a-z0-9-]*$ ]] || fail "usage: edge route|unroute BOT"; }

case ${1:-} in
configure) configure "$2" ;;
settle) settle ;;
route) bot "${2:-}"; route "$2" ;;
unroute) bot "${2:-}"; unroute "$2" ;;
forget) rm -rf "$folder" ;;
*) fail "usage: edge configure IMAGE | settle | route BOT | unroute BOT | forget" ;;
esac
