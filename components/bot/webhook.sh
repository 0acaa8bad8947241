#!/bin/bash
# A bot's webhook at Telegram. The token goes to curl on its standard input, never into an argument.
#
# usage: bot-webhook set BOT [CERTIFICATE]    CERTIFICATE: a digest, so that a new certificate is registered
#                   stdin: {"apiRoot","token","url","secret","certificate"|null,"maxConnections",
#                           "allowedUpdates"|null,"dropPendingUpdates"}
#        bot-webhook unset BOT                stdin: {"apiRoot","token"}; with "url" only if Telegram has this one
#        bot-webhook leave BOT                does nothing: the bot registers itself
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

action=${1:-}
bot=${2:-}
[[ $bot =~ ^[a-z][a-z0-9-]*$ ]] || fail "usage: bot-webhook set|unset|leave BOT"

input=$(cat)
field() { printf '%s' "$input" | jq -er ".$1"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

answer=""
code=000
# One call of the Bot API. More lines of curl's configuration come on standard input. Sets `answer` and `code`.
call_once() { # METHOD
    local status
    status=$({
        printf 'url = "%s/bot%s/%s"\n' "$(field apiRoot)" "$(field token)" "$1"
        cat
    } | curl --silent --show-error --max-time 30 --connect-timeout 10 --config - \
        --output "$work/answer" --write-out '%{http_code}' 2>"$work/error") || status=000
    code=$status
    answer=$(cat "$work/answer" 2>/dev/null || true)
    rm -f "$work/answer"
}

# Telegram asks for patience with 429, has bad moments with 5xx, and the network has both.
call() { # METHOD
    local options wait tries=0
    options=$(cat)
    while :; do
        call_once "$1" <<<"$options"
        tries=$((tries + 1))
        case $code in
        429) wait=$(printf '%s' "$answer" | jq -r '.parameters.retry_after // 2' 2>/dev/null || echo 2) ;;
        000 | 5??) wait=$((tries * 2)) ;;
        *) return 0 ;;
        esac
        if [ "$tries" -ge 5 ] || [ "$wait" -gt 60 ]; then return 0; fi
        say "Telegram: $1 for bot $bot: $(describe); trying again in $wait s"
        sleep "$wait"
    done
}

describe() {
    if [ "$code" = 000 ]; then
        # curl's own text may hold the URL, and the URL holds the token.
        sed -e 's#/bot[^/]*/#/bot…/#g' "$work/error" | head -1
    else
        printf '%s (HTTP %s)' "$(printf '%s' "$answer" | jq -r '.description // "no description"' 2>/dev/null || echo 'no JSON')" "$code"
    fi
}

stop_unless_ok() { # METHOD
    case $code in
    200) return 0 ;;
    401 | 404) fail "Telegram does not know the token of bot $bot: $(describe). Get it from @BotFather, then: pulumi config set --secret $bot:token" ;;
    000) fail "the host cannot reach $(field apiRoot): $(describe). Check the host's network and telegram.apiRoot" ;;
    *) fail "Telegram refused $1 for bot $bot: $(describe)" ;;
    esac
}

set_webhook() {
    local certificate
    certificate=$(field 'certificate // ""')
    # Not a pipe: what `call` learns must outlive it.
    call setWebhook < <(
        printf 'form-string = "url=%s"\n' "$(field url)"
        printf 'form-string = "secret_token=%s"\n' "$(field secret)"
        printf 'form-string = "max_connections=%s"\n' "$(field maxConnections)"
        printf 'form-string = "drop_pending_updates=%s"\n' "$(printf '%s' "$input" | jq -r .dropPendingUpdates)"
        # An empty list is Telegram's default set; left out, Telegram would keep the former list.
        printf 'form-string = "allowed_updates=%s"\n' "$(printf '%s' "$input" | jq -c '.allowedUpdates // []' | sed 's/"/\\"/g')"
        if [ -n "$certificate" ]; then
            printf '%s\n' "$certificate" >"$work/certificate.pem"
            printf 'form = "certificate=@%s"\n' "$work/certificate.pem"
        fi
    )
    stop_unless_ok setWebhook
}

# `ok` from setWebhook proves little: what counts is what Telegram says that it has now.
verify() {
    local wanted got
    wanted=$(printf '%s' "$input" | jq -c '{url, certificate: (.certificate != null), max: .maxConnections}')
    call getWebhookInfo </dev/null
    stop_unless_ok getWebhookInfo
    got=$(printf '%s' "$answer" | jq -c '.result | {url, certificate: .has_custom_certificate, max: (.max_connections // 40)}')
    [ "$wanted" = "$got" ] || fail "Telegram has another webhook for bot $bot than was set: $got instead of $wanted. Does the bot register itself? Then give it registeredBy: \"bot\""
}

# A bot that got another name has the same token: by now its webhook is the new one's.
is_anothers() {
    local own got
    own=$(printf '%s' "$input" | jq -r '.url // ""')
    if [ -z "$own" ]; then return 1; fi
    call getWebhookInfo </dev/null
    if [ "$code" != 200 ]; then return 1; fi
    got=$(printf '%s' "$answer" | jq -r '.result.url // ""')
    # A bot that registers itself may have put something behind its URL.
    case $got in "" | "$own" | "$own/"* | "$own?"*) return 1 ;; esac
}

unset_webhook() {
    if is_anothers; then
        say "bot $bot: Telegram has another webhook for its token by now, which stays"
        return
    fi
    call deleteWebhook </dev/null
    case $code in
    401 | 404) say "Telegram no longer knows the token of bot $bot: nothing to unset" ;;
    *) stop_unless_ok deleteWebhook; say "bot $bot: webhook removed" ;;
    esac
}

case $action in
set)
    set_webhook
    verify
    # From now on Telegram uses the present secret alone.
    "$here/edge" confirm "$bot" </dev/null
    say "bot $bot: webhook registered"
    ;;
unset) unset_webhook ;;
leave) ;;
*) fail "usage: bot-webhook set|unset|leave BOT" ;;
esac
