#!/bin/sh
# Puts the garden's scripts on the host under one stable path, all or nothing: a new folder is filled, then the
# link /opt/botgarden/bin is pointed at it by rename. scripts.ts appends one `script NAME <<'…'` per file and a
# last `switch_over`. A script that runs meanwhile ends undisturbed, and so do those that it calls: the former folder stays.
set -eu
target=/opt/botgarden
umask 022
mkdir -p "$target"
exec 9>"$target/.lock"
flock 9
new=$(mktemp -d "$target/scripts.XXXXXX")
chmod 0755 "$new"
script() {
    cat >"$new/$1"
    chmod 0755 "$new/$1"
}
switch_over() {
    former=$(readlink "$target/bin" || true)
    ln -sfn "$new" "$target/bin.new"
    mv -T "$target/bin.new" "$target/bin"
    # Also what a killed run left behind.
    for folder in "$target"/scripts.*; do
        if [ "$folder" != "$new" ] && [ "$folder" != "$former" ]; then rm -rf "$folder"; fi
    done
}
