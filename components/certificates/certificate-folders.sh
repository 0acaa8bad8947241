# shellcheck shell=bash
# The folders of certificates, as part of certificate.sh: what is in one, and how another takes its place. For each
# configuration there is a folder ID with the link `current` to what nginx reads; whoever has a new certificate makes a
# new folder and renames the link.

certificates=/etc/botgarden/certificates
programs=/etc/botgarden/certbot

say() { echo "$*" >&2; }
fail() { say "botgarden: $*"; exit 1; }

# The certbot container takes the same lock, around the few lines that exchange a certificate.
lock() {
    mkdir -p "$certificates"
    chmod 0755 "$certificates"
    exec 9>>"$certificates/.lock"
    chmod 0600 "$certificates/.lock"
    flock 9
}
unlock() { exec 9>&-; }

x509() { openssl x509 -noout "$@"; }
epoch() { date -u -d "$(x509 "-${1}date" -in "$2" | cut -d= -f2)" +%s; }
iso() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
serial() { x509 -serial | cut -d= -f2; }

names_of() { # FILE; one a line, sorted
    x509 -ext subjectAltName -in "$1" 2>/dev/null | tr ',' '\n' | sed -n 's/^ *\(DNS\|IP Address\)://p' | sort
}

names_wanted() { jq -r '(.domains[], .address) | strings' "$programs/request.json" | sort; }

pair() { # FOLDER; a certificate and the key that belongs to it
    local public
    public=$(x509 -pubkey -in "$1/fullchain.pem" 2>/dev/null) || return 1
    [ "$public" = "$(openssl pkey -pubout -in "$1/privkey.pem" 2>/dev/null)" ]
}

source_of() { cat "$certificates/$1/current/source" 2>/dev/null || true; }

valid() { # FOLDER; good for the request's names now
    pair "$1" && x509 -checkend 0 -in "$1/fullchain.pem" >/dev/null && [ "$(names_of "$1/fullchain.pem")" = "$(names_wanted)" ]
}

issued() { [ "$(source_of "$1")" = issued ] && valid "$certificates/$1/current"; }

# A new folder under the lock; `publish` makes it what is served, or throws it away if it is there already.
new=""
prepare() { # ID
    lock
    mkdir -p "$certificates/$1"
    chmod 0755 "$certificates/$1"
    new=$(mktemp -d "$certificates/$1/v-XXXXXX")
}

publish() { # ID SOURCE
    local folder=$certificates/$1
    echo "$2" >"$new/source"
    if ! pair "$new"; then
        rm -rf "$new"
        fail "the key given for certificate $1 is not the certificate's, or one of the two is no PEM text"
    fi
    if diff -rq "$new" "$folder/current/" >/dev/null 2>&1; then
        rm -rf "$new"
    else
        chmod 0755 "$new"
        chmod 0644 "$new/fullchain.pem" "$new/source"
        sync "$new"/*
        ln -sfn "$(basename "$new")" "$folder/current.new"
        mv -T "$folder/current.new" "$folder/current"
    fi
    prune "$1"
    unlock
}

prune() { # ID; the former one, and what a killed run left
    local folder=$certificates/$1
    for each in "$folder"/v-* "$folder/current.new"; do
        if [ "$each" != "$folder/$(readlink "$folder/current")" ]; then rm -rf "$each"; fi
    done
}

given() { # ID; {"chain","key"} on stdin
    local input
    input=$(cat)
    prepare "$1"
    (umask 077 && printf '%s' "$input" | jq -er .key >"$new/privkey.pem")
    printf '%s' "$input" | jq -er .chain >"$new/fullchain.pem"
    publish "$1" given
}

copied() { # ID FOLDER; from the ACME state
    prepare "$1"
    (umask 077 && cat "$2/privkey.pem" >"$new/privkey.pem")
    cat "$2/fullchain.pem" >"$new/fullchain.pem"
    publish "$1" issued
}

# Nobody trusts it; nginx needs some certificate to start with, and the CA needs nginx.
placeholder() { # ID
    prepare "$1"
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=botgarden placeholder" -addext "subjectAltName=$(names_wanted | sed 's/^[0-9.]*$/IP:&/; t; s/^/DNS:/' | paste -sd,)" \
        -keyout "$new/privkey.pem" -out "$new/fullchain.pem" 2>/dev/null) || fail "openssl cannot make a certificate on the host"
    publish "$1" placeholder
}

keep() { # ID
    for each in "$certificates"/*; do
        if [[ ${each##*/} =~ ^[0-9a-f]{8}$ ]] && [ "${each##*/}" != "$1" ]; then rm -rf "$each"; fi
    done
}
