#!/bin/sh
# What the host looks like before anything is changed. Prints `key=value` lines for check-host.ts and, for each
# container and network that carries a garden's label, `container=NAME STACK` or `network=NAME STACK`; `serving=NAME` is a
# container that the edge sends updates to. Changes nothing.
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
    exit 0
fi
if error=$($become docker version --format '{{.Server.Version}}' 2>&1 >/dev/null); then
    echo docker=ok
    $become docker ps -a --filter label=botgarden.garden --format 'container={{.Names}} {{.Label "botgarden.garden"}}'
    $become docker network ls --filter label=botgarden.garden --format 'network={{.Name}} {{.Label "botgarden.garden"}}'
    routes=/etc/botgarden/edge/current/routes
    $become sh -c "cat $routes/*.upstream.conf" 2>/dev/null | sed -n 's/^# container: /serving=/p'
else
    case $error in
    *"permission denied"*) echo docker=denied ;;
    *) echo docker=down ;;
    esac
fi
exit 0
