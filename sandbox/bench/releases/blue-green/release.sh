#!/bin/bash
# The recipe, step by step: start the other colour, wait until it is healthy, switch nginx, reload, take the old one down.
set -euo pipefail
cd "$(dirname "$0")"

old=$(cat colour 2>/dev/null || true)
if [ "$old" = blue ]; then new=green port=8081; else new=blue port=8080; fi

docker compose -f "docker-compose.$new.yml" up -d --build

for _ in $(seq 60); do
    if curl -fsS -o /dev/null "http://localhost:$port/health" 2>/dev/null; then healthy=yes && break; fi
    sleep 1
done
if [ "${healthy:-no}" = no ]; then
    docker compose -f "docker-compose.$new.yml" down
    echo "$new is not healthy" >&2
    exit 1
fi

echo "upstream bot { server 127.0.0.1:$port; }" >/etc/nginx/bot-upstream.conf
nginx -s reload

if [ -n "$old" ]; then docker compose -f "docker-compose.$old.yml" down; fi
echo "$new" >colour
