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

state=/var/lib/botgarden/acme
webroot=/var/lib/botgarden/acme-challenges
probes=$webroot/.well-known/acme-challenge
container=botgarden-certbot
edge=botgarden-edge
site=/etc/botgarden/edge/current/site.conf
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=components/certificates/certificate-folders.sh
. "$here/certificate-folders"

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
    install_files acme_common.py acme_journal.py acme_certificate.py acme_certbot.py acme_failure.py acme_round.py
    install_files certbot-issue certbot-loop
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
    local answer fault
    [ "$(jq -r .id "$programs/request.json" 2>/dev/null)" = "$1" ] || fail "certificate $1 was not started: run pulumi up"
    fresh_mounts
    if [ "$(issue due | jq -r .due)" = true ] && ! fault=$("$here/certificate-names"); then
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
