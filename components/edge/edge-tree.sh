# shellcheck shell=bash
# The edge's tree of files, as part of edge.sh: how a change is made on a copy, tested by nginx, switched and loaded. The
# link `current` leads to the tree that nginx reads.

container=botgarden-edge
folder=/etc/botgarden/edge
inside=/etc/nginx/garden
certificates=/etc/botgarden/certificates

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

# Taken once every part has been read: an installation removes the folder of the scripts that wait here.
lock() {
    exec 9>/run/lock/botgarden-edge.lock
    flock 9
}
unlock() { exec 9>&-; }

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
    # Links instead of copies: a thousand routes are some thousand files. `put` never writes into an existing one.
    if [ -e "$folder/current" ]; then cp -al "$folder/current/." "$candidate/"; fi
    mkdir -p "$candidate/routes" "$candidate/secrets" "$candidate/html"
    chmod 0700 "$candidate/secrets"
}

put() { # FILE MODE, text on stdin
    rm -f "$candidate/$1"
    (umask 077 && cat >"$candidate/$1")
    chmod "$2" "$candidate/$1"
}

# As the container will have them.
mounts=(-v "$folder:$inside:ro" -v "$certificates:/etc/nginx/certificates:ro")

test_tree() {
    local file
    file=$inside/$(basename "$candidate")/nginx.conf
    if running; then
        docker exec "$container" nginx -t -q -c "$file" </dev/null >&2
    else
        docker run --rm --network none --read-only --tmpfs /run --tmpfs /var/cache/nginx --entrypoint nginx \
            "${mounts[@]}" "$(image)" -t -q -c "$file" </dev/null >&2
    fi
}

# The process ids of nginx's workers that take connections: one that is to end says so in its title.
workers() { docker top "$container" -eo pid,args 2>/dev/null | sed -nE 's/^ *([0-9]+) .*nginx: worker process$/\1/p' || true; }

# The name of the loaded tree is kept: a run that ended before this is made good by the next.
reload() {
    local former waited=0
    if running; then
        former=$(workers)
        docker exec "$container" nginx -q -c "$inside/current/nginx.conf" -s reload </dev/null 2> >(grep -v 'signal process started' >&2)
        # It is a signal, taken a little later. Who looks for workers that are to end must not be too early.
        while [ "$waited" -lt 100 ] && workers | grep -xF "$former" >/dev/null; do
            waited=$((waited + 1))
            sleep 0.1
        done
    fi
    readlink "$folder/current" >"$folder/loaded"
}

publish() { # WHAT
    if [ -e "$folder/current" ] && diff -rq "$folder/current/" "$candidate/" >/dev/null 2>&1; then
        rm -rf "$candidate"
        if [ "$(cat "$folder/loaded" 2>/dev/null || true)" != "$(readlink "$folder/current")" ]; then reload; fi
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
