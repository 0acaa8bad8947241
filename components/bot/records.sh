#!/bin/bash
# What the host remembers of a bot's releases, in /var/lib/botgarden/releases/BOT: N.json for each of the last five that
# passed the gate, route.json (the route of the last one), and the ids of the images that were tried. The image of each of
# these releases is tagged botgarden/BOT:release-N, so that nothing prunes it; older images are removed.
#
# usage: bot-records serving BOT            prints the container of the last good release, or nothing
#        bot-records route BOT              prints its route
#        bot-records keep BOT IMAGE         a release begins, with the image of this id
#        bot-records add BOT CONTAINER      it passed its gate; stdin: {"reference": TEXT, "route": …|null}
#        bot-records forget BOT             the bot was removed, and its containers with it; takes what is left of a release
#                                           that never passed its gate, of which Pulumi knows nothing: route, pause, migration
set -euo pipefail
umask 077

here=$(dirname "$(readlink -f "$0")")
kept=5

say() { echo "$*" >&2; }

action=${1:-}
bot=${2:-}
container=${3:-}
if ! [[ $bot =~ ^[a-z][a-z0-9-]*$ ]]; then
    say "usage: bot-records serving|route|forget BOT | keep BOT IMAGE | add BOT CONTAINER"
    exit 1
fi
folder=/var/lib/botgarden/releases/$bot

numbers() { { find "$folder" -maxdepth 1 -name '[0-9]*.json' -printf '%f\n' 2>/dev/null || true; } | sed 's/\.json$//' | sort -n; }
image_of() { docker inspect -f '{{.Image}}' "$1"; }

put() { # FILE, text on stdin
    cat >"$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
}

serving() {
    local last
    last=$(numbers | tail -n 1)
    if [ -n "$last" ]; then jq -r .container "$folder/$last.json"; fi
}

add() {
    local input number image
    input=$(cat)
    mkdir -p "$folder"
    if [ "$(serving)" != "$container" ]; then
        number=$(($(numbers | tail -n 1) + 1))
        image=$(image_of "$container")
        docker image tag "$image" "botgarden/$bot:release-$number"
        printf '%s' "$input" | jq --arg container "$container" --arg image "$image" --argjson release $number \
            '{release: $release, container: $container, image: $image, reference, at: (now | todate)}' | put "$number.json"
    fi
    printf '%s' "$input" | jq .route | put route.json
    prune
}

# Images that no kept release has and no container uses. One that another bot has too has tags of that bot and stays.
prune() {
    local number tag id wanted
    for number in $(numbers | head -n "-$kept"); do rm -f "$folder/$number.json"; done
    while read -r tag; do
        if [ -n "$tag" ] && [ ! -e "$folder/${tag#release-}.json" ]; then
            docker image rm "botgarden/$bot:$tag" >/dev/null 2>&1 || true
        fi
    done <<<"$(docker image ls --format '{{.Tag}}' "botgarden/$bot" | grep '^release-[0-9]*$' || true)"
    wanted=$(cat "$folder"/[0-9]*.json 2>/dev/null | jq -r .image || true)
    for id in $(cat "$folder/images" 2>/dev/null || true); do
        if grep -qxF "$id" <<<"$wanted" || remains "$id"; then echo "$id"; fi
    done | sort -u | put images
}

# Tries to remove an image, and with it a tag that it was pulled by. One with a tag of the garden is another bot's too:
# Docker would remove an image with a single tag, whoever gave it.
remains() { # ID
    local tag
    docker image inspect "$1" >/dev/null 2>&1 || return 1
    if [ -n "$(docker ps --all --quiet --filter "ancestor=$1")" ]; then return 0; fi
    # Not grep -q, which ends at the first line: the end of what writes to it would then count as "no" (pipefail).
    if tags_of "$1" | grep '^botgarden/' >/dev/null; then return 0; fi
    while read -r tag; do
        if [ -n "$tag" ]; then docker image rm "$tag" >/dev/null 2>&1 || true; fi
    done <<<"$(tags_of "$1")"
    docker image rm "$1" >/dev/null 2>&1 || true
    docker image inspect "$1" >/dev/null 2>&1
}

tags_of() { docker image inspect -f '{{range .RepoTags}}{{println .}}{{end}}' "$1"; } # ID

forget() {
    local tag
    docker rm --force --volumes "botgarden-before-deploy-$bot" >/dev/null 2>&1 || true
    "$here/edge" withdraw "$bot" </dev/null
    while read -r tag; do
        if [ -n "$tag" ]; then docker image rm "$tag" >/dev/null 2>&1 || true; fi
    done <<<"$(docker image ls --format '{{.Repository}}:{{.Tag}}' "botgarden/$bot")"
    rm -f "$folder"/[0-9]*.json
    if [ -d "$folder" ]; then prune; fi
    rm -rf "$folder"
}

case $action in
serving) serving ;;
route) cat "$folder/route.json" ;;
keep) mkdir -p "$folder" && echo "$3" >>"$folder/images" ;;
add) add ;;
forget) forget ;;
*) say "usage: bot-records serving|route|forget BOT | keep BOT IMAGE | add BOT CONTAINER"; exit 1 ;;
esac
