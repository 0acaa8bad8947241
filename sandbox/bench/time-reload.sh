#!/bin/sh
# In the edge's container: milliseconds that `nginx -t` and a reload take, up to the moment of the new worker.
set -eu

now() { echo $(($(date +%s%N) / 1000000)); }

began=$(now)
nginx -t -q -c /etc/nginx/garden/current/nginx.conf
tested=$(now)
before=$(cat /proc/1/task/1/children)
kill -HUP 1
while [ "$before" = "$(cat /proc/1/task/1/children)" ]; do sleep 0.002; done
echo "$((tested - began)) $(($(now) - tested))"
