# shellcheck shell=bash
# shellcheck disable=SC2154 # folder, candidate and certificates are edge-tree.sh's, here is edge.sh's
# The site, as part of edge.sh: what belongs to the garden's name, and how another one takes its place without Telegram
# refusing anything. The next one is kept beside the trees (pending.json), with what Telegram was given of the present
# one's certificate (registered.pem; empty if nothing).

put_site() { # JSON of the site
    printf '%s' "$1" | jq -er .site | put site.conf 0644
    printf '%s' "$1" | jq -er .default | put default.conf 0644
    printf '%s' "$1" | put site.json 0644
}

site_name() { jq -r .name "$folder/current/site.json"; }

# Would Telegram, as the webhooks are registered now, trust the pending site's certificate? With an uploaded certificate
# that file alone counts, and the name is compared as a host name, also if it is an address (tdlib/td, SslStream.cpp).
trusted() { # JSON of the pending site
    local registered=$folder/registered.pem chain
    if [ ! -e "$registered" ]; then return 0; fi
    if [ ! -s "$registered" ]; then
        [ "$(printf '%s' "$1" | jq -r .upload)" = null ]
        return
    fi
    chain=$certificates/$(printf '%s' "$1" | jq -r .certificate)/current/fullchain.pem
    # Not the host's own store, which `-CAfile` alone leaves in place.
    SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null openssl verify -CAfile "$registered" -untrusted "$chain" -verify_hostname "$(printf '%s' "$1" | jq -r .name)" \
        "$chain" >/dev/null 2>&1
}

# A name that webhooks are still registered with is served beside the new one until `adopt`. Telegram names no server when
# it calls an address, so the certificate of a former address stays the default server's.
keep_former() {
    local name
    name=$(site_name)
    put "former-$name.conf" 0644 <"$folder/current/site.conf"
    put "former-$name.json" 0644 <"$folder/current/site.json"
}

put_default_of_former() {
    local former
    for former in "$candidate"/former-*.json; do
        if [ -e "$former" ] && [ "$(jq -r .kind "$former")" = ip ]; then jq -er .default "$former" | put default.conf 0644; fi
    done
}

offer() {
    local site name what
    [ -e "$folder/pending.json" ] || return 0
    site=$(cat "$folder/pending.json")
    name=$(printf '%s' "$site" | jq -er .name)
    copy_tree
    what="the new certificate"
    if [ "$name" != "$(site_name)" ]; then
        what="the name $name"
        keep_former
        rm -f "$candidate/former-$name".*
    elif ! trusted "$site"; then
        rm -rf "$candidate"
        say "the edge keeps its certificate until every webhook is registered for the new one"
        return 0
    fi
    put_site "$site"
    put_default_of_former
    publish "$what"
    await "$site"
}

await() { # JSON of the site
    running || return 0
    printf '%s' "$1" | jq -er '"\(.certificate) \(.name) \(.port)"' | (
        read -r certificate name port
        "$here/certificate" await "$certificate" "$name" "$port" </dev/null
    )
}

adopt() {
    local site
    copy_tree
    site=$(cat "$folder/pending.json" 2>/dev/null || cat "$candidate/site.json")
    put_site "$site"
    rm -f "$candidate"/former-*
    publish "the edge's name"
    if [ -e "$folder/pending.json" ]; then await "$site"; fi
    printf '%s' "$site" | jq -r '.upload // empty' >"$folder/registered.new"
    mv "$folder/registered.new" "$folder/registered.pem"
    rm -f "$folder/pending.json"
    "$here/certificate" keep "$(printf '%s' "$site" | jq -er .certificate)" </dev/null
}
