#!/bin/bash
# The step before a release: a tried dump of the bot's database, then the bot's own command (a migration), once per new
# container. The command runs in a container of its own, made as the new one is: the same image, environment, user,
# volumes, limits and network. What serves the bot goes on meanwhile. If the command fails or does not end in time, the
# release stops here.
#
# usage: bot-before-deploy BOT CONTAINER    CONTAINER: of the new release, created and not started
#                                           stdin: {"command": [...], "timeout" (seconds), "database": true|false}
#
# The dump is /var/lib/botgarden/dumps/BOT/before-release-N.dump, N being the number that the release gets if it is good.
# Tries of one release share the number: the first one's dump stays, for a later one has what a failed command began; the
# last one's is before-release-N-retry.dump. The last five releases' dumps stay.
set -euo pipefail
umask 077
# A lost connection does not stop the command halfway.
trap '' PIPE

here=$(dirname "$(readlink -f "$0")")
postgres=botgarden-postgres
kept=5
bot=${1:-}
container=${2:-}

say() { echo "$*" >&2 || true; }
fail() { say "botgarden: $*"; exit 1; }
# A killed run must not leave its locks (the gate's is 9) with what it started.
apart() { "$@" 8>&- 9>&-; }
docker() { apart command docker "$@"; }

[[ "$bot $container" =~ ^[a-z][a-z0-9-]*\ . ]] || fail "usage: bot-before-deploy BOT CONTAINER"
records=/var/lib/botgarden/releases/$bot
dumps=/var/lib/botgarden/dumps/$bot
oneoff=botgarden-before-deploy-$bot
socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${socket#unix://}

input=$(cat)
command=$(printf '%s' "$input" | jq -ec .command)
timeout=$(printf '%s' "$input" | jq -er .timeout)
database=$(printf '%s' "$input" | jq -r .database)
words=$(printf '%s' "$command" | jq -r 'join(" ")')

exec 8>"/run/lock/botgarden-before-deploy-$bot.lock"
if ! flock --nonblock 8; then
    say "bot $bot: the step before another release is under way; waiting for its end"
    flock 8
fi

address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1" 2>/dev/null || true; }

# Ends a container of this step. Postgres goes on with a statement whose client is gone, so its session is ended too.
remove() { # CONTAINER ADDRESS
    docker rm --force --volumes "$1" >/dev/null 2>&1 || true
    if [ "$database" != true ] || [ -z "$2" ]; then return; fi
    docker exec -u postgres "$postgres" psql -qXAtd postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '$bot' AND client_addr = '$2'" </dev/null >/dev/null 2>&1 || true
}

# A killed run's command may still be running: two at once would spoil the database.
sweep() {
    local left
    while read -r left; do
        if [ -z "$left" ]; then continue; fi
        say "bot $bot: stopping the command that an interrupted run left behind"
        remove "$left" "$(address_of "$left")"
    done <<<"$(docker ps --all --quiet --filter "label=botgarden.oneoff=$bot")"
}

# What is done is not done again by another try of the same container.
memory() { docker inspect -f '{{.Id}}' "$container" | sed "s/\$/ $(printf '%s' "$command" | sha256sum | cut -c 1-64)/"; }

put() { # FILE, text on stdin
    install -d -m 0700 "$records"
    cat >"$records/$1.new"
    sync "$records/$1.new"
    mv "$records/$1.new" "$records/$1"
}

next_release() {
    local last
    last=$(find "$records" -maxdepth 1 -name '[0-9]*.json' -printf '%f\n' 2>/dev/null | sed 's/\.json$//' | sort -n | tail -n 1)
    echo $((${last:-0} + 1))
}

dump() {
    local number name
    number=$(next_release)
    name=before-release-$number
    if [ -e "$dumps/$name.dump" ]; then
        if [ "$(cat "$records/dumped" 2>/dev/null)" = "$number" ]; then
            name=$name-retry
        else
            set_aside "$name"
        fi
    fi
    apart "$here/postgres-dump" "$bot" "$name" >/dev/null ||
        fail "no dump could be made before the release of bot $bot, so its command ($words) was not run"
    echo "$number" | put dumped
    prune
}

# A bot of this name was here before, and its releases had the same numbers.
set_aside() { # NAME
    local to
    to=$1-$(date -u -r "$dumps/$1.dump" +%Y%m%dT%H%M%SZ)
    mv "$dumps/$1.dump" "$dumps/$to.dump"
    printf '%s  %s\n' "$(cut -d ' ' -f 1 "$dumps/$1.dump.sha256")" "$to.dump" >"$dumps/$to.dump.sha256" || true
    rm -f "$dumps/$1.dump.sha256"
}

prune() {
    local file
    while read -r file; do
        if [ -n "$file" ]; then rm -f "$dumps/$file" "$dumps/$file.sha256"; fi
    done <<<"$(find "$dumps" -name 'before-release-*.dump' ! -name '*-retry.dump' -printf '%T@ %f\n' |
        sort -rn | tail -n "+$((kept + 1))" | cut -d ' ' -f 2)"
    for file in "$dumps"/before-release-*-retry.dump; do
        if [ -e "$file" ] && [ ! -e "${file%-retry.dump}.dump" ]; then rm -f "$file" "$file.sha256"; fi
    done
}

# The new container's configuration with another command. It holds secrets: it goes through pipes alone. The label
# botgarden.bot is left out, so that nobody takes this container for a release.
# shellcheck disable=SC2016 # the variables are jq's
changed='
    .[0] as $release
    | ($release.NetworkSettings.Networks | keys[0]) as $network
    | $release.Config
    | del(.Hostname, .MacAddress, .ExposedPorts)
    | .Image = $release.Image
    | .Entrypoint = $command[:1]
    | .Cmd = $command[1:]
    | .Healthcheck = {Test: ["NONE"]}
    | .Labels = {"botgarden.garden": .Labels["botgarden.garden"], "botgarden.part": "before-deploy", "botgarden.oneoff": $bot}
    | .HostConfig = ($release.HostConfig | .RestartPolicy = {Name: "no"} | .AutoRemove = false | .PortBindings = {}
        | .NetworkMode = $network | .PidsLimit = (if (.PidsLimit // 0) > 0 then .PidsLimit else 512 end))
    | .NetworkingConfig = {EndpointsConfig: {($network): {}}}'

ask_for_container() {
    docker inspect "$container" | jq -c --argjson command "$command" --arg bot "$bot" "$changed" |
        apart curl --silent --show-error --max-time 120 --unix-socket "$socket" -H 'Content-Type: application/json' \
            --data-binary @- "http://docker/containers/create?name=$oneoff"
}

create() {
    local answer tries=0
    while :; do
        answer=$(ask_for_container) || fail "Docker does not answer, so the command of bot $bot was not run"
        if printf '%s' "$answer" | jq -e .Id >/dev/null 2>&1; then return; fi
        answer=$(printf '%s' "$answer" | jq -r '.message // .' 2>/dev/null || true)
        tries=$((tries + 1))
        # Docker may carry out a killed run's call only now.
        if [ "$tries" -ge 20 ] || [[ $answer != *"already in use"* ]]; then
            fail "Docker refused a container for the command of bot $bot: $answer"
        fi
        docker rm --force --volumes "$oneoff" >/dev/null 2>&1 || true
        sleep 0.5
    done
}

refuse() { # WHAT BECAME OF IT
    say "botgarden: the command of bot $bot before its release ($words) $1"
    say "the last 50 lines of its output:"
    docker logs --tail 50 "$oneoff" >&2 || true
    exit 1
}

address=""
clean_up() { remove "$oneoff" "$address"; }

run() {
    local started=$SECONDS outcome=0 last
    say "bot $bot: running $words with the new release's image"
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    create
    docker start "$oneoff" >/dev/null || fail "the command of bot $bot ($words) cannot be started: see above. Does the image have it?"
    address=$(address_of "$oneoff")
    # In the background, so that a signal is heeded at once; holding nothing that would keep a killed run's caller waiting.
    apart timeout "$timeout" docker wait "$oneoff" >/dev/null 2>&1 </dev/null &
    wait $! || outcome=$?
    if [ "$outcome" = 124 ]; then
        docker kill "$oneoff" >/dev/null 2>&1 || true
        refuse "did not end within $timeout seconds and was killed"
    fi
    # Docker prints an empty line for what is not there.
    outcome=$(docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$oneoff" 2>/dev/null || true)
    case $outcome in
    "exited 0") ;;
    "exited 137") refuse "was killed (exit code 137): it most likely needs more memory than the bot's limit" ;;
    exited*) refuse "failed: exit code ${outcome#exited }" ;;
    "" | removing*) refuse "was removed before it ended" ;;
    *) refuse "could not be watched to its end (did Docker restart?)" ;;
    esac
    last=$(docker logs --tail 1 "$oneoff" 2>&1 || true)
    say "bot $bot: done in $((SECONDS - started)) s${last:+: $last}"
}

done_already=$(memory) || fail "there is no container $container of bot $bot"
sweep
if [ "$(cat "$records/before-deploy" 2>/dev/null)" = "$done_already" ]; then
    say "bot $bot: $words ran already for $container"
    exit 0
fi
if [ "$database" = true ]; then dump; fi
run
echo "$done_already" | put before-deploy
