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
    while sleep 3; do
        found=$(certificates)
        if [ "$found" = "$loaded" ]; then continue; fi
        if nginx -t -q -c "$configuration"; then
            kill -HUP 1
            loaded=$found
        else
            # nginx goes on with what it has; its reason is in the log, once a minute.
            sleep 60
        fi
    done
}

watch &
# The processors that this container may use.
exec nginx -c "$configuration" -g "daemon off; worker_processes $(nproc);"
