#!/bin/bash
# The gate of a release: waits until a bot's new container works and only then gives it the updates. If it does not,
# the reason is shown, the container is stopped (its log stays) unless the bot has no other, and the route stays where
# it was.
#
# usage: bot-release switch BOT CONTAINER    stdin: {"processes", "port"|null, "deadline" (seconds),
#                                                    "route": {FILE: TEXT}|null}
#        bot-release withdraw BOT            takes the route away
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")

say() { echo "$*" >&2; }

action=${1:-}
bot=${2:-}
container=${3:-}
if ! [[ $bot =~ ^[a-z][a-z0-9-]*$ ]]; then
    say "usage: bot-release switch BOT CONTAINER | withdraw BOT"
    exit 1
fi

exec 9>"/run/lock/botgarden-release-$bot.lock"
flock 9

refuse() { # REASON
    say "botgarden: the new release of bot $bot failed its gate: $1"
    docker inspect -f 'container {{.Name}}: {{.State.Status}}, exit code {{.State.ExitCode}}, restarted {{.RestartCount}} times' \
        "$container" >&2 || true
    docker inspect -f '{{if .State.Health}}{{range .State.Health.Log}}health check: {{.Output}}{{end}}{{end}}' "$container" >&2 || true
    say "the last 50 lines of its log:"
    docker logs --tail 50 "$container" >&2 || true
    if docker ps --filter "label=botgarden.bot=$bot" --format '{{.Names}}' | grep -qvx "$container"; then
        docker update --restart no "$container" >/dev/null 2>&1 || true
        docker stop --time 10 "$container" >/dev/null 2>&1 || true
        say "It was stopped. What ran before goes on. Correct the bot and run pulumi up again."
    else
        # Nothing ran before, or this is the present release, looked at once more: stopping it would help nobody.
        say "It is the bot's only container and was left as it is. Correct the cause and run pulumi up again."
    fi
    exit 1
}

# The container's own health check, asked now: Docker asks only once an interval.
passes_check() {
    local -a test
    # Words quoted by jq: one of them may well be a script of several lines.
    eval "test=($(docker inspect -f '{{json .Config.Healthcheck.Test}}' "$container" | jq -r @sh))"
    case ${test[0]} in
    CMD) test=("${test[@]:1}") ;;
    CMD-SHELL) test=(/bin/sh -c "${test[*]:1}") ;;
    esac
    timeout 20 docker exec "$container" "${test[@]}" </dev/null >/dev/null 2>&1
}

# Prints why the container cannot be used, or `waiting`, or `ready`.
look() { # PORT
    local state health restarts address
    read -r state health restarts address <<<"$(docker inspect -f \
        '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.RestartCount}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' \
        "$container" 2>/dev/null || echo 'missing none 0')"
    case $state in
    missing) echo "the container is gone"; return ;;
    exited | dead) echo "it exited"; return ;;
    esac
    if [ "$restarts" -ge 2 ]; then echo "it exits and is started again and again"; return; fi
    case $health in
    healthy) echo ready ;;
    unhealthy) echo "its health check fails" ;;
    starting)
        if [ "$state" = running ] && passes_check; then echo ready; else echo waiting; fi
        ;;
    none)
        # No health check: a webhook bot must at least accept connections.
        if [ "$state" != running ]; then
            echo waiting
        elif [ "$1" = null ] || timeout 2 bash -c "</dev/tcp/$address/$1" 2>/dev/null; then
            echo ready
        else
            echo waiting
        fi
        ;;
    esac
}

switch() {
    local input port deadline started verdict user
    input=$(cat)
    port=$(printf '%s' "$input" | jq -r .port)
    deadline=$(printf '%s' "$input" | jq -r .deadline)
    docker inspect "$container" >/dev/null 2>&1 || refuse "there is no container $container (removed by hand? pulumi refresh, then pulumi up)"
    user=$(docker inspect -f '{{.Config.User}}' "$container")
    case $user in
    "" | 0 | 0:* | root | root:*)
        refuse "it runs as root. Add a USER to the image's Dockerfile or user: \"1000:1000\" to the bot's file"
        ;;
    esac
    # A container that an earlier gate stopped gets another chance: the cause may not have been the bot's.
    if [ "$(docker inspect -f '{{.State.Status}}' "$container")" = exited ]; then
        docker update --restart unless-stopped "$container" >/dev/null
        docker start "$container" >/dev/null || refuse "it cannot be started"
    fi
    docker update --pids-limit "$(printf '%s' "$input" | jq -r .processes)" "$container" >/dev/null
    started=$SECONDS
    while :; do
        verdict=$(look "$port")
        case $verdict in
        ready) break ;;
        waiting)
            if [ $((SECONDS - started)) -ge "$deadline" ]; then refuse "it was not healthy within $deadline seconds"; fi
            ;;
        *) refuse "$verdict" ;;
        esac
        sleep 0.3
    done
    if [ "$(printf '%s' "$input" | jq -r '.route != null')" = true ]; then
        printf '%s' "$input" | jq -c .route | "$here/edge" route "$bot"
    else
        "$here/edge" unroute "$bot" </dev/null
    fi
    say "bot $bot: $container is healthy$([ "$port" = null ] || echo " and gets the updates")"
}

case $action in
switch) switch ;;
withdraw) "$here/edge" unroute "$bot" ;;
esac
