#!/bin/sh
# Before nginx starts, runs what lies in /docker-entrypoint.d in version order: executable *.envsh files are
# read into this shell, executable *.sh files are run. Any other command is started as it is.
set -eu

say() {
  [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

case "${1:-}" in
nginx | nginx-debug)
  if find /docker-entrypoint.d/ -mindepth 1 -maxdepth 1 -type f | grep -q .; then
    # File names with blanks are left out on purpose: a here-document keeps the loop in this shell, which the
    # *.envsh files need.
    scripts=$(find /docker-entrypoint.d/ -follow -type f | sort -V)
    for script in $scripts; do
      case "$script" in
      *.envsh)
        if [ -x "$script" ]; then
          say "Sourcing $script"
          # shellcheck source=/dev/null
          . "$script"
        else
          say "Ignoring $script, not executable"
        fi
        ;;
      *.sh)
        if [ -x "$script" ]; then
          say "Launching $script"
          "$script"
        else
          say "Ignoring $script, not executable"
        fi
        ;;
      *) say "Ignoring $script" ;;
      esac
    done
    say "Configuration complete; ready for start up"
  else
    say "No files found in /docker-entrypoint.d/, skipping configuration"
  fi
  ;;
esac

exec "$@"
