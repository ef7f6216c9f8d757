#!/bin/sh
# install.sh PYTHON VENV LOCK: make the virtual environment from the lock file, hashes checked, and install the project.
set -eu
python=$1 venv=$2 lock=$3

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or later is needed; $python is $("$python" --version 2>&1). Say which: make PYTHON=python3.11 …" >&2
    exit 1
}

# Not only "is it there": an interrupted run leaves an environment without pip.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 || {
        rm -rf "$venv"
        if [ "$(id -u)" = 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo=sudo; else
            echo "$python cannot make a virtual environment, and I may not install python3-venv" >&2
            exit 1
        fi
        echo "Installing python3-venv (Debian)"
        $sudo apt-get update -qq
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        "$python" -m venv "$venv"
    }
fi
echo "Installing the packages pinned in $lock"
# The lock names everything. Left to look for dependencies, an older pip takes `coverage[toml]` for something the pin of
# `coverage` does not hold, and refuses as soon as a newer coverage is out.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
"$venv/bin/python" -m pip check >/dev/null || { "$venv/bin/python" -m pip check; exit 1; }
