# shellcheck shell=bash
# shellcheck disable=SC2154 # container is release.sh's
# What a new container must show, as part of release.sh: health before it gets the updates, and that it bears the first ones.

# What Docker says of the container; nothing if it is gone. An engine that is started again, as its package does when it is
# upgraded, leaves the containers as they are and answers a little later.
ask() { # TEMPLATE
    local answer fault tries=0
    until answer=$(docker inspect -f "$1" "$container" 2>/dev/null); do
        fault=$(docker inspect "$container" 2>&1 >/dev/null || true)
        tries=$((tries + 1))
        if [[ ${fault,,} = *"no such object"* ]] || [ "$tries" -ge 60 ]; then return; fi
        sleep 1
    done
    printf '%s\n' "$answer"
}

# The container's own health check, asked now: Docker asks only once an interval.
passes_check() {
    local -a test
    # Words quoted by jq: one of them may well be a script of several lines.
    eval "test=($(docker inspect -f '{{json .Config.Healthcheck.Test}}' "$container" | jq -r @sh))"
    # Of one that was removed just now there is none.
    case ${test[0]:-} in
    CMD) test=("${test[@]:1}") ;;
    CMD-SHELL) test=(/bin/sh -c "${test[*]:1}") ;;
    esac
    timeout 20 docker exec "$container" "${test[@]}" </dev/null >/dev/null 2>&1
}

# Does a bot with a webhook accept connections, as the edge will make them?
listens() { # PORT|null ADDRESS
    [ "$1" = null ] || timeout 2 bash -c "</dev/tcp/$2/$1" 2>/dev/null
}

# Prints why the container cannot be used, or `waiting`, or `ready`.
look() { # PORT
    local state health restarts address
    read -r state health restarts address <<<"$(ask \
        '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.RestartCount}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')"
    case $state in
    "") echo "the container is gone"; return ;;
    exited | dead) echo "it exited"; return ;;
    esac
    if [ "$restarts" -ge 2 ]; then echo "it exits and is started again and again"; return; fi
    case $health in
    healthy) echo ready ;;
    unhealthy) echo "its health check fails" ;;
    starting)
        # A check starts a program in the container, which would only slow down the start of one that does not listen yet.
        if [ "$state" = running ] && listens "$1" "$address" && passes_check; then echo ready; else echo waiting; fi
        ;;
    none)
        # No health check: a webhook bot must at least accept connections.
        if [ "$state" = running ] && listens "$1" "$address"; then echo ready; else echo waiting; fi
        ;;
    esac
}

await_health() {
    local port deadline started=$SECONDS verdict
    port=$(field port)
    deadline=$(field deadline)
    while :; do
        verdict=$(look "$port")
        case $verdict in
        ready) return ;;
        waiting)
            if [ $((SECONDS - started)) -ge "$deadline" ]; then refuse "it was not healthy within $deadline seconds"; fi
            ;;
        *) refuse "$verdict" ;;
        esac
        sleep 0.2
    done
}

# Some faults show only with the first updates.
watch_first_seconds() {
    local until=$((SECONDS + $(field settle)))
    while [ "$SECONDS" -lt "$until" ]; do
        case $(ask '{{.State.Status}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{end}}') in
        # Docker calls one that exited unhealthy too.
        "running 0 unhealthy") refuse "it took over, and then its health check failed" ;;
        "running 0 "*) sleep 0.3 ;;
        *) refuse "it took over, and then it exited" ;;
        esac
    done
}
