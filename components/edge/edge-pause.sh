# shellcheck shell=bash
# shellcheck disable=SC2154 # folder is edge-tree.sh's, here is edge.sh's
# The bots that are held on purpose, as part of edge.sh: one with a webhook by its guard, one that polls by stopping it.

# The marks of paused bots are beside the trees, where no change of a tree touches them.
paused() { [ -e "$folder/paused/$1" ]; } # BOT

withdraw() { # BOT
    unroute "$1"
    rm -f "$folder/paused/$1" "$folder/resumed/$1"
}

pause() { # BOT
    must_exist "$1"
    mkdir -p "$folder/paused"
    touch "$folder/paused/$1"
    hold_or_let_go "$1"
}

resume() { # BOT
    must_exist "$1"
    if paused "$1"; then
        # status.sh knows by its time which refusals were meant so.
        mkdir -p "$folder/resumed"
        touch "$folder/resumed/$1"
        rm "$folder/paused/$1"
    fi
    hold_or_let_go "$1"
}

must_exist() { # BOT
    local names
    names=$(docker ps -a --filter label=botgarden.bot --format '{{.Label "botgarden.bot"}}' | sort -u)
    grep -qxF -- "$1" <<<"$names" || fail "there is no bot $1 in the garden on this host. There are: ${names//$'\n'/ }"
}

# A release that came while the bot was held is tried only here: nothing is left that ran before, to go back to.
go_on() { # BOT CONTAINER
    local begun until
    if [ "$(docker inspect -f '{{.State.Status}}' "$2" 2>/dev/null)" = running ]; then return 0; fi
    begun=$(date +%s)
    docker start "$2" >/dev/null || fail "$2, the last good release of bot $1, cannot be started (see above). Run pulumi up"
    until=$((SECONDS + 5))
    while [ "$SECONDS" -lt "$until" ]; do
        case $(docker inspect -f '{{.State.Status}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$2") in
        "running 0 healthy") return 0 ;;
        "running 0 unhealthy") ;;
        "running 0 "*) sleep 0.3; continue ;;
        esac
        docker logs --tail 20 --since "$begun" "$2" >&2 || true
        say "botgarden: bot $1 is no longer paused, but $2 does not stay up: the last lines of its log are above."
        say "Go back to the release before (npm run rollback -- $1), or correct the bot and run pulumi up."
        exit 4
    done
}

has_webhook() { grep -qs "^location = /webhook/$1 " "$folder/current/routes/$1".*.location.conf; } # BOT

hold_or_let_go() { # BOT
    local name
    if [ -e "$folder/current/routes/$1.guard" ]; then
        copy_tree
        put_guard "$1"
        publish "the pause of bot $1"
    fi
    if has_webhook "$1"; then echo webhook; return; fi
    # Nothing at the edge holds a bot that asks Telegram itself. A release of it that is under way looks for the mark at its
    # end, and needs the edge for that.
    unlock
    exec 8>"/run/lock/botgarden-release-$1.lock"
    flock 8
    # Its first release, or one that made it another kind, was under way: the route came with the mark regarded.
    if has_webhook "$1"; then echo webhook; return; fi
    if paused "$1"; then
        # Docker does not start again what was stopped by hand, not even after a restart of the host.
        for name in $(docker ps --filter "label=botgarden.bot=$1" --format '{{.Names}}'); do
            docker stop "$name" >/dev/null
        done
    else
        # What an earlier version froze.
        for name in $(docker ps --filter "label=botgarden.bot=$1" --filter status=paused --format '{{.Names}}'); do
            docker unpause "$name" >/dev/null
        done
        name=$("$here/bot-records" serving "$1")
        if [ -n "$name" ]; then go_on "$1" "$name"; fi
    fi
    echo polling
}
