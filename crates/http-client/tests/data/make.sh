#!/bin/sh
# Makes the certificate authority of the tests and the certificate it gave 127.0.0.1, once: they are for tests alone.
set -e
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256 -nodes -days 36500 -subj "/CN=tests" \
  -addext "basicConstraints=critical,CA:TRUE" -keyout authority.key.pem -out authority.cert.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=server" -keyout server.key.pem -out server.csr.pem
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >server.ext
openssl x509 -req -in server.csr.pem -CA authority.cert.pem -CAkey authority.key.pem -CAcreateserial -sha256 -days 36500 \
  -extfile server.ext -out server.cert.pem
rm -f server.csr.pem server.ext authority.key.pem authority.cert.srl
