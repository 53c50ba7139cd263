#!/bin/sh
# Makes two certificates for localhost, each its own authority, with their keys.
set -e
cd "$(dirname "$0")"
for name in one two; do
    cat >"$name.cnf" <<END
[req]
distinguished_name = name
x509_extensions = of_a_server
prompt = no
[name]
CN = $name
[of_a_server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
END
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -config "$name.cnf" \
        -keyout "$name.key.pem" -out "$name.cert.pem"
    rm "$name.cnf"
done
