#!/bin/sh
# run-plain.sh FOLDER: what deploy/compose.yaml composes (hub, PostgreSQL, nginx with TLS) as plain processes on one
# machine, for trying it out and for the tests. Everything is kept in FOLDER, also from one start to the next.
#
#   PORT            where nginx listens with TLS on 127.0.0.1 (8443)
#   HUB_PORT        where the hub listens (18080)
#   DATABASE_PORT   where PostgreSQL listens (15432)
#   CLIENT_CERTIFICATES=1   let in only callers with a certificate of the region's authority, which is made in
#                           FOLDER/region (FOLDER/region/issued/caller.pem is one); the portal is at PORTAL_PORT then
#   PORTAL_PORT     where nginx listens for browsers, with CLIENT_CERTIFICATES (8444)
#   PYTHON          the interpreter that the hub is installed for (.venv/bin/python)
#
# Stops everything it started on SIGTERM, SIGINT, or when one of the three ends.
set -eu

[ $# = 1 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
port=${PORT:-8443} hub_port=${HUB_PORT:-18080} database_port=${DATABASE_PORT:-15432}
python=${PYTHON:-$root/.venv/bin/python}
hub="" database="" proxy=""

say() { printf '%s\n' "$*" >&2; }

end() { # end SIGNAL PID: signal a process of ours and wait until it is gone
    [ -z "$2" ] && return
    kill -s "$1" "$2" 2>/dev/null || true
    wait "$2" 2>/dev/null || true
}

stop() {
    status=$?
    trap - EXIT INT TERM
    end QUIT "$proxy"
    end TERM "$hub"
    end INT "$database" # PostgreSQL's "fast" shutdown
    exit "$status"
}

until_true() { # until_true WHAT PID COMMAND…: wait at most 30 s, and no longer than our process lives
    what=$1 pid=$2
    shift 2
    for _ in $(seq 300); do
        kill -0 "$pid" 2>/dev/null || break
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    say "$what does not answer; see $folder/logs"
    exit 1
}

free() { # a port that somebody else listens on would answer in the place of ours, and be written to
    "$python" - "$@" <<'EOF'
import socket, sys
for port in sys.argv[1:]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError as error:
            sys.exit(f"Port {port} on 127.0.0.1: {error.strerror}")
EOF
}

database_ready() { # our own server says so in its own folder; whoever answers on the port may be another
    [ "$(sed -n 1p "$data/postmaster.pid")" = "$database" ] && sed -n 8p "$data/postmaster.pid" | grep -q ready
}

secret() { # secret FILE: a random text, made once, for its owner only
    [ -s "$1" ] || (umask 077 && openssl rand -hex 24 >"$1")
}

trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

free "$port" "$hub_port" "$database_port" ${CLIENT_CERTIFICATES:+"${PORTAL_PORT:-8444}"}
mkdir -p "$folder/logs" "$folder/hub"
mkdir -p -m 700 "$folder/secrets"
sh "$root/deploy/throwaway-authority.sh" "$folder/tls"

# PostgreSQL refuses to run as root; then it runs as Debian's user for it.
bin=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)")
as=""
data=$folder/postgresql/data
mkdir -p "$folder/postgresql"
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid postgres --regid postgres --clear-groups"
    chown postgres: "$folder/postgresql"
    $as test -x "$folder/postgresql" || { say "The user postgres cannot enter $folder"; exit 1; }
fi
secret "$folder/secrets/postgresql_password"
if [ ! -s "$data/PG_VERSION" ]; then
    # PostgreSQL's user may not read the secret; it gets a copy for this moment.
    (umask 077 && cp "$folder/secrets/postgresql_password" "$folder/postgresql/password")
    [ -z "$as" ] || chown postgres: "$folder/postgresql/password"
    # shellcheck disable=SC2086
    (cd / && $as "$bin/initdb" -D "$data" -U renkei --auth=scram-sha-256 --pwfile="$folder/postgresql/password" \
        -E UTF8 --locale=C.UTF-8) >"$folder/logs/initdb.log"
    rm "$folder/postgresql/password"
fi
(umask 077 && printf 'postgresql://renkei:%s@127.0.0.1:%s/postgres\n' \
    "$(cat "$folder/secrets/postgresql_password")" "$database_port" >"$folder/secrets/renkei_database")
cd /
# shellcheck disable=SC2086
$as "$bin/postgres" -D "$data" -p "$database_port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c log_parameter_max_length=0 -c log_parameter_max_length_on_error=0 >"$folder/logs/postgresql.log" 2>&1 &
database=$!
until_true PostgreSQL "$database" database_ready

cat >"$folder/renkei.env" <<EOF
RENKEI_HOME=$folder/hub
RENKEI_ADDRESS=https://localhost:$port
RENKEI_PORT=$hub_port
EOF
# The command `renkei` with this composition's settings.
cat >"$folder/renkei" <<EOF
#!/bin/sh
export RENKEI_ENV_FILE='$folder/renkei.env' RENKEI_SECRETS_DIR='$folder/secrets' SSL_CERT_FILE='$folder/tls/authority.pem'
cd '$root' && exec '$python' -m app.cli "\$@"
EOF
chmod +x "$folder/renkei"

"$folder/renkei" migrate >>"$folder/logs/hub.log" 2>&1 || { tail -n 5 "$folder/logs/hub.log" >&2; exit 1; }
"$folder/renkei" serve >>"$folder/logs/hub.log" 2>&1 &
hub=$!

mkdir -p "$folder/nginx/logs" "$folder/nginx/temporary"
rm -rf "$folder/nginx/renkei"
cp -R "$root/deploy/nginx" "$folder/nginx/renkei"
mv "$folder/nginx/renkei/nginx.conf" "$folder/nginx/nginx.conf"
rm "$folder/nginx/renkei/place/portal.conf"
echo "server 127.0.0.1:$hub_port;" >"$folder/nginx/renkei/place/upstream.conf"
cat >"$folder/nginx/renkei/place/site.conf" <<EOF
listen 127.0.0.1:$port ssl http2;
ssl_certificate $folder/tls/certificate.pem;
ssl_certificate_key $folder/tls/key.pem;
access_log logs/renkei.log renkei;
error_log logs/renkei-error.log crit;
EOF
if [ -n "${CLIENT_CERTIFICATES:-}" ]; then
    region=$folder/region
    if [ ! -d "$region" ]; then
        "$folder/renkei" certificate authority "$region" >&2
        "$folder/renkei" certificate issue "$region" caller >&2
    fi
    cat >>"$folder/nginx/renkei/place/site.conf" <<EOF
ssl_client_certificate $region/client-authority.pem;
ssl_crl $region/client-revoked.pem;
include renkei/client-certificates.conf;
EOF
    cat >"$folder/nginx/renkei/place/portal.conf" <<EOF
server {
    listen 127.0.0.1:${PORTAL_PORT:-8444} ssl http2;
    ssl_certificate $folder/tls/certificate.pem;
    ssl_certificate_key $folder/tls/key.pem;
    include renkei/portal.conf;
    access_log logs/renkei.log renkei;
    error_log logs/renkei-error.log crit;
}
EOF
fi
until_true "The hub" "$hub" "$python" -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$hub_port/health')"
PATH=$PATH:/usr/sbin nginx -p "$folder/nginx" -c "$folder/nginx/nginx.conf" 2>>"$folder/logs/nginx.log" &
proxy=$!
until_true nginx "$proxy" test -s "$folder/nginx/nginx.pid"

say "The hub answers at https://localhost:$port; its authority is $folder/tls/authority.pem"
say "Commands: $folder/renkei organisation add … (see docs/cli.md)"
echo ready
while kill -0 "$database" 2>/dev/null && kill -0 "$hub" 2>/dev/null && kill -0 "$proxy" 2>/dev/null; do
    sleep 1 &
    wait $! || true
done
say "One of the three processes has ended; see $folder/logs"
exit 1
