#!/bin/bash
# Asks, before the CA does, whether the names of the request lead to this host: what a CA refuses costs one of few tries.
# The edge and certbot run. Prints what is wrong and ends with 1; progress goes to standard error.
#
# usage: certificate-names
set -euo pipefail

programs=/etc/botgarden/certbot
webroot=/var/lib/botgarden/acme-challenges
probes=$webroot/.well-known/acme-challenge
container=botgarden-certbot
edge=botgarden-edge

say() { echo "$*" >&2; }

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
        said=$(docker exec "$container" python3 /garden/certbot-issue resolve "$1" </dev/null)
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

# Sets `fault`.
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

check_names || {
    echo "$fault"
    exit 1
}
