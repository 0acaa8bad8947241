# shellcheck shell=bash
# shellcheck disable=SC2154 # folder and candidate are edge-tree.sh's
# The routes of bots, as part of edge.sh: the files of one, and the guard that says who may use it.

# Which secrets a request may present (nginx.conf says what it must be besides). Compared with regard to case, which a
# `map` of plain words is not. While Telegram may still use a former secret, that one is good too, and the bot, which knows
# only its own, gets its own. One `if` only: each costs memory like a whole location.
# shellcheck disable=SC2016 # the variables are nginx's
guard() { # the secrets, one a line, the present one first, on stdin
    local present former
    if ! read -r present; then
        echo 'if ($presented_secret = "?") { return 403; }'
        return 0
    fi
    former=$(tr '\n' '|' | sed 's/|$//')
    if [ -z "$former" ]; then
        printf 'if ($presented_secret != "%s") { return 403; }\n' "$present"
    else
        printf 'if ($presented_secret !~ "^(?:%s|%s)$") { return 403; }\n' "$present" "$former"
        printf 'proxy_set_header X-Telegram-Bot-Api-Secret-Token "%s";\n' "$present"
        printf 'proxy_set_header Connection "";\ninclude proxy-headers.conf;\n'
    fi
}

put_guard() { # BOT
    local file=$candidate/secrets/$1
    if paused "$1"; then
        # Telegram keeps what it cannot deliver and comes again.
        printf 'add_header Retry-After 60 always;\nreturn 503;\n'
    elif [ -e "$file" ]; then
        guard <"$file"
    else
        guard </dev/null
    fi | put "routes/$1.guard" 0600
}

route() { # BOT
    local input file secret former
    input=$(cat)
    [ -e "$folder/current/nginx.conf" ] || fail "the edge has no configuration yet: run pulumi up"
    copy_tree
    rm -f "$candidate/routes/$1".*
    for file in $(printf '%s' "$input" | jq -er '.files | keys[]'); do
        [[ $file =~ ^[a-z]+(\.[a-z]+)*\.conf$ ]] || fail "a route has no file $file"
        printf '%s' "$input" | jq -er --arg file "$file" '.files[$file]' | put "routes/$1.$file" 0644
    done
    secret=$(printf '%s' "$input" | jq -r '.secret // ""')
    if [ -z "$secret" ]; then
        rm -f "$candidate/secrets/$1"
    else
        [[ $secret =~ ^[A-Za-z0-9_-]{1,256}$ ]] || fail "the webhook secret of bot $1 has characters that Telegram does not take"
        # Not as an argument, which every process of the host may read.
        former=$(grep -vxFf <(printf '%s\n' "$secret") "$candidate/secrets/$1" 2>/dev/null || true)
        printf '%s\n' "$secret" ${former:+"$former"} | put "secrets/$1" 0600
    fi
    put_guard "$1"
    publish "the route of bot $1"
}

confirm() { # BOT
    [ -e "$folder/current/secrets/$1" ] || return 0
    copy_tree
    head -n 1 "$folder/current/secrets/$1" | put "secrets/$1" 0600
    put_guard "$1"
    publish "the secret of bot $1"
}

unroute() { # BOT
    [ -e "$folder/current/nginx.conf" ] || return 0
    copy_tree
    rm -f "$candidate/routes/$1".* "$candidate/secrets/$1"
    publish "the edge without the route of bot $1"
}
