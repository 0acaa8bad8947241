#!/bin/sh
# The edge's first process: nginx, and beside it a watcher that loads certificates which were replaced on the host.
# Whoever replaces a certificate only has to switch the link `current` in its folder.
set -eu
configuration=/etc/nginx/garden/current/nginx.conf

certificates() {
    for link in /etc/nginx/certificates/*/current; do
        if [ -L "$link" ]; then echo "$link $(readlink "$link")"; fi
    done
}

watch() {
    loaded=$(certificates)
    wait=3
    failed=0
    while sleep "$wait"; do
        wait=3
        found=$(certificates)
        if [ "$found" = "$loaded" ]; then
            failed=0
        elif nginx -t -q -c "$configuration"; then
            kill -HUP 1
            loaded=$found
            failed=0
        else
            # nginx goes on with what it has, its reason is in the log. A certificate that was half in place is soon whole;
            # what stays wrong is told once a minute: after 1, 2, 4 … 60 seconds.
            failed=$((failed == 0 ? 1 : failed * 2))
            if [ "$failed" -gt 60 ]; then failed=60; fi
            wait=$failed
        fi
    done
}

watch &
# The processors that this container may use.
exec nginx -c "$configuration" -g "daemon off; worker_processes $(nproc);"
