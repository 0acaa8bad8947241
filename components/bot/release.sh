#!/bin/bash
# The gate of a release. Pulumi has created the bot's new container beside the old one and has not started it; what
# follows is: the step before the release (a dump, the migration), the start, the health check, the switch of the route,
# and a watch over the first seconds. A bot with a single writer is stopped before its new release starts. If anything
# fails, the reason is shown, the new container is stopped (its log stays) and the old release goes on.
#
# usage: bot-release switch BOT CONTAINER    stdin: {"processes", "port"|null, "deadline", "settle", "grace" (seconds),
#                                                    "stopsFirst", "writesAlone", "reference",
#                                                    "route": {"files", "secret"}|null,
#                                                    "beforeDeploy": {"command", "timeout", "database"}|null}
#        bot-release withdraw BOT            takes the route away
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
edge_container=botgarden-edge
# shellcheck source=components/bot/release-health.sh
. "$here/bot-release-health"

# A release that the operator's machine lost goes on by itself: nobody reads what it says, and half of it would be worse.
trap '' PIPE HUP
say() { echo "$*" >&2 || true; }

action=${1:-}
bot=${2:-}
container=${3:-}
if ! [[ $bot =~ ^[a-z][a-z0-9-]*$ ]]; then
    say "usage: bot-release switch BOT CONTAINER | withdraw BOT"
    exit 1
fi

# One that was lost may still be under way; its end is waited for.
exec 9>"/run/lock/botgarden-release-$bot.lock"
if ! flock --nonblock 9; then
    say "bot $bot: another release is under way; waiting for its end"
    oneoff=botgarden-before-deploy-$bot
    if docker inspect "$oneoff" >/dev/null 2>&1; then
        say "  its command runs first: docker logs -f $oneoff shows it, docker rm -f $oneoff ends it and that release"
    fi
    if ! flock --timeout 4500 9; then
        say "botgarden: another release of bot $bot did not end in 75 minutes (see: fuser -v /run/lock/botgarden-release-$bot.lock)."
        say "End it, then run pulumi up again."
        exit 1
    fi
fi

input='{}'
field() { printf '%s' "$input" | jq -r ".$1"; }
is() { [ "$(docker inspect -f '{{.State.Status}}' "$1" 2>/dev/null)" = "$2" ]; }

# What ran before and is to go on if the new release does not pass: the last good release.
serving=$("$here/bot-records" serving "$bot")
stopped=()
switched=no
begun=$(date +%s)

# A bot that polls and is paused: nothing at the edge can hold it, so it must not run until it is resumed. Asked of the
# container, for the release before may have had a webhook.
held() { # CONTAINER
    docker inspect "$1" | jq -e '[.[].Config.Env[]? | startswith("WEBHOOK_URL=")] | any | not' >/dev/null &&
        "$here/edge" paused "$bot" </dev/null
}

hold() {
    docker stop --time "$(field grace)" "$container" >/dev/null || refuse "the bot is paused, and it cannot be stopped"
}

stop_new() {
    docker update --restart no "$container" >/dev/null 2>&1 || true
    docker stop --time 10 "$container" >/dev/null 2>&1 || true
}

# Of a bot that polls there is none.
set_route() { # ROUTE|null
    if [ "$1" = null ]; then "$here/edge" unroute "$bot" </dev/null; else printf '%s' "$1" | "$here/edge" route "$bot"; fi
}

# Before the first good release there is none.
former_route() { if [ -n "$serving" ]; then "$here/bot-records" route "$bot"; else echo null; fi; }

# Everything as it was before the new release: its route, its container.
go_back() {
    local name
    "$here/postgres-password" give-back "$bot" || say "the former password of its database could not be given back"
    # Never two at once of those that were stopped first; of the others never none.
    if [ ${#stopped[@]} -gt 0 ]; then
        stop_new
        for name in "${stopped[@]}"; do
            if held "$name"; then continue; fi
            docker start "$name" >/dev/null || say "$name, which ran before, cannot be started again"
        done
    fi
    # Also to one that Docker is starting again just now.
    if [ "$switched" = yes ] && { [ -z "$serving" ] || docker inspect "$serving" >/dev/null 2>&1; }; then
        set_route "$(former_route)" || say "the route could not be given back"
        drain
    fi
    stop_new
}

refuse() { # REASON
    local state health
    state=$(docker inspect -f 'container {{.Name}}: {{.State.Status}}, exit code {{.State.ExitCode}}, restarted {{.RestartCount}} times' \
        "$container" 2>&1 || true)
    health=$(docker inspect -f '{{if .State.Health}}{{range .State.Health.Log}}health check: {{.Output}}{{end}}{{end}}' "$container" 2>&1 || true)
    # The log is read when the container is at rest: while Docker starts it again there may be none.
    if [ "$container" != "$serving" ]; then go_back; fi
    say "botgarden: the new release of bot $bot failed its gate: $1"
    say "$state"
    if [ -n "$health" ]; then say "$health"; fi
    say "the last 50 lines of its log:"
    # Of this try alone, with all its starts.
    docker logs --tail 50 --since "$begun" "$container" >&2 || true
    if [ "$container" = "$serving" ]; then
        # The present release, looked at once more: stopping it would help nobody.
        say "It is the present release and was left as it is. Correct the cause and run pulumi up again."
    elif [ -n "$serving" ] && is "$serving" running; then
        say "It was stopped; its log stays (docker logs $container). What ran before goes on. Correct the bot and run pulumi up again."
        if [ "$(field route)" = null ] && [ "$("$here/bot-records" route "$bot")" != null ]; then
            say "Its webhook is gone, as a bot that polls must have none: until then Telegram keeps its updates."
        fi
    else
        say "It was stopped; its log stays (docker logs $container). Correct the bot and run pulumi up again."
    fi
    exit 1
}

# Docker refuses to change a container in the moment of its exit, and takes it a little later.
change() { # REASON OPTION...
    local reason=$1 answer tries=0
    shift
    until answer=$(docker update "$@" "$container" 2>&1 >/dev/null); do
        tries=$((tries + 1))
        if [ "$tries" -ge 10 ]; then
            say "$answer"
            refuse "$reason"
        fi
        sleep 0.5
    done
}

# A single writer: whatever else runs of this bot ends before the new one starts.
stop_others() {
    local name
    while read -r name; do
        if [ -z "$name" ] || [ "$name" = "$container" ]; then continue; fi
        say "bot $bot: stopping $name, for it must not run beside the new release"
        # What failed its gate earlier is not started again.
        if [ -z "$serving" ] || [ "$name" = "$serving" ]; then stopped+=("$name"); fi
        docker stop --time "$(field grace)" "$name" >/dev/null || refuse "$name, which must not run beside it, cannot be stopped"
    done <<<"$(docker ps --filter "label=botgarden.bot=$bot" --format '{{.Names}}')"
    # Stopped by an earlier run that was killed before it could start either, or because the bot is paused.
    if [ ${#stopped[@]} = 0 ] && [ -n "$serving" ] && is "$serving" exited; then stopped=("$serving"); fi
}

start_new() {
    # Docker would hide an exit by starting it again; it may do so once it has the updates.
    change "its limits cannot be set" --restart no --pids-limit "$(field processes)"
    if ! is "$container" running; then
        docker start "$container" >/dev/null || refuse "it cannot be started"
    fi
}

# nginx's workers, with what they are doing: `PID nginx: worker process is shutting down`.
workers() { docker top "$edge_container" -eo pid,args 2>/dev/null | grep 'nginx: worker' || true; }

# After a reload the former workers finish what they have, and may use a kept connection once more: until they are gone,
# the former release is needed. They have as long as Telegram waits for an answer.
drain() {
    local waited=0
    while workers | grep 'shutting down' >/dev/null; do
        waited=$((waited + 1))
        if [ $waited -ge 220 ]; then
            say "bot $bot: nginx still answers requests that began before the switch; they are not waited for any longer"
            return
        fi
        sleep 0.3
    done
}

give_updates() {
    switched=yes
    set_route "$(printf '%s' "$input" | jq -c .route)" || refuse "its route cannot be switched"
}

check_user() {
    case $(ask 'user {{.Config.User}}') in
    "") refuse "Docker does not say what it is" ;;
    "user " | "user 0" | "user 0:"* | "user root" | "user root:"*)
        refuse "it runs as root. Add a USER to the image's Dockerfile or user: \"1000:1000\" to the bot's file"
        ;;
    esac
}

# To try it would be to let it ask Telegram for the updates that are held.
leave_untried() {
    change "its limits cannot be set" --pids-limit "$(field processes)"
    give_updates
    record
    say "bot $bot: it is paused, so $container was not started; it is tried when the bot goes on (npm run resume -- $bot)"
}

take_password() { "$here/postgres-password" take "$bot" || refuse "the new password of its database cannot be set"; }

record() {
    printf '%s' "$input" | jq -c '{reference, route}' | "$here/bot-records" add "$bot" "$container" &&
        "$here/postgres-password" keep "$bot"
}

before_deploy() {
    if [ "$(field beforeDeploy)" = null ]; then return; fi
    if ! printf '%s' "$input" | jq -c .beforeDeploy | "$here/bot-before-deploy" "$bot" "$container"; then
        go_back
        say "botgarden: the release of bot $bot was not begun: what ran goes on. Correct the cause and run pulumi up again."
        exit 1
    fi
}

switch() {
    input=$(cat)
    if [ -z "$(ask '{{.Id}}')" ]; then
        say "botgarden: bot $bot has no container $container (removed by hand?): run pulumi refresh, then pulumi up"
        exit 1
    fi
    check_user
    if [ "$container" = "$serving" ]; then
        change "its limits cannot be set" --pids-limit "$(field processes)"
        take_password
        "$here/postgres-password" keep "$bot"
        if held "$container"; then
            hold
        else
            if ! is "$container" running; then docker start "$container" >/dev/null || refuse "it cannot be started"; fi
            await_health
        fi
        give_updates
        record
        return
    fi
    if [ "$(field writesAlone)" = true ]; then stop_others; fi
    take_password
    before_deploy
    if [ "$(field stopsFirst)" = true ]; then stop_others; fi
    if held "$container"; then leave_untried; return; fi
    start_new
    await_health
    give_updates
    # From here on Docker starts the container again, also after a reboot; but not one that is held.
    change "its restarts cannot be set" --restart unless-stopped
    if held "$container"; then hold; else watch_first_seconds; fi
    if [ "$switched" = yes ]; then drain; fi
    if ! record; then
        say "botgarden: the new release of bot $bot works, but could not be written down (see above). Run pulumi up again."
        exit 1
    fi
    say "bot $bot: $container is healthy$([ "$(field port)" = null ] || echo " and gets the updates")"
}

case $action in
switch) switch ;;
withdraw) "$here/edge" withdraw "$bot" </dev/null ;;
*) say "usage: bot-release switch BOT CONTAINER | withdraw BOT"; exit 1 ;;
esac
