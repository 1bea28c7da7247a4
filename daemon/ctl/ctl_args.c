#include "ctl/ctl_args.h"

#include <stdio.h>
#include <string.h>

#define OF(command) (1u << (command))

const char ctl_args_help[] =
    "Usage: fanfared ctl [--config FILE | --socket PATH] [--json] COMMAND\n"
    "\n"
    "Asks a running daemon on this machine, and tells it what to do, through its admin socket.\n"
    "\n"
    "  status [--quiet]               whether it is ready, and its figures\n"
    "  apps                           applications\n"
    "  channels [--prefix TEXT]       occupied channels, those with most subscribers first\n"
    "  channel NAME                   one channel\n"
    "  connections                    open connections\n"
    "  users [CHANNEL]                users that have signed in, or members of a presence channel\n"
    "  kick SOCKET_ID                 end a connection\n"
    "  terminate USER                 end all connections of a user\n"
    "  publish CHANNEL EVENT [DATA]   send an event; CHANNEL may be several, with commas; DATA - "
    "is\n"
    "                                 read from standard input\n"
    "  reload                         read the configuration again, as SIGHUP\n"
    "  drain [--restart]              close the clients and end, as SIGTERM; or start anew\n"
    "  log-level [LEVEL]              error, warn, info or debug, until the next reload\n"
    "  nodes                          nodes of the cluster\n"
    "  top [--interval S] [--once]    figures as they change; q ends it\n"
    "\n"
    "  --app ID       the application; needed by channel, kick, terminate and publish where there\n"
    "                 are several, and otherwise all of them are listed\n"
    "  --limit N      entries of a list (1000); 0: all\n"
    "  --except ID    a socket id that gets no event\n"
    "  --json         print JSON\n"
    "  --config FILE  the daemon's configuration, which names its socket\n"
    "  --socket PATH  the admin socket\n"
    "\n"
    "Without --config and --socket, FANFARE_ADMIN_SOCKET or FANFARE_SOCKET name it, else it is\n"
    "/run/fanfare/fanfare-admin.sock.\n"
    "Exit status: 0 done, 1 refused or not found, 2 wrong command line, 3 no daemon there, 4 not\n"
    "allowed, 5 (status) it runs and is not ready.\n";

static const struct {
    const char *name;
    size_t least, most; /* words behind it */
    const char *needs;
} ctl_commands[CTL_COMMANDS] = {
    [CTL_STATUS] = {"status", 0, 0, ""},
    [CTL_APPS] = {"apps", 0, 0, ""},
    [CTL_CHANNELS] = {"channels", 0, 0, ""},
    [CTL_CHANNEL] = {"channel", 1, 1, "the name of a channel"},
    [CTL_CONNECTIONS] = {"connections", 0, 0, ""},
    [CTL_USERS] = {"users", 0, 1, "at most the name of a presence channel"},
    [CTL_KICK] = {"kick", 1, 1, "a socket id, as connections lists them"},
    [CTL_TERMINATE] = {"terminate", 1, 1, "the id of a user"},
    [CTL_PUBLISH] = {"publish", 2, 3, "a channel, an event and, if it has any, its data"},
    [CTL_RELOAD] = {"reload", 0, 0, ""},
    [CTL_DRAIN] = {"drain", 0, 0, ""},
    [CTL_LOG_LEVEL] = {"log-level", 0, 1, "at most a level: error, warn, info or debug"},
    [CTL_NODES] = {"nodes", 0, 0, ""},
    [CTL_TOP] = {"top", 0, 0, ""},
};

#define CTL_LISTS (OF(CTL_CHANNELS) | OF(CTL_CONNECTIONS) | OF(CTL_USERS))
#define CTL_OF_APPS                                                                                \
    (CTL_LISTS | OF(CTL_CHANNEL) | OF(CTL_KICK) | OF(CTL_TERMINATE) | OF(CTL_PUBLISH))
#define CTL_ANY (OF(CTL_COMMANDS) - 1u)

enum ctl_option {
    CTL_OPTION_CONFIG,
    CTL_OPTION_SOCKET,
    CTL_OPTION_APP,
    CTL_OPTION_PREFIX,
    CTL_OPTION_EXCEPT,
    CTL_OPTION_LIMIT,
    CTL_OPTION_INTERVAL,
    CTL_OPTION_JSON,
    CTL_OPTION_QUIET,
    CTL_OPTION_ONCE,
    CTL_OPTION_RESTART,
    CTL_OPTION_HELP,
};

static const struct {
    const char *name;
    char letter; /* 0: none */
    bool value;
    unsigned int of;
} ctl_options[] = {
    [CTL_OPTION_CONFIG] = {"config", 'c', true, CTL_ANY},
    [CTL_OPTION_SOCKET] = {"socket", 's', true, CTL_ANY},
    [CTL_OPTION_APP] = {"app", 'a', true, CTL_OF_APPS},
    [CTL_OPTION_PREFIX] = {"prefix", 0, true, OF(CTL_CHANNELS) | OF(CTL_USERS)},
    [CTL_OPTION_EXCEPT] = {"except", 0, true, OF(CTL_PUBLISH)},
    [CTL_OPTION_LIMIT] = {"limit", 'n', true, CTL_LISTS},
    [CTL_OPTION_INTERVAL] = {"interval", 'i', true, OF(CTL_TOP)},
    [CTL_OPTION_JSON] = {"json", 'j', false, CTL_ANY},
    [CTL_OPTION_QUIET] = {"quiet", 'q', false, OF(CTL_STATUS)},
    [CTL_OPTION_ONCE] = {"once", 0, false, OF(CTL_TOP)},
    [CTL_OPTION_RESTART] = {"restart", 0, false, OF(CTL_DRAIN)},
    [CTL_OPTION_HELP] = {"help", 'h', false, CTL_ANY},
};
#define CTL_OPTIONS (sizeof(ctl_options) / sizeof(ctl_options[0]))

/* Digits with up to three decimals to thousandths; false: it is no such number, or too large. */
static bool ctl_args_number(const char *text, uint64_t most, uint64_t *thousandths)
{
    uint64_t n = 0;
    size_t decimals = 0;
    bool point = false, digit = false;
    for (; *text != '\0'; text++) {
        if (*text == '.' && !point && digit) {
            point = true;
        } else if (*text >= '0' && *text <= '9' && decimals < 3 && n <= most * 1000) {
            n = n * 10 + (uint64_t)(*text - '0');
            decimals += point ? 1 : 0;
            digit = true;
        } else {
            return false;
        }
    }
    for (; decimals < 3; decimals++) {
        n *= 10;
    }
    *thousandths = n;
    return digit && n <= most * 1000;
}

static int ctl_args_take(struct ctl_args *out, size_t option, const char *value, char *why,
                         size_t size)
{
    uint64_t number;
    switch ((enum ctl_option)option) {
    case CTL_OPTION_CONFIG:
        out->config = value;
        break;
    case CTL_OPTION_SOCKET:
        out->socket = value;
        break;
    case CTL_OPTION_APP:
        out->app = value;
        break;
    case CTL_OPTION_PREFIX:
        out->prefix = value;
        break;
    case CTL_OPTION_EXCEPT:
        out->except = value;
        break;
    case CTL_OPTION_LIMIT:
        if (!ctl_args_number(value, 1000000000, &number) || number % 1000 != 0) {
            snprintf(why, size, "--limit must be a number; 0 is no limit");
            return -1;
        }
        out->limit = number / 1000;
        break;
    case CTL_OPTION_INTERVAL:
        if (!ctl_args_number(value, 3600, &number) || number < 100) {
            snprintf(why, size, "--interval must be from 0.1 to 3600 seconds");
            return -1;
        }
        out->interval_ms = number;
        break;
    case CTL_OPTION_JSON:
        out->json = true;
        break;
    case CTL_OPTION_QUIET:
        out->quiet = true;
        break;
    case CTL_OPTION_ONCE:
        out->once = true;
        break;
    case CTL_OPTION_RESTART:
        out->restart = true;
        break;
    case CTL_OPTION_HELP:
        out->help = true;
        break;
    }
    return 0;
}

/* The option that a word names, CTL_OPTIONS: none. *value is what is behind its '=', or NULL. */
static size_t ctl_args_option(const char *word, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < CTL_OPTIONS; i++) {
        size_t len = strlen(ctl_options[i].name);
        if (word[1] != '-') {
            if (ctl_options[i].letter != 0 && word[1] == ctl_options[i].letter && word[2] == '\0') {
                return i;
            }
        } else if (strncmp(word + 2, ctl_options[i].name, len) == 0 &&
                   (word[2 + len] == '\0' || word[2 + len] == '=')) {
            *value = word[2 + len] == '=' ? word + 3 + len : NULL;
            return i;
        }
    }
    return CTL_OPTIONS;
}

static int ctl_args_command(const char *word, struct ctl_args *out, char *why, size_t size)
{
    for (size_t i = 0; i < CTL_COMMANDS; i++) {
        if (strcmp(ctl_commands[i].name, word) == 0) {
            out->command = (enum ctl_command)i;
            return 0;
        }
    }
    snprintf(why, size, "there is no command \"%.60s\"", word);
    return -1;
}

static int ctl_args_check(const struct ctl_args *args, unsigned int given, char *why, size_t size)
{
    const char *name = ctl_commands[args->command].name;
    for (size_t i = 0; i < CTL_OPTIONS; i++) {
        if ((given & OF(i)) && !(ctl_options[i].of & OF(args->command))) {
            snprintf(why, size, "%s takes no --%s", name, ctl_options[i].name);
            return -1;
        }
    }
    if (args->nwords < ctl_commands[args->command].least ||
        args->nwords > ctl_commands[args->command].most) {
        if (ctl_commands[args->command].most == 0) {
            snprintf(why, size, "%s takes nothing behind it", name);
        } else {
            snprintf(why, size, "%s takes %s", name, ctl_commands[args->command].needs);
        }
        return -1;
    }
    if (args->config != NULL && args->socket != NULL) {
        snprintf(why, size, "--config and --socket exclude each other: both name the socket");
        return -1;
    }
    return 0;
}

int ctl_args_read(int argc, char *const *argv, struct ctl_args *out, char *why, size_t size)
{
    bool named = false, words_only = false;
    unsigned int given = 0;
    *out = (struct ctl_args){.limit = 1000, .interval_ms = 2000};
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *value;
        if (!words_only && strcmp(word, "--") == 0) {
            words_only = true;
            continue;
        }
        if (words_only || word[0] != '-' || word[1] == '\0') {
            if (!named) {
                if (ctl_args_command(word, out, why, size) != 0) {
                    return -1;
                }
                named = true;
            } else if (out->nwords < sizeof(out->words) / sizeof(out->words[0])) {
                out->words[out->nwords++] = word;
            } else {
                snprintf(why, size, "too many arguments, from \"%.60s\" on", word);
                return -1;
            }
            continue;
        }
        size_t option = ctl_args_option(word, &value);
        if (option == CTL_OPTIONS) {
            snprintf(why, size, "unknown option %.60s", word);
            return -1;
        }
        if (ctl_options[option].value && value == NULL) {
            value = i + 1 < argc ? argv[++i] : NULL;
        } else if (!ctl_options[option].value && value != NULL) {
            snprintf(why, size, "option --%s takes no value", ctl_options[option].name);
            return -1;
        }
        if (ctl_options[option].value && (value == NULL || *value == '\0')) {
            snprintf(why, size, "option --%s needs a value", ctl_options[option].name);
            return -1;
        }
        given |= OF(option);
        if (ctl_args_take(out, option, value, why, size) != 0) {
            return -1;
        }
    }
    if (out->help) {
        return 0;
    }
    if (!named) {
        snprintf(why, size, "which command? status, apps, channels, connections, users, top ...");
        return -1;
    }
    return ctl_args_check(out, given, why, size);
}
