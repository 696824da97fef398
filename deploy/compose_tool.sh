#!/bin/sh
# Docker Compose and Buildx in a folder, where no package of this system has them:
#   sh deploy/compose_tool.sh .compose
# From Debian 13's packages, unpacked and not installed. Says nothing and changes nothing where it cannot be done;
# what needs Compose says so itself. The folder then holds `docker-compose` and `docker-buildx`.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ ! -x "$folder/docker-compose" ] || exit 0
command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || exit 0
sources=/etc/apt/sources.list.d/debian.sources
[ -r "$sources" ] || exit 0

echo "bongsu: unpacking Docker Compose into $1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts" "$work/unpacked"
# This system's mirror and key, another release.
awk 'BEGIN { RS = "" } NR == 1' "$sources" | sed -E 's/^Suites:.*/Suites: trixie/' >"$work/parts/trixie.sources"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
cd "$work"
apt download docker-compose docker-buildx >/dev/null
for package in ./*.deb; do
    dpkg-deb -x "$package" unpacked
done
mv unpacked/usr/libexec/docker/cli-plugins/docker-buildx "$folder/"
mv unpacked/usr/libexec/docker/cli-plugins/docker-compose "$folder/"
