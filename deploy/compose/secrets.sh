#!/bin/sh
# secrets.sh [FOLDER]: the secrets of compose.yaml that can be made up, made once, in FOLDER (deploy/compose/secrets).
# The certificate of the region's addresses and its key are put beside them by hand: tls_certificate, tls_key; and of
# the region's authority client_authority and client_revoked, which `renkei certificate` makes (docs/certificates.md).
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p -m 700 "$folder"
cd "$folder"
# Containers read them as users of their own, so the files are open and the folder is closed.
umask 022
[ -s postgresql_password ] || openssl rand -hex 24 >postgresql_password
[ -s renkei_database ] ||
    printf 'postgresql://renkei:%s@postgresql/renkei\n' "$(cat postgresql_password)" >renkei_database
for file in tls_certificate tls_key client_authority client_revoked; do
    [ -s "$file" ] || echo "Still missing: $folder/$file" >&2
done
