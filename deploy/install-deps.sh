#!/usr/bin/env bash
# Installs what is missing of the Debian 12 packages that Onward is built from; with --tests, those of its tests too.
# Does nothing, in milliseconds, when all is there. Needs root, or sudo.
set -euo pipefail

build=(
  gcc libc6-dev binutils cmake ninja-build pkgconf protobuf-c-compiler
  libprotobuf-c-dev libzmq3-dev liblmdb-dev libssl-dev libsodium-dev libjansson-dev libinih-dev
  gnuplot-nox # figures of onward-audit report --html
)
tests=(libcmocka-dev clang libclang-rt-dev clang-format clang-tidy python3 python3-cryptography openssl git procps valgrind)

case "${1:-}" in
  '') wanted=("${build[@]}") ;;
  --tests) wanted=("${build[@]}" "${tests[@]}") ;;
  *) echo "usage: deploy/install-deps.sh [--tests]" >&2; exit 64 ;;
esac

command -v dpkg-query >/dev/null || {
  echo "install-deps: this script knows Debian 12 only. Needed here, by their Debian names: ${wanted[*]}" >&2
  exit 1
}
format="\${db:Status-Abbrev} \${Package}\n"
installed=$(dpkg-query -W -f="$format" "${wanted[@]}" 2>/dev/null | sed -n 's/^.i  *//p' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install-deps: neither root nor sudo here. As root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -o Dpkg::Use-Pty=0 "$@"
}
install_missing() {
  apt install --yes --no-install-recommends "${missing[@]}" >/dev/null
}
echo "install-deps: installing ${missing[*]}"
# The package lists may be absent or old: only then are they fetched.
install_missing 2>/dev/null || { apt update && install_missing; } || {
  echo "install-deps: apt-get could not install: ${missing[*]}" >&2
  exit 1
}
