#include "ops/options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>
#include <msgpack.h>
#include <openssl/crypto.h>

#include "ops/certificates.h"
#include "ops/config_load.h"
#include "ops/config_print.h"
#include "ops/libraries.h"
#include "ops/metrics_print.h"
#include "ops/suggest.h"
#include "shared/ipc_proto.h"

/* Bound when the executable is linked with jemalloc, else NULL. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *new_value, size_t new_len)
    __attribute__((weak));

enum { OPTION_REFERENCE = 256, OPTION_SAMPLE, OPTION_MAN, OPTION_METRICS };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, 't'},
    {"print-sample", no_argument, NULL, OPTION_SAMPLE},
    {"print-reference", no_argument, NULL, OPTION_REFERENCE},
    {"print-man", no_argument, NULL, OPTION_MAN},
    {"print-metrics", no_argument, NULL, OPTION_METRICS},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void options_print_help(void)
{
    fputs(
        "Usage: fanfared [--config FILE]\n"
        "       fanfared ctl COMMAND       ask a running daemon, or tell it what to do (fanfared "
        "ctl --help)\n"
        "\n"
        "Serves WebSocket clients of Laravel applications (Pusher protocol); PHP publishes through "
        "a\n"
        "Unix socket. It stays in the foreground and logs on stderr.\n"
        "\n"
        "  -c, --config FILE      read this configuration file\n"
        "  -t, --check-config     check the file and the environment, say what is wrong, and exit\n"
        "      --print-sample     print a configuration file with every key and its default\n"
        "      --print-reference  print every key as the tables of the manual (Markdown)\n"
        "      --print-man        print every key as the page fanfared.conf(5)\n"
        "      --print-metrics    print what each metric means as the tables of the manual\n"
        "  -V, --version          print the version and those of its libraries\n"
        "  -h, --help             print this\n"
        "\n"
        "Without a file, FANFARE_APP_ID, FANFARE_APP_KEY and FANFARE_APP_SECRET define the "
        "application.\n"
        "Without those as well, a development server starts on 127.0.0.1:8080 with the "
        "application\n"
        "fanfare, its key fanfare-key and its secret fanfare-secret. FANFARE_<SECTION>_<KEY> "
        "overrides\n"
        "a key of the file, for example FANFARE_SERVER_LISTEN=127.0.0.1:9000; FANFARE_SOCKET sets "
        "the\n"
        "path of the Unix socket.\n"
        "\n"
        "SIGHUP reads file, environment and certificates again; who is connected stays connected.\n"
        "SIGTERM closes the clients, so that they connect again elsewhere, and exits.\n"
        "SIGUSR1, SIGUSR2 and SIGALRM are ignored.\n"
        "Exit status: 0 fine, 1 cannot start or the configuration is wrong, 2 wrong command "
        "line.\n",
        stdout);
}

static const char *options_allocator(char *out, size_t size)
{
    const char *version = NULL;
    size_t len = sizeof(version);

    if (mallctl == NULL || mallctl("version", &version, &len, NULL, 0) != 0) {
        return "system";
    }
    snprintf(out, size, "jemalloc %.*s", (int)strcspn(version, "-"), version);
    return out;
}

static void options_print_version(void)
{
    char malloc_name[64];

    printf("fanfared %s\n", FANFARE_VERSION);
    printf("  libevent   %s\n", event_get_version());
    printf("  msgpack-c  %s\n", msgpack_version());
    printf("  OpenSSL    %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
    printf("  allocator  %s\n", options_allocator(malloc_name, sizeof(malloc_name)));
    if (FF_IPC_VERSION_MIN < FF_IPC_VERSION) {
        printf("  IPC        protocol %d, accepts %d and newer\n", FF_IPC_VERSION,
               FF_IPC_VERSION_MIN);
    } else {
        printf("  IPC        protocol %d\n", FF_IPC_VERSION);
    }
}

static void options_print_problem(void *arg, bool error, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s: %s\n", error ? "error" : "warning", text);
}

static enum options_next options_check_config(const char *path, char *const envp[])
{
    struct config *config = config_load(path, -1, envp, options_print_problem, NULL);
    struct tls_context *tls;
    size_t listeners;

    if (config == NULL) {
        return OPTIONS_FAILED;
    }
    if (libraries_load(config, options_print_problem, NULL) != 0 ||
        certificates_load(config, NULL, &tls, options_print_problem, NULL) != 0) {
        config_free(config);
        return OPTIONS_FAILED;
    }
    tls_context_unref(tls);
    listeners = config->listen.count + config->tls_listen.count + config->admin_listen.count;
    printf("%s: ok (%zu %s, %zu %s)\n", path != NULL ? path : "environment", config->napps,
           config->napps == 1 ? "app" : "apps", listeners,
           listeners == 1 ? "listener" : "listeners");
    config_free(config);
    return OPTIONS_DONE;
}

static enum options_next options_printed(void)
{
    if (fflush(stdout) != 0) {
        perror("fanfared: cannot write");
        return OPTIONS_FAILED;
    }
    return OPTIONS_DONE;
}

static void options_hint(const char *text)
{
    fprintf(stderr, "fanfared: %s\nTry \"fanfared --help\".\n", text);
}

/* The option in argv[optind - 1], which getopt did not take. */
static void options_hint_option(int argc, char **argv)
{
    static const char *const names[] = {"config",          "check-config", "print-sample",
                                        "print-reference", "print-man",    "print-metrics",
                                        "version",         "help"};
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    char text[400], name[64];
    size_t near;

    if (strncmp(word, "--", 2) != 0) {
        snprintf(text, sizeof(text), "unknown option -%c", optopt);
        options_hint(text);
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    if (optopt != 0) {
        snprintf(text, sizeof(text), "option --%s takes no value", name);
        options_hint(text);
        return;
    }
    near = suggest(name, names, sizeof(names) / sizeof(names[0]));
    if (near != SUGGEST_NONE) {
        snprintf(text, sizeof(text), "unknown or ambiguous option --%s; did you mean --%s?", name,
                 names[near]);
    } else {
        snprintf(text, sizeof(text), "unknown or ambiguous option --%s", name);
    }
    options_hint(text);
}

enum options_next options_run(int argc, char **argv, char *const envp[], struct options *out)
{
    bool check_only = false;
    int option;

    memset(out, 0, sizeof(*out));
    optind = 0; /* start anew, whoever parsed before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:tVh", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            if (*optarg == '\0') {
                options_hint("--config needs the path of a file");
                return OPTIONS_MISTAKEN;
            }
            out->config_path = optarg;
            break;
        case 't':
            check_only = true;
            break;
        case 'h':
            options_print_help();
            return options_printed();
        case 'V':
            options_print_version();
            return options_printed();
        case OPTION_REFERENCE:
            config_print_reference(stdout);
            return options_printed();
        case OPTION_MAN:
            config_print_man(stdout);
            return options_printed();
        case OPTION_METRICS:
            metrics_print(stdout);
            return options_printed();
        case OPTION_SAMPLE:
            config_print_sample(stdout);
            return options_printed();
        case ':':
            options_hint("--config needs the path of a file");
            return OPTIONS_MISTAKEN;
        default:
            options_hint_option(argc, argv);
            return OPTIONS_MISTAKEN;
        }
    }
    if (optind < argc) {
        char text[400];
        snprintf(
            text, sizeof(text),
            "unexpected argument \"%.200s\"; a configuration file is given with --config FILE, and "
            "\"fanfared ctl\" speaks to a running daemon",
            argv[optind]);
        options_hint(text);
        return OPTIONS_MISTAKEN;
    }
    if (check_only) {
        return options_check_config(out->config_path, envp);
    }
    return OPTIONS_SERVE;
}
