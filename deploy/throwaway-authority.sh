#!/bin/sh
# throwaway-authority.sh FOLDER: a certificate authority, a certificate for localhost and one for a caller, to try TLS
# out. They are made once and end after 30 days. Never give such an authority to a real hub.
set -eu
mkdir -p -m 700 "$1"
cd "$1"
[ -s certificate.pem ] && [ -s client.pem ] && exit 0
umask 077

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

issue() { # issue NAME SUBJECT EXTENSIONS: a certificate NAME.pem with its key
    openssl req -new -key "$1-key.pem" -subj "$2" |
        openssl x509 -req -CA authority.pem -CAkey authority-key.pem -CAcreateserial -days 30 -sha256 \
            -extfile "$3" -out "$1.pem" 2>/dev/null
}

key authority-key.pem
openssl req -x509 -new -key authority-key.pem -subj "/CN=Throwaway authority of a Renkei trial" -days 30 -sha256 \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out authority.pem

key certificate-key.pem
cat >server.extensions <<'EOF'
subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
EOF
issue certificate "/CN=localhost" server.extensions
mv certificate-key.pem key.pem

key client-key.pem
cat >client.extensions <<'EOF'
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
EOF
issue client "/CN=a caller" client.extensions
rm -f ./*.extensions authority-key.pem
chmod 755 .
chmod 644 authority.pem certificate.pem client.pem
