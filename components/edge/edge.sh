#!/bin/bash
# The edge's configuration: a tree of files that nginx reads through the link `current`. Every change is made on a
# copy, tested by nginx itself, switched to by rename and loaded; a copy that nginx refuses is thrown away and the
# old tree goes on serving.
#
# A site is what belongs to the garden's name: its servers and its certificate. Another site is first kept beside the tree
# (pending.json). `offer` serves it as soon as that makes Telegram refuse nothing; `adopt`, which runs when every webhook
# is registered anew, serves it in any case and forgets the former one.
#
# usage: edge configure IMAGE      the core; stdin: {"files": {FILE: TEXT}, "site": {"name", "kind", "certificate",
#                                  "port", "site", "default", "upload": PEM|null}}
#        edge settle               after the container was made: checks that nginx runs and serves the tree
#        edge offer                the certificate is there: serves the pending site, if Telegram will trust it
#        edge adopt                every webhook is registered for the pending site: serves it alone
#        edge route BOT            a bot's route; stdin: {"files": {FILE: TEXT}, "secret": TEXT|null}; FILE is what
#                                  follows `BOT.`; a secret that was there before stays good until `confirm`
#        edge confirm BOT          Telegram uses the new secret: the former ones are no longer good
#        edge unroute BOT
#        edge withdraw BOT         the bot is removed: its route, and that it was paused
#        edge pause BOT            holds the bot's updates until `resume`, over releases and changes; prints how the bot
#        edge resume BOT           gets them, `webhook` or `polling`
#        edge paused BOT           ends with 0 if it is paused
#        edge forget               removes the tree
set -euo pipefail
# A host may well have a stricter one, but nginx's workers read the page and the challenges.
umask 022

here=$(dirname "$(readlink -f "$0")")
container=botgarden-edge
folder=/etc/botgarden/edge
inside=/etc/nginx/garden
certificates=/etc/botgarden/certificates
challenges=/var/lib/botgarden/acme-challenges

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

# The name of the loaded tree is kept: a run that ended before this is made good by the next.
reload() {
    if running; then
        docker exec "$container" nginx -q -c "$inside/current/nginx.conf" -s reload </dev/null 2> >(grep -v 'signal process started' >&2)
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

put_site() { # JSON of the site
    printf '%s' "$1" | jq -er .site | put site.conf 0644
    printf '%s' "$1" | jq -er .default | put default.conf 0644
    printf '%s' "$1" | put site.json 0644
}

site_name() { jq -r .name "$folder/current/site.json"; }

# An edge of another image takes this one's place next. A nginx that ends waits for idle connections as long as one that
# loads its configuration, and nothing listens meanwhile: it lets go of them while it still listens.
let_go() { # IMAGE of the next one
    local waited=0
    if ! running || [ "$(image)" = "$1" ] || ! grep -q keepalive_min_timeout "$folder/current/nginx.conf"; then return 0; fi
    copy_tree
    sed '/keepalive_min_timeout/d' "$folder/current/nginx.conf" | put nginx.conf 0644
    publish "the edge's last configuration"
    # The reload is a signal, taken a little later. What takes long to be answered is not waited for here.
    sleep 0.2
    while [ "$waited" -lt 30 ] && docker top "$container" -eo pid,args 2>/dev/null | grep 'nginx: worker.*shutting down' >/dev/null; do
        waited=$((waited + 1))
        sleep 0.3
    done
}

configure() { # IMAGE
    local input site file
    input=$(cat)
    mkdir -p "$certificates" "$challenges"
    let_go "$1"
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

# Would Telegram, as the webhooks are registered now, trust the pending site's certificate? With an uploaded certificate
# that file alone counts, and the name is compared as a host name, also if it is an address (tdlib/td, SslStream.cpp).
trusted() { # JSON of the pending site
    local registered=$folder/registered.pem chain
    if [ ! -e "$registered" ]; then return 0; fi
    if [ ! -s "$registered" ]; then
        [ "$(printf '%s' "$1" | jq -r .upload)" = null ]
        return
    fi
    chain=$certificates/$(printf '%s' "$1" | jq -r .certificate)/current/fullchain.pem
    # Not the host's own store, which `-CAfile` alone leaves in place.
    SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null openssl verify -CAfile "$registered" -untrusted "$chain" -verify_hostname "$(printf '%s' "$1" | jq -r .name)" \
        "$chain" >/dev/null 2>&1
}

# A name that webhooks are still registered with is served beside the new one until `adopt`. Telegram names no server when
# it calls an address, so the certificate of a former address stays the default server's.
keep_former() {
    local name
    name=$(site_name)
    put "former-$name.conf" 0644 <"$folder/current/site.conf"
    put "former-$name.json" 0644 <"$folder/current/site.json"
}

put_default_of_former() {
    local former
    for former in "$candidate"/former-*.json; do
        if [ -e "$former" ] && [ "$(jq -r .kind "$former")" = ip ]; then jq -er .default "$former" | put default.conf 0644; fi
    done
}

offer() {
    local site name what
    [ -e "$folder/pending.json" ] || return 0
    site=$(cat "$folder/pending.json")
    name=$(printf '%s' "$site" | jq -er .name)
    copy_tree
    what="the new certificate"
    if [ "$name" != "$(site_name)" ]; then
        what="the name $name"
        keep_former
        rm -f "$candidate/former-$name".*
    elif ! trusted "$site"; then
        rm -rf "$candidate"
        say "the edge keeps its certificate until every webhook is registered for the new one"
        return 0
    fi
    put_site "$site"
    put_default_of_former
    publish "$what"
    await "$site"
}

await() { # JSON of the site
    running || return 0
    printf '%s' "$1" | jq -er '"\(.certificate) \(.name) \(.port)"' | (
        read -r certificate name port
        "$here/certificate" await "$certificate" "$name" "$port" </dev/null
    )
}

adopt() {
    local site
    copy_tree
    site=$(cat "$folder/pending.json" 2>/dev/null || cat "$candidate/site.json")
    put_site "$site"
    rm -f "$candidate"/former-*
    publish "the edge's name"
    if [ -e "$folder/pending.json" ]; then await "$site"; fi
    printf '%s' "$site" | jq -r '.upload // empty' >"$folder/registered.new"
    mv "$folder/registered.new" "$folder/registered.pem"
    rm -f "$folder/pending.json"
    "$here/certificate" keep "$(printf '%s' "$site" | jq -er .certificate)" </dev/null
}

# Which secrets a request may present (nginx.conf says what it must be besides). Compared with regard to case, which a
# `map` of plain words is not. While Telegram may still use a former secret, that one is good too, and the bot, which knows
# only its own, gets its own. One `if` only: each costs memory like a whole location.
# shellcheck disable=SC2016 # the variables are nginx's
guard() { # the secrets, one a line, the present one first, on stdin
    local present former
    if ! read -r present; then
        echo 'if ($presented_secret = "?") { return 403; }'
        return 0
    fi
    former=$(tr '\n' '|' | sed 's/|$//')
    if [ -z "$former" ]; then
        printf 'if ($presented_secret != "%s") { return 403; }\n' "$present"
    else
        printf 'if ($presented_secret !~ "^(?:%s|%s)$") { return 403; }\n' "$present" "$former"
        printf 'proxy_set_header X-Telegram-Bot-Api-Secret-Token "%s";\n' "$present"
        printf 'proxy_set_header Connection "";\ninclude proxy-headers.conf;\n'
    fi
}

put_guard() { # BOT
    local file=$candidate/secrets/$1
    if paused "$1"; then
        # Telegram keeps what it cannot deliver and comes again.
        printf 'add_header Retry-After 60 always;\nreturn 503;\n'
    elif [ -e "$file" ]; then
        guard <"$file"
    else
        guard </dev/null
    fi | put "routes/$1.guard" 0600
}

route() { # BOT
    local input file secret former
    input=$(cat)
    [ -e "$folder/current/nginx.conf" ] || fail "the edge has no configuration yet: run pulumi up"
    copy_tree
    rm -f "$candidate/routes/$1".*
    for file in $(printf '%s' "$input" | jq -er '.files | keys[]'); do
        [[ $file =~ ^[a-z]+(\.[a-z]+)*\.conf$ ]] || fail "a route has no file $file"
        printf '%s' "$input" | jq -er --arg file "$file" '.files[$file]' | put "routes/$1.$file" 0644
    done
    secret=$(printf '%s' "$input" | jq -r '.secret // ""')
    if [ -z "$secret" ]; then
        rm -f "$candidate/secrets/$1"
    else
        [[ $secret =~ ^[A-Za-z0-9_-]{1,256}$ ]] || fail "the webhook secret of bot $1 has characters that Telegram does not take"
        former=$(grep -vxF -- "$secret" "$candidate/secrets/$1" 2>/dev/null || true)
        printf '%s\n' "$secret" ${former:+"$former"} | put "secrets/$1" 0600
    fi
    put_guard "$1"
    publish "the route of bot $1"
}

confirm() { # BOT
    [ -e "$folder/current/secrets/$1" ] || return 0
    copy_tree
    head -n 1 "$folder/current/secrets/$1" | put "secrets/$1" 0600
    put_guard "$1"
    publish "the secret of bot $1"
}

unroute() { # BOT
    [ -e "$folder/current/nginx.conf" ] || return 0
    copy_tree
    rm -f "$candidate/routes/$1".* "$candidate/secrets/$1"
    publish "the edge without the route of bot $1"
}

# The marks of paused bots are beside the trees, where no change of a tree touches them.
paused() { [ -e "$folder/paused/$1" ]; } # BOT

withdraw() { # BOT
    unroute "$1"
    rm -f "$folder/paused/$1" "$folder/resumed/$1"
}

pause() { # BOT
    must_exist "$1"
    mkdir -p "$folder/paused"
    touch "$folder/paused/$1"
    hold_or_let_go "$1"
}

resume() { # BOT
    must_exist "$1"
    if paused "$1"; then
        # status.sh knows by its time which refusals were meant so.
        mkdir -p "$folder/resumed"
        touch "$folder/resumed/$1"
        rm "$folder/paused/$1"
    fi
    hold_or_let_go "$1"
}

must_exist() { # BOT
    local names
    names=$(docker ps -a --filter label=botgarden.bot --format '{{.Label "botgarden.bot"}}' | sort -u)
    grep -qxF -- "$1" <<<"$names" || fail "there is no bot $1 in the garden on this host. There are: ${names//$'\n'/ }"
}

hold_or_let_go() { # BOT
    local name
    if [ -e "$folder/current/routes/$1.guard" ]; then
        copy_tree
        put_guard "$1"
        publish "the pause of bot $1"
    fi
    if grep -qs "^location = /webhook/$1 " "$folder/current/routes/$1".*.location.conf; then echo webhook; return; fi
    # Nothing at the edge holds a bot that asks Telegram itself. A release of it that is under way looks for the mark at its
    # end, and needs the edge for that.
    exec 9>&- 8>"/run/lock/botgarden-release-$1.lock"
    flock 8
    if paused "$1"; then
        # Docker does not start again what was stopped by hand, not even after a restart of the host.
        for name in $(docker ps --filter "label=botgarden.bot=$1" --format '{{.Names}}'); do
            docker stop "$name" >/dev/null
        done
    else
        # What an earlier version froze.
        for name in $(docker ps --filter "label=botgarden.bot=$1" --filter status=paused --format '{{.Names}}'); do
            docker unpause "$name" >/dev/null
        done
        name=$("$here/bot-records" serving "$1")
        if [ -n "$name" ]; then
            docker start "$name" >/dev/null || fail "$name, the last good release of bot $1, cannot be started (see above). Run pulumi up"
        fi
    fi
    echo polling
}

usage="edge configure IMAGE | settle | offer | adopt | forget | route|confirm|unroute|withdraw|pause|resume|paused BOT"
bot() { [[ ${1:-} =~ ^[a-z][a-z0-9-]*$ ]] || fail "usage: $usage"; }

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
