#!/bin/sh
# Makes the keys and certificates of the tests, once: they are for tests alone.
set -e
cd "$(dirname "$0")"
for name in packager origin signer; do
  openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 36500 -subj "/CN=$name" -keyout "$name.key.pem" -out "$name.cert.pem"
done
