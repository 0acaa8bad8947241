#!/bin/sh
# Removes containers and networks that a killed `pulumi up` created but could not write down: they carry the
# garden's label, hold a name, an address or a port, and would make every later `up` fail.
#
# stdin (as part of `sh -s`): nothing; usage: sweep-host container NAME... | network NAME...
set -eu
kind=$1
shift
for name in "$@"; do
    case $kind in
    container)
        # A stop before the removal: it may be a Postgres that has begun to write.
        docker stop --time 30 "$name" >/dev/null 2>&1 || true
        docker rm --force "$name" >/dev/null 2>&1 || true
        ;;
    network) docker network rm "$name" >/dev/null 2>&1 || true ;;
    esac
    echo "removed $kind $name, left by an interrupted run" >&2
done
