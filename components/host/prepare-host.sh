#!/bin/sh
# Brings a bare Debian or Ubuntu host to the state the garden needs: a Docker engine with its command line
# (the Pulumi docker plugin runs `docker system dial-stdio` over ssh), curl and jq for the other scripts.
# What is there already is left alone, whoever installed it. Runs any number of times; a run that was
# interrupted in the middle of apt or dpkg is picked up by the next.
#
# usage: prepare-host [USER]    USER: the login that deploys; it may use Docker afterwards
set -eu

user=${1:-root}
say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

[ "$(id -u)" = 0 ] || fail "prepare-host must run as root; give the login $user passwordless sudo"

exec 9>/run/lock/botgarden-prepare.lock
flock 9
log=$(mktemp)
trap 'rm -f "$log"' EXIT

missing=""
need() { # COMMAND PACKAGE...
    command=$1
    shift
    command -v "$command" >/dev/null 2>&1 || missing="$missing $*"
}

docker_packages() {
    # Debian 13 split the command line off; apparmor is only recommended there, but a kernel with AppArmor
    # refuses to start containers without its parser.
    echo docker.io apparmor
    if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; fi
}

# Its hundred lines are only shown when it fails.
apt() {
    if ! DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -qq -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        return 1
    fi
}

install_missing() {
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "this host lacks:$missing. It is neither Debian nor Ubuntu, so install them by hand, then run pulumi up again"
    fi
    # A killed apt leaves packages half configured, and every later apt-get refuses to work until this ran.
    DEBIAN_FRONTEND=noninteractive dpkg --configure -a </dev/null >"$log" 2>&1 || true
    say "reading package lists"
    apt update || fail "apt-get update failed on the host: see above; check the host's network and /etc/apt/sources.list"
    packages=$(echo "$missing" | sed "s/@docker/$(docker_packages | tr '\n' ' ')/")
    say "installing:$packages"
    # shellcheck disable=SC2086 # a list of package names
    apt install --no-install-recommends $packages ||
        fail "apt-get could not install:$packages. See above; a full disk (df -h) is the usual cause"
}

need docker @docker
need iptables iptables
need curl curl ca-certificates
need jq jq
need openssl openssl
need flock util-linux
install_missing

if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
    systemctl enable --now --quiet docker.service >&2 ||
        fail "the Docker engine does not start: journalctl -u docker.service on the host says why"
fi

# Containers outlive a crash or an upgrade of the engine. Without it an engine that starts after a crash kills what still
# runs, takes that for stopped by hand (moby, daemon/restore), and the whole garden stays down. An operator's own word
# counts, and a swarm can't be combined with it.
keep_containers_alive() {
    config=/etc/docker/daemon.json
    if [ "$(docker info --format '{{.LiveRestoreEnabled}} {{.Swarm.LocalNodeState}}')" != "false inactive" ]; then return; fi
    if [ ! -s "$config" ]; then
        mkdir -p /etc/docker
        echo '{}' >"$config.botgarden"
    else
        jq -e 'has("live-restore") | not' "$config" >/dev/null 2>&1 || return 0
        cat "$config" >"$config.botgarden"
    fi
    jq '. + {"live-restore": true}' "$config.botgarden" >"$config.new"
    rm -f "$config.botgarden"
    mv "$config.new" "$config"
    say "letting containers outlive the Docker engine (live-restore in $config)"
    # Taken over without a restart.
    if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
        systemctl reload docker.service >&2 || true
    else
        pkill -HUP -x dockerd || true
    fi
}

tries=0
until docker info >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
        docker info >&2 || true
        fail "the Docker engine does not answer after 60 s: journalctl -u docker.service on the host says why"
    fi
    sleep 1
done

keep_containers_alive

if [ "$user" != root ] && ! id -nG "$user" | tr ' ' '\n' | grep -x docker >/dev/null; then
    say "adding $user to the group docker"
    usermod -aG docker "$user"
fi

install -d -m 0755 /etc/botgarden
install -d -m 0700 /var/lib/botgarden /var/lib/botgarden/dumps
say "host ready: Docker $(docker version --format '{{.Server.Version}}')"
