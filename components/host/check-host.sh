#!/bin/sh
# What the host looks like before anything is changed. Prints `key=value` lines for check-host.ts and, for each
# container and network that carries a garden's label, `container=NAME STACK` or `network=NAME STACK`; `serving=NAME` is a
# container that serves (the edge sends updates to it, or it is its bot's last good release), `stopped=NAME` one that should
# run and does not, `missing=ID` one of the given images that is not there. Changes nothing.
#
# usage: check-host [IMAGE...]
set -eu
echo "user=$(id -un)"
become=""
if [ "$(id -u)" = 0 ]; then
    echo root=yes
elif sudo -n true 2>/dev/null; then
    echo root=sudo
    become="sudo -n"
else
    echo root=no
fi
echo "machine=$(uname -m)"
if ! command -v docker >/dev/null 2>&1; then
    echo docker=absent
    for image in "$@"; do echo "missing=$image"; done
    exit 0
fi
if error=$($become docker version --format '{{.Server.Version}}' 2>&1 >/dev/null); then
    echo docker=ok
    $become docker ps -a --filter label=botgarden.garden --format 'container={{.Names}} {{.Label "botgarden.garden"}}'
    $become docker network ls --filter label=botgarden.garden --format 'network={{.Name}} {{.Label "botgarden.garden"}}'
    edge=/etc/botgarden/edge
    $become sh -c "cat $edge/current/routes/*.upstream.conf" 2>/dev/null | sed -n 's/^# container: /serving=/p'
    # Of a bot's containers only the last good release is to run.
    # shellcheck disable=SC2016 # the inner shell's own
    good=$($become sh -c 'for folder in /var/lib/botgarden/releases/*/; do
        last=$(ls "$folder" | sed -n "s/^\([0-9][0-9]*\)\.json$/\1/p" | sort -n | tail -n 1)
        if [ -n "$last" ]; then jq -r .container "$folder$last.json"; fi
    done' 2>/dev/null || true)
    # The state forgets it while a failed release is in its place; a bot that polls has no route that would tell.
    for name in $good; do echo "serving=$name"; done
    # One that was only created is a release that came while its bot was held (edge-pause.sh), or an update's own business.
    $become docker ps -a --filter label=botgarden.garden --filter status=exited --filter status=created \
        --format '{{.Names}} {{.State}} {{.Label "botgarden.part"}} {{.Label "botgarden.bot"}}' | while read -r name state part bot; do
        if [ "$part" != bot ]; then
            [ "$state" = exited ] || continue
        else
            echo "$good" | grep -qxF "$name" || continue
            # A killed release of a bot that must not run twice: its gate will decide.
            [ -z "$($become docker ps -q --filter "label=botgarden.bot=$bot" </dev/null)" ] || continue
            # A bot that polls is held by this (edge-pause.sh); one with a webhook is not, and should run.
            # shellcheck disable=SC2016 # the inner shell's own
            if $become sh -c '[ -e "$1/paused/$2" ] && ! grep -qs "^location = /webhook/$2 " "$1/current/routes/$2".*.location.conf' \
                sh "$edge" "$bot" </dev/null; then
                continue
            fi
        fi
        echo "stopped=$name"
    done
    for image in "$@"; do
        $become docker image inspect "$image" >/dev/null 2>&1 || echo "missing=$image"
    done
else
    case $error in
    *"permission denied"*) echo docker=denied ;;
    *) echo docker=down ;;
    esac
fi
exit 0
