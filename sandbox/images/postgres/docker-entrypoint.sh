#!/bin/bash
# Starts Postgres as Docker Hub's image documents it: makes the cluster on the first start from POSTGRES_*
# variables (each also as a *_FILE), runs /docker-entrypoint-initdb.d once, and drops root before anything.
set -euo pipefail

fail() {
  printf 'Error: %s\n' "$1" >&2
  shift
  [ $# = 0 ] || printf '       %s\n' "$@" >&2
  exit 1
}

# from_file NAME DEFAULT: NAME may be given directly or as the content of the file that NAME_FILE names.
from_file() {
  local name=$1 file_name="${1}_FILE" value=${2:-}
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
    fail "both $name and $file_name are set (but are exclusive)"
  fi
  if [ -n "${!name:-}" ]; then
    value=${!name}
  elif [ -n "${!file_name:-}" ]; then
    value=$(<"${!file_name}")
  fi
  export "$name=$value"
  unset "$file_name"
}

# Questions such as `postgres --version` need no cluster.
only_asks() {
  local argument
  for argument; do
    case "$argument" in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

make_directories() {
  mkdir -p "$PGDATA"
  chmod 00700 "$PGDATA" || true
  mkdir -p /var/run/postgresql || true
  chmod 03775 /var/run/postgresql || true
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then
    mkdir -p "$POSTGRES_INITDB_WALDIR"
    chmod 700 "$POSTGRES_INITDB_WALDIR"
  fi
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" ! -user postgres -exec chown postgres {} +
    find /var/run/postgresql ! -user postgres -exec chown postgres {} +
    [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || find "$POSTGRES_INITDB_WALDIR" ! -user postgres -exec chown postgres {} +
  fi
}

# A volume in the place that older images used would be left unused, and its data seem lost.
refuse_old_layout() {
  local old
  for old in /var/lib/postgresql /var/lib/postgresql/data; do
    [ "$old" != "$PGDATA" ] || continue
    if [ -s "$old/PG_VERSION" ]; then
      fail "in 18 and later, this image keeps its data in a directory of the major version ($PGDATA)," \
        "but there is PostgreSQL data in $old (an unused mount, or a cluster to be upgraded)." \
        "Mount one volume at /var/lib/postgresql and upgrade or move the data."
    fi
  done
  # Images before 18 declare that volume themselves.
  if [ "$PG_MAJOR" -ge 18 ] && [ "$PGDATA" != /var/lib/postgresql/data ] && mountpoint -q /var/lib/postgresql/data; then
    fail "in 18 and later, this image keeps its data in a directory of the major version ($PGDATA)," \
      "but there is an unused mount at /var/lib/postgresql/data." \
      "Mount one volume at /var/lib/postgresql instead."
  fi
}

check_password() {
  [ "$POSTGRES_HOST_AUTH_METHOD" = trust ] && {
    echo "WARNING: POSTGRES_HOST_AUTH_METHOD has been set to \"trust\": anyone who reaches the port has access." >&2
    return
  }
  [ -n "$POSTGRES_PASSWORD" ] || fail "Database is uninitialized and superuser password is not specified." \
    "You must specify POSTGRES_PASSWORD to a non-empty value for the superuser." \
    "You may also use POSTGRES_HOST_AUTH_METHOD=trust to allow all connections without a password (not recommended)."
}

make_cluster() {
  local options=()
  # Any user id may run this image; initdb insists on a name for it.
  if ! getent passwd "$(id -u)" >/dev/null; then
    NSS_WRAPPER_PASSWD=$(mktemp)
    NSS_WRAPPER_GROUP=$(mktemp)
    LD_PRELOAD=$(echo /usr/lib/*/libnss_wrapper.so)
    export LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
    echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" >"$NSS_WRAPPER_PASSWD"
    echo "postgres:x:$(id -g):" >"$NSS_WRAPPER_GROUP"
  fi
  [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || options+=(--waldir "$POSTGRES_INITDB_WALDIR")
  # POSTGRES_INITDB_ARGS is documented to be split as a shell splits words.
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "${options[@]}" '"${POSTGRES_INITDB_ARGS:-}"
  if [[ ${LD_PRELOAD:-} == */libnss_wrapper.so ]]; then
    rm -f "$NSS_WRAPPER_PASSWD" "$NSS_WRAPPER_GROUP"
    unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  fi
}

allow_hosts() {
  local method=$POSTGRES_HOST_AUTH_METHOD
  [ -n "$method" ] || method=$(postgres -C password_encryption "$@")
  {
    echo
    [ "$method" != trust ] || echo '# warning trust is enabled for all connections'
    echo "host all all all $method"
  } >>"$PGDATA/pg_hba.conf"
}

# run_sql [psql arguments]: through the socket of the temporary server, against the wanted database unless
# the arguments name another.
run_sql() {
  PGHOST='' PGHOSTADDR='' PGDATABASE="${PGDATABASE:-$POSTGRES_DB}" \
    psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc "$@"
}

# The scripts that users put into /docker-entrypoint-initdb.d may call this name when they are sourced.
docker_process_sql() { run_sql "$@"; }

run_init_files() {
  local file
  for file; do
    case "$file" in
    *.sh)
      echo "$0: running $file"
      # shellcheck source=/dev/null
      if [ -x "$file" ]; then "$file"; else . "$file"; fi
      ;;
    *.sql) echo "$0: running $file" && run_sql -f "$file" ;;
    *.sql.gz) echo "$0: running $file" && gunzip -c "$file" | run_sql ;;
    *.sql.xz) echo "$0: running $file" && xzcat "$file" | run_sql ;;
    *.sql.zst) echo "$0: running $file" && zstd -dc "$file" | run_sql ;;
    *) echo "$0: ignoring $file" ;;
    esac
    echo
  done
}

# first_start [options of postgres]
first_start() {
  check_password
  # Listing the directory first makes an unreadable one fail before the cluster exists.
  ls /docker-entrypoint-initdb.d/ >/dev/null
  make_cluster
  allow_hosts "$@"
  export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  # Nobody outside may meet the half-made server: it listens on its socket alone.
  set -- "$@" -c listen_addresses='' -p "${PGPORT:-5432}"
  NOTIFY_SOCKET='' PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@")" -w start
  if [ "$POSTGRES_DB" != postgres ] &&
    [ -z "$(run_sql --dbname postgres -v db="$POSTGRES_DB" --tuples-only <<<"SELECT 1 FROM pg_database WHERE datname = :'db'")" ]; then
    run_sql --dbname postgres -v db="$POSTGRES_DB" <<<'CREATE DATABASE :"db"'
  fi
  run_init_files /docker-entrypoint-initdb.d/*
  PGUSER="${PGUSER:-postgres}" pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
  echo
  echo 'PostgreSQL init process complete; ready for start up.'
  echo
}

[ "${1:0:1}" != - ] || set -- postgres "$@"

if [ "${1:-}" = postgres ] && ! only_asks "$@"; then
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
  make_directories
  [ "$(id -u)" != 0 ] || exec gosu postgres "$0" "$@"
  if [ -s "$PGDATA/PG_VERSION" ]; then
    echo
    echo 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
    echo
  else
    refuse_old_layout
    first_start "${@:2}"
  fi
fi

exec "$@"
