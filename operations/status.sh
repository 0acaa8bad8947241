#!/bin/bash
# What of the garden runs on this host and how it fares, as one JSON object on standard output (HostFacts in facts.ts).
# Sent over SSH on standard input, as root; changes nothing on the host.
#
# Tokens are read from the bots' own containers, kept in a variable and given to curl on its standard input: they are
# never in an argument, a file or the output.
set -euo pipefail

edge=/etc/botgarden/edge/current
scripts=/opt/botgarden/bin

# Telegram answers in a tenth of a second, or is down: then it must not keep the rest from being shown. In seconds.
telegram_patience=8
work=""

only() { # STATE OF DOCKER
    printf '{"docker":{"state":"%s"}}\n' "$1"
    exit 0
}

# One line of curl's configuration per option, for each bot with a usable token: a value with a quote or a second line
# could be further options.
# shellcheck disable=SC2016 # the variables are jq's
telegram_requests='
    .[] | select(.serving and .part == "bot") | .bot as $bot | select($bot | test("\\A[a-z][a-z0-9-]*\\z"))
    | .env | select((.BOT_TOKEN // "") | test("\\A[0-9]+:[A-Za-z0-9_-]+\\z"))
    | (.TELEGRAM_API_ROOT // "https://api.telegram.org" | sub("/+$"; "")) as $root
    | select($root | test("\\Ahttps?://[][A-Za-z0-9.:-]+\\z"))
    | "next", "url = \"\($root)/bot\(.BOT_TOKEN)/getWebhookInfo\"", "globoff", "silent",
      "output = \"\($work)/telegram/\($bot)\"", "max-time = \($patience)", "connect-timeout = 5",
      "write-out = \"\($bot) %{http_code} %{errormsg}\\n\""'

ask_telegram() {
    local bot code error
    mkdir "$work/telegram"
    containers_with_environment | jq -r --arg work "$work" --arg patience "$telegram_patience" "$telegram_requests" |
        tail -n +2 | { curl --parallel --parallel-max 40 --config - 2>/dev/null || true; } |
        while read -r bot code error; do
            # Of an answer that is no JSON only the status counts.
            jq -c . "$work/telegram/$bot" >"$work/answer" 2>/dev/null || printf null >"$work/answer"
            # curl's own text may hold the URL, and the URL holds the token.
            if [[ $error == */bot* ]]; then error="no answer"; fi
            jq -c --arg bot "$bot" --arg code "$code" --arg error "$error" \
                '{($bot): {status: ($code | tonumber), error: $error, description: .description?, info: .result?}}' "$work/answer"
        done | jq -sc add
}

# What each container takes now, in bytes: without the file cache, as `docker stats` counts, but without its two seconds.
measure_memory() {
    local names
    names=$(jq -r '[.[] | select(.state == "running") | .name] | join(",")' "$work/containers")
    if [ -z "$names" ]; then echo '{}'; return; fi
    mkdir "$work/stats"
    curl --silent --parallel --parallel-max 40 --max-time 8 --unix-socket /var/run/docker.sock \
        --output "$work/stats/#1" "http://localhost/containers/{$names}/stats?stream=false&one-shot=true" || true
    jq -nc '[inputs | select(.memory_stats.usage) | {(input_filename | split("/") | last):
        (.memory_stats | .usage - (.stats.total_inactive_file // .stats.inactive_file // 0))}] | add // {}' \
        "$work/stats"/* 2>/dev/null || echo '{}'
}

ask_postgres() {
    timeout 8 docker exec -i -u postgres -e PGOPTIONS='-c statement_timeout=6000' botgarden-postgres \
        psql -qXAtv ON_ERROR_STOP=1 -d postgres 2>"$work/postgres-error" <<'SQL' || printf null
SELECT json_build_object(
    'version', current_setting('server_version'),
    'maxConnections', current_setting('max_connections')::int,
    'connections', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    'databases', (
        SELECT coalesce(json_object_agg(d.datname, json_build_object(
            'bytes', pg_database_size(d.oid),
            'connections', (SELECT count(*) FROM pg_stat_activity AS a WHERE a.usename = d.datname),
            'limit', r.rolconnlimit)), '{}'::json)
          FROM pg_database AS d
          LEFT JOIN pg_roles AS r ON r.rolname = d.datname
         WHERE NOT d.datistemplate AND d.datname <> 'postgres'));
SQL
}

# The certificate that the edge serves, for a host whose garden has no script `certificate`.
served_certificate() { # NAME PORT
    local name=() pem
    if ! [[ $1 =~ ^[0-9.]+$ ]]; then name=(-servername "$1"); fi
    pem=$(timeout 8 openssl s_client -connect "127.0.0.1:$2" "${name[@]}" </dev/null 2>/dev/null | openssl x509 2>/dev/null) || return 0
    [ -n "$pem" ] || return 0
    moment() { date -u -d "$(openssl x509 -noout "-$1" <<<"$pem" | cut -d= -f2)" +%s; }
    jq -nc --arg issuer "$(openssl x509 -noout -issuer -nameopt RFC2253 <<<"$pem" | sed 's/^issuer=//')" \
        --arg serial "$(openssl x509 -noout -serial <<<"$pem" | cut -d= -f2)" \
        --argjson start "$(moment startdate)" --argjson end "$(moment enddate)" '{
            source: "unknown", $issuer, names: [], $serial, notBefore: ($start | todate), notAfter: ($end | todate),
            daysLeft: (($end - now) / 86400 | floor), served: "yes", lastFailure: null, nextTry: null}'
}

look_at_certificate() {
    local id name port
    if [ -e "$edge/site.json" ] && [ -x "$scripts/certificate" ]; then
        read -r id name port < <(jq -r '"\(.certificate) \(.name) \(.port)"' "$edge/site.json")
        timeout 15 "$scripts/certificate" look "$id" "$name" "$port" </dev/null 2>/dev/null || true
    else
        read -r name port < <(jq -r '[.[].webhookUrl // empty][0] // empty | capture("^https://(?<name>[^/:]+)(:(?<port>[0-9]+))?") | "\(.name) \(.port // 443)"' "$work/containers") || return 0
        served_certificate "$name" "$port"
    fi
}

routes() {
    local file
    for file in "$edge"/routes/*.resolve.upstream.conf; do
        [ -e "$file" ] || continue
        printf '%s %s\n' "$(basename "$file" .resolve.upstream.conf)" "$(sed -n 's/^# container: //p' "$file" | head -n 1)"
    done | jq -Rnc '[inputs | split(" ") | select(.[1] != "") | {(.[0]): .[1]}] | add // {}'
}

# The last good release of each bot, as the host remembers it.
good() {
    local folder bot
    for folder in /var/lib/botgarden/releases/*/; do
        [ -d "$folder" ] || continue
        bot=$(basename "$folder")
        printf '%s %s\n' "$bot" "$("$scripts/bot-records" serving "$bot" 2>/dev/null || true)"
    done | jq -Rnc '[inputs | split(" ") | {(.[0]): .[1]}] | add // {}'
}

paused() {
    local file
    for file in "${edge%/*}"/paused/*; do
        if [ -e "$file" ]; then basename "$file"; fi
    done | jq -Rnc '[inputs]'
}

# When bots were last let go, in Unix seconds.
resumed() {
    local file
    for file in "${edge%/*}"/resumed/*; do
        if [ -e "$file" ]; then stat -c '%n %Y' "$file"; fi
    done | jq -Rnc '[inputs | capture("(?<bot>[^/ ]+) (?<at>[0-9]+)$") | {(.bot): (.at | tonumber)}] | add // {}'
}

disks() {
    # The engine's folder may be a file system of its own.
    df -B1 --output=target,size,avail,pcent,ipcent / "$1" 2>/dev/null | tail -n +2 | sort -u | jq -Rnc '[inputs
        | capture("^(?<mount>.*?) +(?<size>[0-9]+) +(?<available>[0-9]+) +(?<used>[0-9]+)% +(?<inodes>[0-9]+|-)%?$")
        | {mount, size: (.size | tonumber), available: (.available | tonumber), usedPercent: (.used | tonumber),
           inodesPercent: (.inodes | if . == "-" then null else tonumber end)}]'
}

memory() {
    jq -Rnc '[inputs | capture("^(?<key>MemTotal|MemAvailable): +(?<kib>[0-9]+)")] | map({(.key): (.kib | tonumber * 1024)}) | add
        | {total: .MemTotal, available: .MemAvailable}' /proc/meminfo
}

# All containers of the garden. The environment is taken out before anything leaves this script.
# Which one serves a bot: the one that its route names, else the newest that runs, else its last good release, else the newest.
inspected=""
# shellcheck disable=SC2016 # the variables are jq's
with_environment='
    $routes[0] as $routes | $good[0] as $good
    | map({
        name: (.Name | ltrimstr("/")), stack: .Config.Labels["botgarden.garden"], part: .Config.Labels["botgarden.part"],
        bot: .Config.Labels["botgarden.bot"], image: .Image, state: .State.Status, exitCode: .State.ExitCode,
        outOfMemory: .State.OOMKilled, health: (.State.Health.Status // "none"), restarts: .RestartCount,
        created: .Created, started: .State.StartedAt, finished: .State.FinishedAt, memoryLimit: .HostConfig.Memory,
        env: ([.Config.Env[]? | index("=") as $at | {key: .[:$at], value: .[$at + 1:]}] | from_entries)
      }
      | .webhookUrl = (.env.WEBHOOK_URL // null) | .wantsDatabase = (.env | has("POSTGRES_DB")))
    | group_by(.bot) | map(
        (sort_by(.state == "running", .name == $good[.bot // ""], .created) | last.name) as $newest
        | $routes[first.bot // ""] as $routed
        | (if any(.[]; .name == $routed) then $routed else $newest end) as $serving
        | map(.serving = (.bot == null or .name == $serving)))
    | add // []'
containers_with_environment() { printf '%s' "$inspected" | jq -c --slurpfile routes "$work/routes" --slurpfile good "$work/good" "$with_environment"; }

inspect() {
    local ids
    mapfile -t ids < <(docker ps -aq --filter label=botgarden.garden)
    inspected="[]"
    # A container may go between the two questions: the rest is told all the same.
    if [ "${#ids[@]}" -gt 0 ]; then inspected=$(docker inspect "${ids[@]}" 2>/dev/null || true); fi
    containers_with_environment | jq -c 'map(del(.env))' >"$work/containers"
}

image_names() {
    local ids
    mapfile -t ids < <(jq -r '[.[].image] | unique[]' "$work/containers")
    if [ "${#ids[@]}" = 0 ]; then echo '{}'; return; fi
    { docker image inspect "${ids[@]}" 2>/dev/null || true; } |
        jq -c 'map({(.Id): ((.RepoTags // []) + (.RepoDigests // []) | first)}) | add // {}'
}

uploaded() { # whether Telegram was given a certificate of the garden's own; see edge-site.sh
    local file=${edge%/*}/registered.pem
    if [ ! -e "$file" ]; then echo null; elif [ -s "$file" ]; then echo true; else echo false; fi
}

main() {
    local error root fact
    command -v docker >/dev/null 2>&1 || only absent
    if ! error=$(timeout 10 docker version --format '{{.Server.Version}}' 2>&1 >/dev/null); then
        case $error in *"permission denied"*) only denied ;; *) only down ;; esac
    fi
    if ! command -v jq >/dev/null 2>&1 || ! command -v curl >/dev/null 2>&1; then only unprepared; fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    routes >"$work/routes"
    good >"$work/good"
    inspect

    ask_telegram >"$work/webhooks" &
    measure_memory >"$work/usage" &
    ask_postgres >"$work/postgres" &
    look_at_certificate >"$work/certificate" &
    image_names >"$work/images" &
    root=$(docker info --format '{{.DockerRootDir}}')
    disks "$root" >"$work/disks"
    memory >"$work/memory"
    paused >"$work/paused"
    resumed >"$work/resumed"
    uploaded >"$work/uploaded"
    docker version --format '{"state":"ok","version":"{{.Server.Version}}"}' >"$work/docker"
    wait
    local slurp=()
    for fact in docker memory disks containers usage images routes paused resumed uploaded webhooks postgres certificate; do
        jq -e 'true' "$work/$fact" >/dev/null 2>&1 || echo null >"$work/$fact"
        slurp+=(--slurpfile "$fact" "$work/$fact")
    done
    jq -nc "${slurp[@]}" '$ARGS.named | map_values(first) | .now = (now | floor)'
}

main </dev/null
