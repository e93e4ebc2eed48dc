#!/usr/bin/env bash
# Mints certificates for tests and for trying things out; nothing they protect is safe.
#
#     certificates.sh FOLDER                         ca, server (localhost, 127.0.0.1, ::1) and client (device-1)
#     certificates.sh FOLDER NAME SUBJECT DAYS SAN   one more certificate of the CA in FOLDER, e.g.
#                                                    pump /CN=pump-7 30 URI:urn:pump:7
#
# Each is NAME.pem with its private key NAME.key, which only its owner may read.
set -euo pipefail
umask 077
folder=$1
mkdir -p "$folder"
cd "$folder"

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

mint() {
    local name=$1 subject=$2 days=$3 names=$4 usage=$5
    openssl req -utf8 "${new_key[@]}" -keyout "$name.key" -out "$name.csr" -subj "$subject" 2>/dev/null
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -days "$days" -out "$name.pem" 2>/dev/null \
        -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$names" "$usage")
    rm "$name.csr"
}

if [ $# -gt 1 ]; then
    mint "$2" "$3" "$4" "$5" serverAuth,clientAuth
    exit
fi

openssl req -x509 "${new_key[@]}" -keyout ca.key -out ca.pem -days 365 -subj "/CN=Apus test CA" \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
mint server /CN=localhost 365 DNS:localhost,IP:127.0.0.1,IP:::1 serverAuth
mint client /CN=device-1 365 DNS:device-1.example,URI:urn:dev:1,email:device-1@example.org clientAuth
