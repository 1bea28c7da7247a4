#!/usr/bin/env bash
# Installs the Debian packages named in scripts/lib/packages-LIST.txt that are missing.
# Usage: scripts/lib/packages.sh LIST...      (lists: build demo nodes test)
# Changes nothing when everything is there; asks the package index only when something is missing.
set -euo pipefail

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    printf 'packages: %s\n' "$*" >&2
    exit 1
}

[ $# -gt 0 ] || fail "name one or more lists: build demo nodes test"

missing=()
# sbin holds nginx and is not in an ordinary user's PATH.
path=$PATH:/usr/local/sbin:/usr/sbin:/sbin
for list in "$@"; do
    file=$lib/packages-$list.txt
    [ -r "$file" ] || fail "there is no list $file"
    while read -r package command _; do
        case $package in '' | '#'*) continue ;; esac
        if [ -n "$command" ]; then
            PATH=$path command -v "$command" >/dev/null 2>&1 && continue
        fi
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] && continue
        case " ${missing[*]-} " in *" $package "*) ;; *) missing+=("$package") ;; esac
    done <"$file"
done

if [ ${#missing[@]} -eq 0 ]; then
    echo "all Debian packages are there"
    exit 0
fi
command -v apt-get >/dev/null || fail "this system has no apt-get; install what matches: ${missing[*]}"

by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" != 0 ]; then
    as_root=(sudo env DEBIAN_FRONTEND=noninteractive)
    # A password is asked for on the terminal; what sudo says beside that is in `why`.
    if ! command -v sudo >/dev/null; then
        why="there is no sudo"
    elif why=$("${as_root[@]}" true 2>&1 >/dev/null); then
        why=
    else
        why=${why##*$'\n'}
    fi
    [ -z "$why" ] || fail "${#missing[@]} Debian packages are missing and $(id -un) cannot install them ($why). As root run:
    $by_hand"
fi

echo "installing ${#missing[@]} Debian packages, which can take some minutes: ${missing[*]}"
log=$(mktemp "${TMPDIR:-/tmp}/fanfare-apt.XXXXXX")
install() {
    # Another apt may be running (unattended upgrades on a fresh machine): wait for its lock.
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null
}
update() {
    echo "fetching the package index"
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -q >"$log" 2>&1 </dev/null
}
problem() {
    tail -n 20 "$log" >&2
    fail "apt-get $1 failed (the whole output is in $log). To see it, as root run:
    $by_hand"
}

# A fresh system has no index at all, and an old index names files that are gone: update only then.
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
    update || problem update
    install || problem install
elif ! install; then
    update || problem update
    install || problem install
fi
rm -f "$log"
echo "packages installed"
