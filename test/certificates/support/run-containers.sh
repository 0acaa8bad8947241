#!/bin/sh
# The two containers as components/edge and components/certificates make them; run on the host.
#
# usage: run-containers edge ID [none]   `none`: without open ports
#        run-containers certbot IMAGE
set -eu
run() { # NAME, options and image
    docker rm --force "$1" >/dev/null 2>&1 || true
    docker run --detach --name "$@" >/dev/null
}
docker network inspect botgarden >/dev/null 2>&1 || docker network create botgarden >/dev/null
case $1 in
edge)
    tree=/etc/botgarden/edge/current
    mkdir -p "$tree"
    cp /root/nginx.conf /root/challenges.conf "$tree/"
    cp /opt/botgarden/bin/start-nginx /etc/botgarden/edge/
    cat >"$tree/site.conf" <<CONF
server {
    listen 80 default_server;
    include challenges.conf;
}
server {
    listen 443 ssl default_server;
    ssl_certificate /etc/nginx/certificates/$2/current/fullchain.pem;
    ssl_certificate_key /etc/nginx/certificates/$2/current/privkey.pem;
}
CONF
    ports="--publish 80:80 --publish 443:443"
    if [ "${3:-}" = none ]; then ports=""; fi
    # shellcheck disable=SC2086 # none, or two options
    run botgarden-edge --network botgarden --read-only --tmpfs /run --tmpfs /var/cache/nginx $ports \
        --cap-drop ALL --cap-add CHOWN --cap-add NET_BIND_SERVICE --cap-add SETGID --cap-add SETUID \
        --volume /etc/botgarden/edge:/etc/nginx/garden:ro \
        --volume /etc/botgarden/certificates:/etc/nginx/certificates:ro \
        --volume /var/lib/botgarden/acme-challenges:/var/www/acme:ro \
        --entrypoint /bin/sh nginx:1.30.4 /etc/nginx/garden/start-nginx
    # Whatever it answers: it listens.
    waited=0
    until docker exec botgarden-edge curl --insecure --silent --output /dev/null https://127.0.0.1/; do
        waited=$((waited + 1))
        if [ "$waited" -ge 300 ]; then
            docker logs --tail 5 botgarden-edge >&2
            exit 1
        fi
        sleep 0.2
    done
    ;;
certbot)
    run botgarden-certbot --network botgarden --read-only --cap-drop ALL --security-opt no-new-privileges \
        --memory 256m --tmpfs /tmp:size=16m --tmpfs /var/log/letsencrypt --tmpfs /var/lib/letsencrypt \
        --volume /etc/botgarden/certbot:/garden:ro \
        --volume /etc/botgarden/certificates:/certificates \
        --volume /var/lib/botgarden/acme:/etc/letsencrypt \
        --volume /var/lib/botgarden/acme-challenges:/var/www/acme \
        --entrypoint /bin/sh "$2" /garden/certbot-loop
    ;;
esac
