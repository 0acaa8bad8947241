#!/bin/sh
# Adds the IPv6 port to the default server where the kernel has IPv6 and nobody has changed the file.
set -eu
file=/etc/nginx/conf.d/default.conf
[ -f /proc/net/if_inet6 ] && [ -f "$file" ] && [ -w "$file" ] || exit 0
grep -q 'listen \[::\]:80;' "$file" && exit 0
grep -qx '    listen 80;' "$file" || exit 0
sed -i 's/^    listen 80;$/    listen 80;\n    listen [::]:80;/' "$file" 2>/dev/null || exit 0
