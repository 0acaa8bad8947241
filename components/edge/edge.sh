#!/bin/bash
# The edge's configuration: a tree of files that nginx reads through the link `current`. Every change is made on a
# copy, tested by nginx itself, switched to by rename and loaded; a copy that nginx refuses is thrown away and the
# old tree goes on serving. (edge-tree.sh)
#
# A site is what belongs to the garden's name: its servers and its certificate. Another site is first kept beside the tree
# (pending.json). `offer` serves it as soon as that makes Telegram refuse nothing; `adopt`, which runs when every webhook
# is registered anew, serves it in any case and forgets the former one. (edge-site.sh)
#
# usage: edge configure IMAGE      the core; stdin: {"files": {FILE: TEXT}, "site": {"name", "kind", "certificate",
#                                  "port", "site", "default", "upload": PEM|null}, "container": TEXT}; another TEXT
#                                  means that another container follows, as another IMAGE does
#        edge settle               after the container was made: checks that nginx runs and serves the tree
#        edge offer                the certificate is there: serves the pending site, if Telegram will trust it
#        edge adopt                every webhook is registered for the pending site: serves it alone
#        edge route BOT            a bot's route; stdin: {"files": {FILE: TEXT}, "secret": TEXT|null}; FILE is what
#                                  follows `BOT.`; a secret that was there before stays good until `confirm`
#        edge confirm BOT          Telegram uses the new secret: the former ones are no longer good
#        edge unroute BOT
#        edge withdraw BOT         the bot is removed: its route, and that it was paused
#        edge pause BOT            holds the bot's updates until `resume`, over releases and changes; prints how the bot
#        edge resume BOT           gets them, `webhook` or `polling`; ends with 4 if one that polls does not stay up
#        edge paused BOT           ends with 0 if it is paused
#        edge forget               removes the tree
set -euo pipefail
# A host may well have a stricter one, but nginx's workers read the page and the challenges.
umask 022

here=$(dirname "$(readlink -f "$0")")
challenges=/var/lib/botgarden/acme-challenges
# shellcheck source=components/edge/edge-tree.sh
. "$here/edge-tree"
# shellcheck source=components/edge/edge-site.sh
. "$here/edge-site"
# shellcheck source=components/edge/edge-routes.sh
. "$here/edge-routes"
# shellcheck source=components/edge/edge-pause.sh
. "$here/edge-pause"

# Which groups the image's OpenSSL can do: X25519MLKEM768 came with 3.5, and an unknown name stops nginx. The last version
# in `nginx -V` counts: `built with OpenSSL 3.0.15 … (running with OpenSSL 3.5.4 …)`.
groups() { # IMAGE
    local version major minor
    version=$(docker run --rm --network none --entrypoint nginx "$1" -V </dev/null 2>&1 |
        sed -nE 's/^built with .*OpenSSL ([0-9]+)\.([0-9]+).*/\1 \2/p')
    read -r major minor <<<"${version:-0 0}"
    if [ "$major" -gt 3 ] || { [ "$major" = 3 ] && [ "$minor" -ge 5 ]; }; then
        echo "ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;"
    else
        echo "ssl_ecdh_curve X25519:prime256v1:secp384r1;"
    fi
}

# Another container takes this one's place next. A nginx that ends waits for idle connections as long as one that loads its
# configuration, and nothing listens meanwhile: it lets go of them while it still listens.
let_go() { # IMAGE and CONTAINER of the next one
    local waited=0
    if [ "$(image)" = "$1" ] && [ "$(cat "$folder/container" 2>/dev/null || echo "$2")" = "$2" ]; then return 0; fi
    if ! running || ! grep -q keepalive_min_timeout "$folder/current/nginx.conf"; then return 0; fi
    copy_tree
    sed '/keepalive_min_timeout/d' "$folder/current/nginx.conf" | put nginx.conf 0644
    publish "the edge's last configuration"
    # What takes long to be answered is not waited for here.
    while [ "$waited" -lt 30 ] && docker top "$container" -eo pid,args 2>/dev/null | grep 'nginx: worker.*shutting down' >/dev/null; do
        waited=$((waited + 1))
        sleep 0.3
    done
}

configure() { # IMAGE
    local input site file made
    input=$(cat)
    mkdir -p "$certificates" "$challenges"
    made=$(printf '%s' "$input" | jq -er .container)
    let_go "$1" "$made"
    copy_tree
    wanted=$1
    groups "$wanted" | put groups.conf 0644
    for file in page.conf html/index.html; do rm -f "$candidate/$file"; done
    for file in $(printf '%s' "$input" | jq -er '.files | keys[]'); do
        printf '%s' "$input" | jq -er --arg file "$file" '.files[$file]' | put "$file" 0644
    done
    site=$(printf '%s' "$input" | jq -cS .site)
    if [ ! -e "$candidate/site.json" ] || [ "$(image)" != "$(cat "$folder/image" 2>/dev/null || true)" ]; then
        # The first one, or an image for which the former one may not be written.
        rm -f "$candidate"/former-* "$folder/pending.json"
        put_site "$site"
    elif [ "$site" = "$(cat "$candidate/site.json")" ]; then
        rm -f "$folder/pending.json"
    else
        printf '%s' "$site" >"$folder/pending.json.new"
        mv "$folder/pending.json.new" "$folder/pending.json"
    fi
    install -m 0755 "$here/start-nginx" "$folder/start-nginx.new"
    mv "$folder/start-nginx.new" "$folder/start-nginx"
    publish "the edge's configuration"
    printf '%s\n' "$made" >"$folder/container.new"
    mv "$folder/container.new" "$folder/container"
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

usage="edge configure IMAGE | settle | offer | adopt | forget | route|confirm|unroute|withdraw|pause|resume|paused BOT"
bot() { [[ ${1:-} =~ ^[a-z][a-z0-9-]*$ ]] || fail "usage: $usage"; }

lock
case ${1:-} in
configure) configure "$2" ;;
settle) settle ;;
offer) offer ;;
adopt) adopt ;;
route) bot "${2:-}"; route "$2" ;;
confirm) bot "${2:-}"; confirm "$2" ;;
unroute) bot "${2:-}"; unroute "$2" ;;
withdraw) bot "${2:-}"; withdraw "$2" ;;
pause) bot "${2:-}"; pause "$2" ;;
resume) bot "${2:-}"; resume "$2" ;;
paused) bot "${2:-}"; paused "$2" ;;
forget) rm -rf "$folder" ;;
*) fail "usage: $usage" ;;
esac
