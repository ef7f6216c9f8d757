#!/bin/sh
# debian.sh tests|bench: install the Debian packages that a command needs and that are missing, when we may.
set -eu
tests="age:/usr/bin/age postgresql:/usr/lib/postgresql/*/bin/postgres nginx:/usr/sbin/nginx chromium:/usr/bin/chromium chromium-driver:/usr/bin/chromedriver fonts-noto-cjk:/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc fonts-ipaexfont-gothic:/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf poppler-utils:/usr/bin/pdftotext chrony:/usr/sbin/chronyd nodejs:/usr/bin/node npm:/usr/bin/npm openssl:/usr/bin/openssl systemd:/usr/bin/systemd-analyze rsyslog:/usr/sbin/rsyslogd rsyslog-gnutls:/usr/lib/*/rsyslog/lmnsd_gtls.so clamav-daemon:/usr/sbin/clamd strace:/usr/bin/strace xmlsec1:/usr/bin/xmlsec1 dcmtk:/usr/bin/storescu orthanc:/usr/sbin/Orthanc orthanc-dicomweb:/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
bench="postgresql:/usr/lib/postgresql/*/bin/postgres wrk:/usr/bin/wrk orthanc:/usr/sbin/Orthanc orthanc-dicomweb:/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
eval "wanted=\$$1"
missing=""
for pair in $wanted; do
    file=${pair#*:}
    # The shell expands the version in PostgreSQL's path.
    # shellcheck disable=SC2086
    ls $file >/dev/null 2>&1 || missing="$missing ${pair%%:*}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo=sudo; else
    echo "These Debian packages are needed and I may not install them:$missing" >&2
    exit 1
fi
echo "Installing Debian packages:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
