#!/bin/sh
# Removes containers and networks that a killed `pulumi up` created but could not write down: they carry the
# garden's label, hold a name, an address or a port, and would make every later `up` fail. Starts those that should run:
# Docker leaves what was stopped by hand, and Pulumi's plan says nothing of it.
#
# stdin (as part of `sh -s`): nothing; usage: sweep-host remove-container|remove-network|start-container NAME...
set -eu
what=$1
shift
for name in "$@"; do
    case $what in
    remove-container)
        # A stop before the removal: it may be a Postgres that has begun to write.
        docker stop --time 30 "$name" >/dev/null 2>&1 || true
        docker rm --force --volumes "$name" >/dev/null 2>&1 || true
        ;;
    remove-network) docker network rm "$name" >/dev/null 2>&1 || true ;;
    start-container) docker start "$name" >/dev/null ;;
    esac
done
