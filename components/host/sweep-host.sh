#!/bin/sh
# Removes containers and networks that a killed `pulumi up` created but could not write down: they carry the
# garden's label, hold a name, an address or a port, and would make every later `up` fail. Starts those that should run:
# Docker leaves what was stopped by hand, and Pulumi's plan says nothing of it.
#
# stdin (as part of `sh -s`): nothing; prints why something is left as it is
# usage: sweep-host remove-container|remove-network|start-container NAME...
set -eu
what=$1
shift

label() { docker inspect -f "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null || true; } # CONTAINER LABEL

remove() { # CONTAINER
    # The command before a release: Postgres would go on with its statement (before-deploy.sh).
    bot=$(label "$1" botgarden.oneoff)
    address=""
    if [ -n "$bot" ]; then
        # A run that was lost goes on by itself: its command is not stopped halfway, and the next release waits for its end.
        exec 8>"/run/lock/botgarden-before-deploy-$bot.lock"
        if ! flock --nonblock 8; then
            echo "bot $bot: the command before its release is under way still, of a run that was lost; it is not stopped"
            return
        fi
        address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1" 2>/dev/null || true)
    fi
    # A stop before the removal: it may be a Postgres that has begun to write.
    docker stop --time 30 "$1" >/dev/null 2>&1 || true
    docker rm --force --volumes "$1" >/dev/null 2>&1 || true
    if [ -n "$address" ]; then
        docker exec -u postgres botgarden-postgres psql -qXAtd postgres -c "SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity WHERE datname = '$bot' AND client_addr = '$address'" </dev/null >/dev/null 2>&1 || true
    fi
}

# A release whose `pulumi up` was lost may still be under way, and it has stopped this one because it must not run beside:
# its gate decides.
start() { # CONTAINER
    bot=$(label "$1" botgarden.bot)
    if [ -z "$bot" ]; then
        docker start "$1" >/dev/null
        return
    fi
    exec 9>"/run/lock/botgarden-release-$bot.lock"
    if flock --nonblock 9 && [ -z "$(docker ps --quiet --filter "label=botgarden.bot=$bot")" ]; then
        docker start "$1" >/dev/null
    fi
    exec 9>&-
}

for name in "$@"; do
    case $what in
    remove-container) remove "$name" ;;
    remove-network) docker network rm "$name" >/dev/null 2>&1 || true ;;
    start-container) start "$name" ;;
    esac
done
