#!/bin/sh
# Puts a tiny root file system into a folder: a few of this machine's own programs and the libraries that they load.
# It needs no download and no package, and makes an image of a few megabytes.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: tiny-root.sh FOLDER" >&2
  exit 2
fi
root=$1

if [ "$(uname -s)" != Linux ]; then
  echo "tiny-root.sh copies this machine's programs into an image, so it needs Linux; this is $(uname -s)" >&2
  exit 1
fi

mkdir -p "$root/bin" "$root/tmp"
for name in sh sleep true false cat; do
  # `command -v` names builtins without a path.
  program=$(PATH=/bin:/usr/bin; export PATH; which "$name")
  cp -L "$program" "$root/bin/$name"
  # Lines of ldd that name a file: "libc.so.6 => /lib/libc.so.6 (0x…)" and "/lib64/ld-linux.so.2 (0x…)".
  ldd "$program" | sed -n -e 's/.*=> \(\/[^ ]*\) (.*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' |
    while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
done
