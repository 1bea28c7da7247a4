# Free ports for servers started by scripts. Source it.
#
# free_port FIRST VARIABLE: sets VARIABLE to the first port from FIRST up to FIRST + 99 on which nothing
# listens on 127.0.0.1 and that no other script has taken. A lock held by this shell keeps it taken until
# the shell ends, so that two scripts started at once do not choose the same port.

port_is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() {
    local first=$1 variable=$2 port lock
    local dir=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/fanfare/ports
    mkdir -p "$dir"
    for ((port = first; port < first + 100; port++)); do
        exec {lock}>"$dir/$port"
        if flock -n "$lock" && ! port_is_open "$port"; then
            printf -v "$variable" '%s' "$port"
            return 0
        fi
        exec {lock}>&-
    done
    return 1
}

# wait_for_port PORT PID SECONDS: waits until 127.0.0.1:PORT accepts; fails when PID ends or time is up.
wait_for_port() {
    local port=$1 pid=$2 end=$((SECONDS + $3))
    until port_is_open "$port"; do
        kill -0 "$pid" 2>/dev/null || return 1
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}
