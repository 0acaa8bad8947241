#!/bin/sh
# Starts redis as Docker Hub's image does: options or a configuration file alone are meant for redis-server;
# root gives /data to redis and steps down.
set -eu

case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1:-}" = redis-server ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis {} +
    exec gosu redis "$0" "$@"
  fi
  # Files of a database are nobody else's business, unless somebody chose another mask.
  [ "$(umask)" != 0022 ] || umask 0077
  # The original is compiled without protected mode, since a container's own loopback reaches nobody. Debian's
  # is told so, unless the arguments or the configuration file speak of it.
  config=/dev/null
  case "${2:-}" in
  -*) ;;
  ?*) config=$2 ;;
  esac
  case " $* " in
  *" --protected-mode "*) ;;
  *) grep -qs '^[[:space:]]*protected-mode' "$config" || set -- "$@" --protected-mode no ;;
  esac
fi

exec "$@"
