#!/bin/sh
# Makes the authority that signs the ACME server's own HTTPS certificate, and that certificate.
#
#     make-authority.sh FOLDER NAMES
#
# NAMES are subject alternative names as openssl writes them: "IP:10.0.0.1,DNS:acme.test". In FOLDER appear
# ca.pem, server.pem and server.key. The authority's key is thrown away: nothing else will ever be signed.
set -eu
umask 022

folder=$1
names=$2
cd "$folder"

printf '[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=%s\n' "Sandbox ACME server CA" >ca.cnf
printf '[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=%s\n' "acme.test" >server.cnf
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n' >ca.ext
printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$names" >server.ext
printf 'authorityKeyIdentifier=keyid\n' >>server.ext

# One openssl after the other says nothing unless it fails.
quietly() {
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    exit 1
  fi
}

curve='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
# shellcheck disable=SC2086  # the options are several words
quietly openssl req -config ca.cnf $curve -keyout ca.key -out ca.csr
quietly openssl x509 -req -in ca.csr -extfile ca.ext -days 365 -signkey ca.key -out ca.pem
# shellcheck disable=SC2086
quietly openssl req -config server.cnf $curve -keyout server.key -out server.csr
quietly openssl x509 -req -in server.csr -extfile server.ext -days 365 -CA ca.pem -CAkey ca.key -set_serial 1 -out server.pem
rm -f ca.key ca.csr ca.cnf ca.ext server.csr server.cnf server.ext
# Pebble reads it in a container without the right to pass over file modes; the folder around all this is closed.
chmod 0644 server.key
