#!/bin/sh
# Puts the pinned uv into a private folder. Usage: PYTHON=python3 bootstrap.sh FOLDER LOCKFILE
set -eu
folder=$1
lockfile=$2
refuse() {
    echo "bongsu: $1" >&2
    exit 1
}

# The chosen interpreter first, then newer ones by name: many systems keep an old python3.
python=
for candidate in "$PYTHON" python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] ||
    refuse "Python 3.11 or newer is needed, '$PYTHON' is $("$PYTHON" --version 2>&1 || true); install one, or name it: make PYTHON=/path/to/python3.11 run"

echo "bongsu: installing uv into $folder with $("$python" --version)"
rm -rf "$folder"
if ! "$python" -m venv "$folder" >"${TMPDIR:-/tmp}/bongsu-venv.$$" 2>&1; then
    sed 's/^/bongsu: /' "${TMPDIR:-/tmp}/bongsu-venv.$$" | tail -n 3 >&2
    rm -rf "$folder" "${TMPDIR:-/tmp}/bongsu-venv.$$"
    refuse "'$python -m venv' failed; on Debian and Ubuntu install the package python3-venv, then run this again"
fi
rm -f "${TMPDIR:-/tmp}/bongsu-venv.$$"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lockfile" || {
    rm -rf "$folder"
    refuse "uv could not be downloaded; this step needs the Python package index or a mirror of it set for pip"
}
