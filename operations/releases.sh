#!/bin/bash
# The good releases of the bots on this host, as one JSON object on standard output (ReleaseFacts in releases.ts): what
# bot-records wrote down, and which of the images are still there. Sent over SSH on standard input, as root; changes nothing.
set -euo pipefail

folder=/var/lib/botgarden/releases

# Also the bots that have no good release yet.
names() {
    {
        docker ps -a --filter label=botgarden.bot --format '{{.Label "botgarden.bot"}}'
        if [ -d "$folder" ]; then ls "$folder"; fi
    } | sort -u
}

main() {
    local bot images
    if ! command -v docker >/dev/null 2>&1 || ! command -v jq >/dev/null 2>&1; then
        echo '{"now":0,"bots":{}}'
        return
    fi
    images=$(docker image ls --all --quiet --no-trunc | jq -Rnc '[inputs] | unique')
    for bot in $(names); do
        { cat "$folder/$bot"/[0-9]*.json 2>/dev/null || true; } | jq -sc --arg bot "$bot" --argjson images "$images" \
            '{($bot): map(.there = ([.image] | inside($images))) | sort_by(.release)}'
    done | jq -sc '{now: (now | floor), bots: (add // {})}'
}

main </dev/null
