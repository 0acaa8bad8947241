#!/bin/bash
# Who may talk to whom on the garden's bridge. Docker refuses all traffic between its containers (enable_icc=false);
# these rules, in the chain that Docker leaves to administrators and asks first, allow the edge to reach every bot,
# every bot to reach the data services' ports, and the answers to come back. A unit applies them again after every
# start of Docker and every reboot.
#
# usage: network apply SUBNET EDGE POSTGRES REDIS | network restore | network remove
set -euo pipefail

bridge=botgarden0
chain=BOTGARDEN
saved=/etc/botgarden/network.conf
unit=/etc/systemd/system/botgarden-network.service

fail() { echo "botgarden: $*" >&2; exit 1; }
rule() { iptables --wait 30 "$@"; }

exec 9>/run/lock/botgarden-network.lock
flock 9

fill_chain() { # SUBNET EDGE POSTGRES REDIS
    local subnet=$1 edge=$2 postgres=$3 redis=$4
    rule -N "$chain" 2>/dev/null || true
    # From here to the last line packets between containers are dropped by Docker's own rule at worst, and what is
    # established passes by the first line within milliseconds.
    rule -F "$chain"
    rule -A "$chain" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    rule -A "$chain" -s "$edge" -d "$subnet" -p tcp -j ACCEPT
    rule -A "$chain" -s "$subnet" -d "$postgres" -p tcp --dport 5432 -j ACCEPT
    rule -A "$chain" -s "$subnet" -d "$redis" -p tcp --dport 6379 -j ACCEPT
    rule -A "$chain" -j DROP
    rule -N DOCKER-USER 2>/dev/null || true
    rule -C DOCKER-USER -i "$bridge" -o "$bridge" -j "$chain" 2>/dev/null ||
        rule -I DOCKER-USER 1 -i "$bridge" -o "$bridge" -j "$chain"
}

install_unit() {
    [ -d /run/systemd/system ] || return 0
    cat >"$unit.new" <<'UNIT'
[Unit]
Description=Who may talk to whom on the garden's network
After=docker.service
PartOf=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/opt/botgarden/bin/network restore
[Install]
WantedBy=docker.service
UNIT
    if ! cmp -s "$unit.new" "$unit"; then
        mv "$unit.new" "$unit"
        systemctl daemon-reload
    else
        rm "$unit.new"
    fi
    systemctl enable --quiet botgarden-network.service
}

case ${1:-} in
apply)
    [ $# = 5 ] || fail "usage: network apply SUBNET EDGE POSTGRES REDIS"
    shift
    mkdir -p /etc/botgarden
    echo "$*" >"$saved.new"
    mv "$saved.new" "$saved"
    fill_chain "$@"
    install_unit
    ;;
restore)
    [ -s "$saved" ] || exit 0
    read -r subnet edge postgres redis <"$saved"
    fill_chain "$subnet" "$edge" "$postgres" "$redis"
    ;;
remove)
    if [ -e "$unit" ]; then
        systemctl disable --quiet botgarden-network.service 2>/dev/null || true
        rm -f "$unit"
        systemctl daemon-reload
    fi
    while rule -D DOCKER-USER -i "$bridge" -o "$bridge" -j "$chain" 2>/dev/null; do :; done
    rule -F "$chain" 2>/dev/null || true
    rule -X "$chain" 2>/dev/null || true
    rm -f "$saved"
    ;;
*) fail "usage: network apply SUBNET EDGE POSTGRES REDIS | network restore | network remove" ;;
esac
