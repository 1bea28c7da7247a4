# What scripts that make a Debian chroot and test in it have in common. Source it.

# The mounts and processes of a run live in namespaces of their own: the first process in them dies with unshare, the
# others and the mounts with it, however the run ends.
namespaces=(unshare --mount --propagation private --pid --fork --kill-child)

# chroot_refusal DIRECTORY: says why no chroot can be made here, or nothing. DIRECTORY is empty and to be mounted on.
chroot_refusal() {
    local why
    if [ "$(id -u)" != 0 ]; then
        echo "needs root"
    elif ! command -v mmdebstrap >/dev/null; then
        echo "mmdebstrap is missing (apt-get install mmdebstrap)"
    elif ! command -v unshare >/dev/null; then
        echo "unshare is missing (Debian: util-linux)"
    elif ! why=$("${namespaces[@]}" sh -c 'mount -t tmpfs tmpfs "$1" && chroot / true && unshare --net true' sh "$1" 2>&1); then
        echo "namespaces, mounts or chroot are not permitted here (${why##*$'\n'})"
    fi
}

# The archive that apt gets this system's release from.
debian_archive() {
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 ~ /^[a-z]+$/ && $2 == "main" && $3 ~ /\/debian\/?$/ { print $3; exit }'
}

# debian_archive_lacks SUITE URI DIRECTORY: says why the archive is none for that release, or nothing.
debian_archive_lacks() {
    if [ -z "$2" ]; then
        echo "apt has no Debian archive among its sources"
        return
    fi
    /usr/lib/apt/apt-helper download-file "${2%/}/dists/$1/InRelease" "$3/InRelease" >"$3/why" 2>&1 &&
        grep -qx "Codename: $1" "$3/InRelease" ||
        echo "the archive that apt uses does not serve $1 ($(tail -n 1 "$3/why"))"
}

# How apt reaches the archive from here, as lines of apt.conf.
apt_settings() {
    apt-config dump --no-empty | grep -E '^Acquire::(https?::|Check-|Force|Retries)' || true
}

# proxy_settings: the variables that say how this system reaches the network, as NAME=VALUE, one a line.
proxy_settings() {
    local name
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY "$@"; do
        [ -z "${!name-}" ] || echo "$name=${!name}"
    done
}

# tracked_files: what the checkout holds without what is generated, each name ended by a zero byte.
tracked_files() {
    local file
    { git ls-files -z 2>/dev/null | grep -z . ||
        find . \( -name out -o -name .git -o -name node_modules -o -name vendor \) -prune -o -type f -print0; } |
        while IFS= read -r -d '' file; do
            # Tracked, but deleted and not committed yet.
            if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
        done
}
