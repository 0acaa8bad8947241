#!/bin/bash
# The log of one of the garden's containers, on both streams as the container wrote it. Sent over SSH on standard input, as
# root; changes nothing on the host.
#
# usage: logs NAME LINES [follow]    NAME: a bot, `edge`, `postgres`, `certbot`, or a container of the garden
#
# While it follows, what is left of standard input is held open by the one who reads: its end is his end. A release takes
# the next container's log from its start, so nothing of it is missing; a container that was started again goes on.
# Ends with 3 if there is no such thing in the garden, with 4 if its last container is gone.
set -euo pipefail

say() { echo "botgarden: $*" >&2; }

garden() { docker ps -a --filter label=botgarden.garden "$@"; }

# The container of a bot that its route names, else the newest that runs, else its last good release, else the newest
# (docker ps sorts so).
container_of() { # NAME
    local routed good found
    routed=$(sed -n 's/^# container: //p' "/etc/botgarden/edge/current/routes/$1.resolve.upstream.conf" 2>/dev/null | head -n 1)
    found=$(garden --filter "label=botgarden.bot=$1" --format '{{.Names}} {{.State}}')
    if [ -z "$found" ]; then
        found=$(garden --filter "label=botgarden.part=$1" --format '{{.Names}} {{.State}}')
    fi
    if [ -z "$found" ]; then
        garden --filter "name=^/?$1\$" --format '{{.Names}}'
    elif [ -n "$routed" ] && grep -q "^$routed " <<<"$found"; then
        echo "$routed"
    else
        good=$(/opt/botgarden/bin/bot-records serving "$1" 2>/dev/null || true)
        { grep -m 1 ' running$' <<<"$found" || grep "^$good " <<<"$found" || head -n 1 <<<"$found"; } | cut -d ' ' -f 1
    fi
}

unknown() { # NAME
    local names
    names=$(garden --format '{{or (.Label "botgarden.bot") (.Label "botgarden.part")}}' | sort -u | tr '\n' ' ')
    say "there is no $1 in the garden on this host. There are: ${names:-none}"
    exit 3
}

started() { docker inspect -f '{{.State.StartedAt}}' "$1" 2>/dev/null || true; }

# Waits until there is something new to read: another container, or the same that was started again.
next() { # NAME CONTAINER STARTED
    local told="" gone=0 now how
    while :; do
        now=$(container_of "$1")
        if [ -z "$now" ]; then
            # Between the old and the new container of a bot that polls there is none for a moment.
            gone=$((gone + 1))
            if [ "$gone" -ge 60 ]; then say "$1 is gone from the garden"; exit 4; fi
        elif [ "$now" != "$2" ] || [ "$(started "$now")" != "$3" ]; then
            echo "$now"
            return
        elif [ -z "$told" ]; then
            # Docker prints an empty line for what is not there.
            how=$(docker inspect -f '{{.State.Status}}, exit code {{.State.ExitCode}}' "$2" 2>/dev/null || true)
            say "$2 ended (${how:-removed}); waiting for it to start, or for a release. Ctrl-C ends this"
            told=yes
        fi
        sleep 1
    done
}

follow() { # NAME LINES
    local current next from run ended
    current=$(container_of "$1")
    from=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    run=$(started "$current")
    docker logs --follow --tail "$2" "$current"
    while
        # Not the next start: by the time that Docker notes it the first lines may be written.
        ended=$(docker inspect -f '{{.State.FinishedAt}}' "$current" 2>/dev/null || true)
        next=$(next "$1" "$current" "$run")
    do
        if [ "$next" = "$current" ]; then
            say "$next was started again"
        else
            say "$1 is now $next"
            ended=$from
            from=$(date -u +%Y-%m-%dT%H:%M:%SZ)
        fi
        current=$next
        run=$(started "$current")
        docker logs --follow --since "$ended" "$current"
    done
    exit 4
}

main() {
    local name=$1 lines=$2 container
    command -v docker >/dev/null 2>&1 || { say "there is no garden on this host: no Docker"; exit 3; }
    docker version >/dev/null
    container=$(container_of "$name")
    [ -n "$container" ] || unknown "$name"
    if [ "${3:-}" != follow ]; then
        docker logs --tail "$lines" "$container" </dev/null
        return
    fi
    set -m
    follow "$name" "$lines" </dev/null &
    # Its own process group: docker and all that wait.
    trap 'kill -- -$! 2>/dev/null || true' EXIT
    # Whichever ends first: the reader's end of standard input, or what is followed.
    while kill -0 $! 2>/dev/null; do
        if read -r -t 1 _; then continue; elif [ $? -le 128 ]; then return 0; fi
    done
    wait $!
}

main "$@"
