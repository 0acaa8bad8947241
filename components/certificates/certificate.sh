#!/bin/bash
# The edge's certificates: for each configuration a folder /etc/botgarden/certificates/ID with the link `current` to
# what nginx reads. Whoever has a new one makes a new folder and renames the link; the edge watches it.
#
# usage: certificate install ID NAME PORT  a certificate from the program; stdin: {"chain","key"}
#        certificate start ID              one that an ACME server is to issue; until it has, nginx gets a placeholder.
#                                          Before the edge and certbot run; stdin: {"request"}
#        certificate obtain ID NAME PORT   asks the ACME server if need be; the edge and certbot run
#        certificate await ID NAME PORT    waits until the edge serves what is there; so do install and obtain
#        certificate look ID NAME PORT     facts as one line of JSON
#        certificate keep ID               removes those of other configurations
#        certificate stop                  no ACME any more; certbot's state stays for the next time
set -euo pipefail

certificates=/etc/botgarden/certificates
programs=/etc/botgarden/certbot
state=/var/lib/botgarden/acme
webroot=/var/lib/botgarden/acme-challenges
probes=$webroot/.well-known/acme-challenge
container=botgarden-certbot
edge=botgarden-edge
site=/etc/botgarden/edge/current/site.conf
here=$(dirname "$(readlink -f "$0")")

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

# The certbot container takes the same lock, around the few lines that exchange a certificate.
lock() {
    mkdir -p "$certificates"
    chmod 0755 "$certificates"
    exec 9>>"$certificates/.lock"
    chmod 0600 "$certificates/.lock"
    flock 9
}
unlock() { exec 9>&-; }

x509() { openssl x509 -noout "$@"; }
epoch() { date -u -d "$(x509 "-${1}date" -in "$2" | cut -d= -f2)" +%s; }
iso() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
serial() { x509 -serial | cut -d= -f2; }

names_of() { # FILE; one a line, sorted
    x509 -ext subjectAltName -in "$1" 2>/dev/null | tr ',' '\n' | sed -n 's/^ *\(DNS\|IP Address\)://p' | sort
}

names_wanted() { jq -r '(.domains[], .address) | strings' "$programs/request.json" | sort; }

pair() { # FOLDER; a certificate and the key that belongs to it
    local public
    public=$(x509 -pubkey -in "$1/fullchain.pem" 2>/dev/null) || return 1
    [ "$public" = "$(openssl pkey -pubout -in "$1/privkey.pem" 2>/dev/null)" ]
}

source_of() { cat "$certificates/$1/current/source" 2>/dev/null || true; }

valid() { # FOLDER; good for the request's names now
    pair "$1" && x509 -checkend 0 -in "$1/fullchain.pem" >/dev/null && [ "$(names_of "$1/fullchain.pem")" = "$(names_wanted)" ]
}

issued() { [ "$(source_of "$1")" = issued ] && valid "$certificates/$1/current"; }

# A new folder under the lock; `publish` makes it what is served, or throws it away if it is there already.
new=""
prepare() { # ID
    lock
    mkdir -p "$certificates/$1"
    chmod 0755 "$certificates/$1"
    new=$(mktemp -d "$certificates/$1/v-XXXXXX")
}

publish() { # ID SOURCE
    local folder=$certificates/$1
    echo "$2" >"$new/source"
    if ! pair "$new"; then
        rm -rf "$new"
        fail "the key given for certificate $1 is not the certificate's, or one of the two is no PEM text"
    fi
    if diff -rq "$new" "$folder/current/" >/dev/null 2>&1; then
        rm -rf "$new"
    else
        chmod 0755 "$new"
        chmod 0644 "$new/fullchain.pem" "$new/source"
        sync "$new"/*
        ln -sfn "$(basename "$new")" "$folder/current.new"
        mv -T "$folder/current.new" "$folder/current"
    fi
    prune "$1"
    unlock
}

prune() { # ID; the former one, and what a killed run left
    local folder=$certificates/$1
    for each in "$folder"/v-* "$folder/current.new"; do
        if [ "$each" != "$folder/$(readlink "$folder/current")" ]; then rm -rf "$each"; fi
    done
}

given() { # ID; {"chain","key"} on stdin
    local input
    input=$(cat)
    prepare "$1"
    (umask 077 && printf '%s' "$input" | jq -er .key >"$new/privkey.pem")
    printf '%s' "$input" | jq -er .chain >"$new/fullchain.pem"
    publish "$1" given
}

copied() { # ID FOLDER; from the ACME state
    prepare "$1"
    (umask 077 && cat "$2/privkey.pem" >"$new/privkey.pem")
    cat "$2/fullchain.pem" >"$new/fullchain.pem"
    publish "$1" issued
}

# Nobody trusts it; nginx needs some certificate to start with, and the CA needs nginx.
placeholder() { # ID
    prepare "$1"
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=botgarden placeholder" -addext "subjectAltName=$(names_wanted | sed 's/^[0-9.]*$/IP:&/; t; s/^/DNS:/' | paste -sd,)" \
        -keyout "$new/privkey.pem" -out "$new/fullchain.pem" 2>/dev/null) || fail "openssl cannot make a certificate on the host"
    publish "$1" placeholder
}

install_files() { # FILE...; copied by rename, as the loop may be reading them
    for each in "$@"; do
        install -m 0644 "$here/$each" "$programs/.$each.new"
        mv "$programs/.$each.new" "$programs/$each"
    done
}

start() { # ID
    local input lineage=$state/live/garden-$1
    input=$(cat)
    mkdir -p "$programs" "$probes" "$state"
    chmod 0755 "$programs" "$webroot" "$webroot/.well-known" "$probes"
    chmod 0700 "$state"
    install_files certbot-loop certbot-issue
    printf '%s' "$input" | jq -e '.request | objects' >"$programs/.request.new" || fail "certificate start needs {\"request\"}"
    if ! cmp -s "$programs/.request.new" "$programs/request.json"; then
        chmod 0644 "$programs/.request.new"
        mv "$programs/.request.new" "$programs/request.json"
    fi
    rm -f "$programs/.request.new"
    if issued "$1"; then
        lock
        prune "$1"
        unlock
        return 0
    fi
    if valid "$lineage"; then
        copied "$1" "$lineage"
    elif [ -z "$(source_of "$1")" ] || ! pair "$certificates/$1/current"; then
        placeholder "$1"
    fi
}

# A folder that was deleted and made anew is another one than the container has.
fresh_mounts() {
    local there
    mkdir -p "$state" "$probes"
    chmod 0700 "$state"
    there=$(docker exec "$container" stat -c %i /etc/letsencrypt /var/www/acme /certificates 2>/dev/null) ||
        fail "the container $container does not run: docker logs $container on the host says why; then run pulumi up again"
    if [ "$there" != "$(stat -c %i "$state" "$webroot" "$certificates")" ]; then
        say "the ACME state was deleted; restarting $container"
        docker restart -t 5 "$container" >/dev/null
    fi
}

issue() { docker exec "$container" python3 /garden/certbot-issue "$@" </dev/null; }

own_addresses() {
    if command -v ip >/dev/null 2>&1; then
        ip -4 -o addr show scope global | awk '$2 !~ /^(docker|br-|veth|virbr)/ { sub("/.*", "", $4); print $4 }'
    else
        hostname -I | tr ' ' '\n' | grep -v : || true
    fi
}
all_private() {
    local each
    for each in $1; do private "$each" || return 1; done
}
private() { [[ $1 =~ ^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.) ]]; }

probe=""
work=""
fault=""
tidy() { rm -rf ${probe:+"$probe"} ${work:+"$work"}; }

# Does what the CA will do: fetches a file by the name, from an address. Sets `fault` if another comes, or none.
fetch() { # NAME ADDRESS; 0: the file came; 1: it did not; 2: nothing came at all
    local code=0 url="http://$1/.well-known/acme-challenge/${probe##*/}" to=$2
    case $to in *:*) to="[$to]" ;; esac
    fault=""
    local answer
    answer=$(curl --silent --show-error --noproxy '*' --location --max-redirs 5 --insecure --max-time 15 --connect-timeout 5 \
        --resolve "$1:80:$to" --output "$work/body" --write-out '%{http_code} %{url_effective}' "$url" 2>"$work/error") || code=$?
    case $code in
    0) ;;
    7) fault="nothing listens on port 80 of $2, or a firewall refuses it" ;;
    28) fault="port 80 of $2 does not answer within 5 s, as behind a firewall that drops packets" ;;
    *) fault="port 80 of $2 gives no HTTP answer ($(head -1 "$work/error"))" ;;
    esac
    if [ "$code" != 0 ]; then return 2; fi
    if cmp -s "$work/body" "$probe"; then return 0; fi
    fault="port 80 of $2 is answered by something else than this garden: HTTP ${answer%% *} from ${answer#* } where the garden's test file should be"
    return 1
}

# The addresses are compared only to explain a failure: a cloud's host often does not know its public address.
check_address() { # NAME ADDRESS
    local mine got=0
    fetch "$1" "$2" || got=$?
    if [ "$got" = 0 ]; then return 0; fi
    mine=$(own_addresses | paste -sd' ')
    if grep -qxF "$2" <<<"${mine// /$'\n'}"; then
        fault="$1 is $2, which is this host, but $fault. Port 80 must be open to all and lead to the garden's nginx (docker ps, ss -ltnp, the firewall)"
        return 1
    fi
    if [ "$got" = 2 ] && ! private "$2" && [ -n "$mine" ] && all_private "$mine"; then
        say "$1 is $2; this host knows itself only as $mine and cannot reach $2 from inside ($fault). The CA will see for itself"
        return 0
    fi
    if [ "$1" = "$2" ]; then
        fault="$fault. This host has the address ${mine:-?}: is ip in the stack's settings right?"
    else
        fault="DNS says that $1 is $2, but this host has ${mine:-no address of its own}, and $fault. Let the A record of $1 point to this host"
    fi
    return 1
}

# The host's own /etc/hosts often has its name as 127.0.1.1; what the world sees is asked from the container then.
addresses() { # NAME; sets `v4`, `v6` and `unknown`, the reason if there is neither
    local said
    v4=$(getent ahostsv4 "$1" | awk '$1 !~ /^127\./ { print $1 }' | sort -u)
    v6=$(getent ahostsv6 "$1" | awk '$1 !~ /^(::1$|::ffff:|fe80:)/ { print $1 }' | sort -u)
    if [ -z "$v4" ]; then
        said=$(issue resolve "$1")
        v4=$(jq -r '.v4[]' <<<"$said")
        v6=$(jq -r '.v6[]' <<<"$said")
        unknown=$(jq -r '.error // "only IPv6 ones, and Telegram knows only IPv4"' <<<"$said")
    fi
}

check_domain() { # NAME
    local address v4 v6 unknown=""
    addresses "$1"
    if [ -z "$v4" ]; then
        fault="DNS has no IPv4 address for $1 ($unknown). Create an A record for it with this host's address ($(own_addresses | paste -sd' ')) and wait until it is known"
        return 1
    fi
    for address in $v4; do check_address "$1" "$address" || return 1; done
    for address in $v6; do check_ipv6 "$1" "$address" || return 1; done
}

check_ipv6() { # NAME ADDRESS; a CA asks IPv6 first, and IPv4 only if there is no connection at all
    local got=0
    fetch "$1" "$2" || got=$?
    case $got in
    1) fault="DNS has an AAAA record for $1, and $fault. Remove the AAAA record, or let it point to this host" ;;
    2) say "DNS has an AAAA record for $1 ($2) that cannot be reached from here; without IPv6, remove it" ;;
    esac
    [ "$got" != 1 ]
}

# Sets `fault`. What the CA would refuse costs one of few tries.
check_names() {
    local name address
    trap tidy EXIT
    work=$(mktemp -d)
    probe=$(mktemp "$probes/botgarden-XXXXXXXXXX")
    head -c 24 /dev/urandom | base64 >"$probe"
    chmod 0644 "$probe"
    [ "$(docker inspect -f '{{.State.Status}}' "$edge" 2>/dev/null)" = running ] || {
        fault="the container $edge does not run: docker logs $edge on the host says why"
        return 1
    }
    if ! docker exec "$edge" cat "/var/www/acme/.well-known/acme-challenge/${probe##*/}" </dev/null >"$work/seen" 2>/dev/null ||
        ! cmp -s "$work/seen" "$probe"; then
        fault="the container $edge does not see $webroot: docker restart $edge on the host"
        return 1
    fi
    for name in $(jq -r '.domains[]' "$programs/request.json"); do
        say "checking that $name leads to this host"
        check_domain "$name" || return 1
    done
    address=$(jq -r '.address // ""' "$programs/request.json")
    if [ -n "$address" ]; then
        say "checking that $address leads to this host"
        check_address "$address" "$address" || return 1
    fi
}

served() { # NAME PORT; the serial that the edge serves
    local sni=(-servername "$1")
    if [[ $1 =~ ^[0-9.]+$ ]]; then sni=(-noservername); fi
    timeout 10 openssl s_client -connect "127.0.0.1:$2" "${sni[@]}" </dev/null 2>/dev/null | serial 2>/dev/null
}

# Only what the running edge is told to serve can be waited for.
serves() { # ID
    [ "$(docker inspect -f '{{.State.Running}}' "$edge" 2>/dev/null)" = true ] && grep -qF "certificates/$1/" "$site" 2>/dev/null
}

await() { # ID NAME PORT
    local file now="" told=""
    serves "$1" || return 0
    SECONDS=0
    until file=$(serial <"$certificates/$1/current/fullchain.pem") && now=$(served "$2" "$3") && [ "$now" = "$file" ]; do
        if [ "$SECONDS" -ge 3 ] && [ -z "$told" ]; then
            told=1
            say "waiting for the edge to take the certificate"
        fi
        if [ "$SECONDS" -ge 30 ]; then
            fail "the edge serves ${now:-no certificate}, not $file, the one in $certificates/$1: docker logs $edge on the host says why"
        fi
        sleep 0.5
    done
}

describe() { # ID
    local file=$certificates/$1/current/fullchain.pem end
    end=$(epoch end "$file")
    echo "issued by $(issuer "$file"), good until $(iso "$end") ($(((end - $(date +%s)) / 86400)) days)"
}

issuer() { # FILE; "Let's Encrypt YE1"
    x509 -issuer -nameopt multiline,utf8,-esc_msb -in "$1" | sed -n 's/^ *\(organizationName\|commonName\) *= //p' | paste -sd' '
}

# Without a new certificate `up` goes on as long as the old one is good.
without() { # ID NAME, why
    if issued "$1"; then
        say "WARNING: no new certificate for $2: $3"
        say "WARNING: the one that is there is still good: $(describe "$1")"
        return 0
    fi
    fail "no certificate for $2: $3. Then run pulumi up again"
}

obtain() { # ID NAME PORT
    local answer
    [ "$(jq -r .id "$programs/request.json" 2>/dev/null)" = "$1" ] || fail "certificate $1 was not started: run pulumi up"
    fresh_mounts
    if [ "$(issue due | jq -r .due)" = true ] && ! check_names; then
        without "$1" "$2" "$fault"
    else
        answer=$(issue now) || fail "certbot's round failed: see above"
        case $(jq -r .result <<<"$answer") in
        issued | kept) ;;
        *) without "$1" "$2" "$(jq -r .message <<<"$answer")" ;;
        esac
    fi
    await "$1" "$2" "$3"
    say "certificate for $2: $(describe "$1")"
}

look() { # ID NAME PORT
    local file=$certificates/$1/current/fullchain.pem now own='{}' server
    [ -e "$file" ] || fail "there is no certificate $1 on this host: run pulumi up"
    if [ "$(jq -r .id "$programs/request.json" 2>/dev/null)" = "$1" ]; then
        if docker inspect "$container" >/dev/null 2>&1; then (fresh_mounts) || true; fi
        if [ "$(source_of "$1")" = issued ] && [ ! -e "$state/live/garden-$1/fullchain.pem" ]; then
            say "the ACME state of certificate $1 is gone: certbot asks for another in the background"
            docker exec -d "$container" python3 /garden/certbot-issue loop >/dev/null || true
        fi
        server=$(jq -r .server "$programs/request.json")
        own=$(jq -c --arg server "$server" '.[$server] // {}' "$state/garden/journal.json" 2>/dev/null || echo '{}')
    fi
    now=$(served "$2" "$3" || true)
    names_of "$file" | jq -R . | jq -sc --arg source "$(source_of "$1")" --arg issuer "$(issuer "$file")" \
        --arg serial "$(serial <"$file")" --arg now "$now" --argjson own "$own" \
        --argjson start "$(epoch start "$file")" --argjson end "$(epoch end "$file")" '{
            $source, $issuer, names: ., $serial, notBefore: ($start | todate), notAfter: ($end | todate),
            daysLeft: (($end - now) / 86400 | floor),
            served: (if $now == "" then "no" elif $now == $serial then "yes" else "other" end),
            lastFailure: ($own.last | if . then {at: (.at | floor | todate), reason} else null end),
            nextTry: ($own.nextTry | if . then floor | todate else null end)
        }'
}

keep() { # ID
    for each in "$certificates"/*; do
        if [[ ${each##*/} =~ ^[0-9a-f]{8}$ ]] && [ "${each##*/}" != "$1" ]; then rm -rf "$each"; fi
    done
}

id() { [[ ${1:-} =~ ^[0-9a-f]{8}$ ]] || fail "usage: certificate install|start|obtain|await|look|keep ID (8 hexadecimal digits)"; }

case ${1:-} in
install) id "${2:-}"; given "$2"; await "$2" "$3" "$4" ;;
start) id "${2:-}"; start "$2" ;;
obtain) id "${2:-}"; obtain "$2" "$3" "$4" ;;
await) id "${2:-}"; await "$2" "$3" "$4" ;;
look) id "${2:-}"; look "$2" "$3" "$4" ;;
keep) id "${2:-}"; keep "$2" ;;
stop) rm -rf "$programs" ;;
*) fail "usage: certificate install|start|obtain|await|look|keep ID [NAME PORT] | stop" ;;
esac
