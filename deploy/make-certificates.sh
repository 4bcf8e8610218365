#!/bin/sh
# `deploy/make-certificates.sh [DIRECTORY]` makes a certificate authority and, signed by it, a certificate for each of
# Kafka, Redis and PostgreSQL, by default in deploy/secrets/, for docker-compose.tls.yml here. Certificates that are there
# already are left alone. An organisation with an authority of its own puts its files there instead.
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p -m 0700 "${1:-$here/secrets}"
cd "${1:-$here/secrets}"
work=$(mktemp -d)
# openssl draws its progress on standard error: that is worth showing only where it failed.
trap 'status=$?; [ "$status" = 0 ] || cat "$work/log" >&2; rm -rf "$work"; exit "$status"' EXIT
: >"$work/log"

if [ ! -f tls-ca.pem ]; then
  # The authority's key never leaves this directory: no container is given it.
  (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj '/CN=Latchkey deployment' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -keyout tls-ca.key -out "$work/ca.pem" 2>>"$work/log")
  install -m 0444 "$work/ca.pem" tls-ca.pem
fi

for server in kafka redis postgres; do
  [ ! -f "$server-tls.pem" ] || continue
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$server" \
    -addext "subjectAltName=DNS:$server,DNS:localhost,IP:127.0.0.1" \
    -keyout "$work/key.pem" -out "$work/request.pem" 2>>"$work/log"
  openssl x509 -req -in "$work/request.pem" -CA tls-ca.pem -CAkey tls-ca.key -copy_extensions copy -days 825 \
    -out "$work/certificate.pem" 2>>"$work/log"
  cat "$work/key.pem" "$work/certificate.pem" >"$work/both.pem"
  install -m 0444 "$work/both.pem" "$server-tls.pem"
done
