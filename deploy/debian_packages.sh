#!/bin/sh
# Install what a run needs from Debian and PyPI has not: sh deploy/debian_packages.sh faketime chromium
# Without root or apt it changes nothing; what needs the package says so itself.
set -eu
command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || exit 0
missing=""
for package; do
	dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "bongsu: installing from Debian:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  a list of names
apt-get install -qq --yes --no-install-recommends $missing >/dev/null
