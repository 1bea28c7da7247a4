# Completion of fanfared and fanfared ctl for bash. Installed as bash-completion/completions/fanfared.
_fanfared()
{
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='status apps channels channel connections users kick terminate publish reload drain log-level nodes top'
    local i command='' options='--config --socket --json --help'
    COMPREPLY=()

    case $previous in
    -c | --config | -s | --socket)
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$word"))
        return
        ;;
    esac
    if [ "${COMP_WORDS[1]}" != ctl ] || [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'ctl --config --check-config --print-sample --print-reference --print-man --version --help' -- "$word"))
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c | --config | -s | --socket | -a | --app | --prefix | --except | -n | --limit | -i | --interval) i=$((i + 1)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $previous in
    -a | --app | --prefix | --except | -n | --limit | -i | --interval) return ;;
    esac
    case $command in
    '')
        if [ "${word#-}" = "$word" ]; then
            options=$commands
        fi
        ;;
    status) options="$options --quiet" ;;
    channels | users) options="$options --app --prefix --limit" ;;
    connections) options="$options --app --limit" ;;
    channel | kick | terminate) options="$options --app" ;;
    publish) options="$options --app --except" ;;
    drain) options="$options --restart" ;;
    top) options="$options --interval --once" ;;
    log-level)
        if [ "${word#-}" = "$word" ]; then
            options='error warn info debug'
        fi
        ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
}
complete -F _fanfared fanfared
