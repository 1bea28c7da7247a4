#include "ctl/ctl_top.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/ctl_read.h"
#include "ctl/ctl_table.h"
#include "proto/json.h"

#define TOP_ENTER "\033[?1049h\033[?25l"
#define TOP_LEAVE "\033[?25h\033[?1049l"
#define TOP_HOME  "\033[H\033[2J"
#define TOP_HEAD  20u /* lines until the names of columns come again */

/* Counters whose rates are shown. */
enum top_rate {
    TOP_IN,
    TOP_OUT,
    TOP_BYTES_OUT,
    TOP_PUBLISHED,
    TOP_OPENED,
    TOP_CLOSED,
    TOP_REFUSED,
    TOP_SLOW,
    TOP_LIMITS,
    TOP_TIMEOUTS,
    TOP_RATES
};

static const char *const top_counters[TOP_RATES] = {
    [TOP_IN] = "messages_received_total",       [TOP_OUT] = "messages_sent_total",
    [TOP_BYTES_OUT] = "bytes_sent_total",       [TOP_PUBLISHED] = "published_total",
    [TOP_OPENED] = "connections_opened_total",  [TOP_CLOSED] = "connections_closed_total",
    [TOP_REFUSED] = "handshakes_refused_total", [TOP_SLOW] = "slow_consumers_total",
    [TOP_LIMITS] = "limits_reached_total",      [TOP_TIMEOUTS] = "timeouts_total",
};

struct top_sample {
    uint64_t ms, values[TOP_RATES];
    uint64_t pid;
};

struct top {
    struct ctl *ctl;
    bool screen; /* a terminal is redrawn */
    bool raw;    /* and its keys are read one by one */
    struct termios before;
    struct top_sample last;
    uint64_t rates[TOP_RATES]; /* a second, times 10 */
    uint64_t lines;
    size_t rows, width;
    char *text; /* a frame, written in one piece so that it does not flicker */
    size_t len;
};

static volatile sig_atomic_t top_ending;

static void top_on_signal(int number)
{
    (void)number;
    top_ending = 1;
}

/* ---- the terminal ---- */

static void top_begin(struct top *top)
{
    struct sigaction action = {.sa_handler = top_on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    top->screen = !top->ctl->args.once && !top->ctl->args.json && isatty(STDOUT_FILENO);
    if (!top->screen) {
        return;
    }
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &top->before) == 0) {
        struct termios raw = top->before;
        raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        top->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    fputs(TOP_ENTER, stdout);
}

static void top_end(struct top *top)
{
    if (top->raw) {
        tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
    }
    if (top->screen) {
        fputs(TOP_LEAVE, stdout);
        fflush(stdout);
    }
}

static void top_measure(struct top *top)
{
    struct winsize size;
    top->rows = 24;
    top->width = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        top->rows = size.ws_row;
        top->width = size.ws_col;
    }
    if (!top->screen) {
        top->rows = top->width = 0;
    }
}

/* Waits for the next sample. False: it is enough. */
static bool top_wait(const struct top *top)
{
    uint64_t until = clock_mono_ms() + top->ctl->args.interval_ms;
    while (!top_ending) {
        uint64_t now = clock_mono_ms();
        struct pollfd keys = {.fd = top->raw ? STDIN_FILENO : -1, .events = POLLIN};
        char key;
        if (now >= until) {
            return true;
        }
        int n = poll(&keys, 1, (int)(until - now));
        if (n > 0) {
            ssize_t got = read(STDIN_FILENO, &key, 1);
            if (got <= 0 || key == 'q' || key == 'Q' || key == 3) {
                return false;
            }
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
    }
    return false;
}

/* ---- figures ---- */

static void top_take(struct top *top, struct slice status)
{
    struct slice counters = ctl_field(status, "counters");
    struct top_sample now = {.ms = clock_mono_ms(), .pid = ctl_number(status, "pid")};
    uint64_t span = top->last.ms != 0 && top->last.pid == now.pid ? now.ms - top->last.ms : 0;
    for (int i = 0; i < TOP_RATES; i++) {
        now.values[i] = ctl_counters(counters, top_counters[i]);
        uint64_t more = now.values[i] - top->last.values[i];
        top->rates[i] = span > 0 ? (more * 10000 + span / 2) / span : 0;
    }
    top->last = now;
}

/* Of a rate in tenths: at most 7 characters. */
static const char *top_rate(uint64_t tenths, char out[16])
{
    static const char units[] = " kMGT";
    size_t unit = 0;
    uint64_t n = tenths;
    while (n >= 100000 && units[unit + 1] != '\0') {
        n /= 1000;
        unit++;
    }
    char suffix[2] = {unit > 0 ? units[unit] : '\0', '\0'};
    if (n < 1000) {
        snprintf(out, 16, "%u.%u%s", (unsigned int)(n / 10), (unsigned int)(n % 10), suffix);
    } else {
        snprintf(out, 16, "%u%s", (unsigned int)(n / 10 % 100000), suffix);
    }
    return out;
}

/* ---- drawing ---- */

static void top_figures(const struct top *top, FILE *out, struct slice status)
{
    char a[16], b[16], c[16], d[16];
    const uint64_t *rates = top->rates;
    fprintf(out, "connections %9" PRIu64 "   opened %7s/s   closed  %7s/s   refused %7s/s\n",
            ctl_number(status, "connections"), top_rate(rates[TOP_OPENED], a),
            top_rate(rates[TOP_CLOSED], b), top_rate(rates[TOP_REFUSED], c));
    fprintf(out, "channels    %9" PRIu64 "   sent   %7s/s   bytes   %7s/s   received %6s/s\n",
            ctl_number(status, "channels"), top_rate(rates[TOP_OUT], a),
            top_rate(rates[TOP_BYTES_OUT], b), top_rate(rates[TOP_IN], c));
    fprintf(out, "published   %7s/s   slow   %7s/s   limits  %7s/s   timed out %5s/s\n",
            top_rate(rates[TOP_PUBLISHED], a), top_rate(rates[TOP_SLOW], b),
            top_rate(rates[TOP_LIMITS], c), top_rate(rates[TOP_TIMEOUTS], d));
}

static void top_title(FILE *out, struct slice status)
{
    char uptime[24], *state_room, *node_room, *version_room;
    struct slice state = ctl_text(ctl_field(status, "state"), &state_room);
    struct slice node = ctl_text(ctl_field(status, "node"), &node_room);
    struct slice version = ctl_text(ctl_field(status, "version"), &version_room);
    size_t chars, unused;
    char *shown_version = ctl_table_shown(version.p, version.len, 30, &unused);
    char *shown_state = ctl_table_shown(state.p, state.len, 30, &unused);
    char *name = ctl_table_shown(node.p != NULL ? node.p : "", node.len, 30, &chars);
    ctl_table_span(ctl_number(status, "uptime"), uptime);
    fprintf(out, "fanfared %s  %s  up %s  pid %" PRIu64 "  %" PRIu64 " workers%s%s\n",
            shown_version, shown_state, uptime, ctl_number(status, "pid"),
            ctl_number(status, "workers"), chars > 0 ? "  node " : "", name);
    mem_free(name);
    mem_free(shown_version);
    mem_free(shown_state);
    mem_free(state_room);
    mem_free(node_room);
    mem_free(version_room);
}

struct top_app {
    struct slice app;
    uint64_t connections;
};

static int top_by_connections(const void *left, const void *right)
{
    const struct top_app *a = left, *b = right;
    return a->connections < b->connections ? 1 : (a->connections > b->connections ? -1 : 0);
}

/* Those with most connections first, as many as there is room for. */
static void top_apps(const struct top *top, FILE *out, struct slice body, size_t rows)
{
    static const char *const names[] = {"APP", "STATE", ">CONNECTIONS", ">CHANNELS", NULL};
    struct slice apps = ctl_field(body, "apps"), app;
    struct top_app *all = NULL;
    struct ctl_table table;
    size_t n = 0, cursor = 0;
    while (apps.p != NULL && json_type(apps) == JSON_ARRAY && json_element(apps, &cursor, &app)) {
        if ((n & (n - 1)) == 0) {
            all = mem_realloc(all, (n == 0 ? 1 : 2 * n) * sizeof(*all));
        }
        all[n++] = (struct top_app){app, ctl_number(app, "connections")};
    }
    if (n > 1) {
        qsort(all, n, sizeof(*all), top_by_connections);
    }
    ctl_table_init(&table, names);
    for (size_t i = 0; i < n && (rows == 0 || i < rows); i++) {
        char *id_room, *state_room;
        struct slice id = ctl_text(ctl_field(all[i].app, "id"), &id_room);
        struct slice state = ctl_text(ctl_field(all[i].app, "state"), &state_room);
        ctl_table_text(&table, id.p != NULL ? id.p : "-", id.p != NULL ? id.len : 1);
        ctl_table_text(&table, state.p != NULL ? state.p : "-", state.p != NULL ? state.len : 1);
        ctl_table_number(&table, all[i].connections);
        ctl_table_number(&table, ctl_number(all[i].app, "channels"));
        mem_free(id_room);
        mem_free(state_room);
    }
    ctl_table_print(&table, out, rows, top->width);
    ctl_table_free(&table);
    mem_free(all);
}

/* Each line as wide as the terminal at most, and no more of them than it has. */
static void top_flush(struct top *top)
{
    size_t row = 0, at = 0;
    if (top->screen) {
        fputs(TOP_HOME, stdout);
    }
    for (size_t i = 0; i < top->len; i++) {
        char c = top->text[i];
        bool begins = ((uint8_t)c & 0xC0) != 0x80;
        if (c == '\n') {
            at = 0;
            if (++row == top->rows && top->rows != 0) {
                break; /* a last line's end would scroll */
            }
            fputc('\n', stdout);
        } else {
            at += begins ? 1 : 0;
            if (top->width == 0 || at <= top->width) {
                fputc(c, stdout);
            }
        }
    }
    fflush(stdout);
}

static int top_draw(struct top *top, struct slice status)
{
    struct ctl_answer apps;
    int result = (int)ctl_call(top->ctl, "/api/apps", NULL, &apps);
    if (result != CTL_EXIT_DONE) {
        return result;
    }
    top_measure(top);
    FILE *out = open_memstream(&top->text, &top->len);
    check(out != NULL);
    top_title(out, status);
    fputc('\n', out);
    top_figures(top, out, status);
    fputc('\n', out);
    /* Title, figures, blanks, the table's head and the last line. */
    top_apps(top, out, apps.body, top->rows > 9 ? top->rows - 8 : (top->rows == 0 ? 0 : 1));
    if (top->screen) {
        fputs("q quits", out);
    }
    check(fclose(out) == 0);
    top_flush(top);
    free(top->text); /* open_memstream's */
    ctl_answer_free(&apps);
    return CTL_EXIT_DONE;
}

/* Without a terminal: a line for each sample. */
static void top_line(struct top *top, struct slice status)
{
    char a[16], b[16], c[16], d[16], e[16], f[16];
    if (top->lines++ % TOP_HEAD == 0) {
        printf("%11s %9s %9s %9s %9s %9s %9s %9s\n", "connections", "channels", "published/s",
               "sent/s", "bytes/s", "received/s", "opened/s", "closed/s");
    }
    printf("%11" PRIu64 " %9" PRIu64 " %11s %9s %9s %10s %9s %9s\n",
           ctl_number(status, "connections"), ctl_number(status, "channels"),
           top_rate(top->rates[TOP_PUBLISHED], a), top_rate(top->rates[TOP_OUT], b),
           top_rate(top->rates[TOP_BYTES_OUT], c), top_rate(top->rates[TOP_IN], d),
           top_rate(top->rates[TOP_OPENED], e), top_rate(top->rates[TOP_CLOSED], f));
    fflush(stdout);
}

static int top_show(struct top *top, struct slice status)
{
    if (top->ctl->args.json) {
        ctl_print_json(status);
        return CTL_EXIT_DONE;
    }
    if (top->screen || top->ctl->args.once) {
        return top_draw(top, status);
    }
    top_line(top, status);
    return CTL_EXIT_DONE;
}

/* A daemon that starts anew is away for a moment: whoever watches it goes on watching. */
static void top_away(const struct top *top)
{
    size_t chars;
    char *socket = ctl_table_shown(top->ctl->socket, strlen(top->ctl->socket), 0, &chars);
    printf("%sno answer at %s\ntrying again; q quits", TOP_HOME, socket);
    fflush(stdout);
    mem_free(socket);
}

int ctl_top(struct ctl *ctl)
{
    struct top top = {.ctl = ctl};
    struct ctl_answer answer;
    bool first = true, asked = true;
    int status = (int)ctl_call(ctl, "/api/status", NULL, &answer);
    if (status != CTL_EXIT_DONE) {
        return status;
    }
    top_begin(&top);
    ctl->args.quiet = top.screen; /* what is said while the screen is drawn is gone with it */
    for (;;) {
        if (!asked) {
            status = (int)ctl_call(ctl, "/api/status", NULL, &answer);
        }
        asked = false;
        if (status == CTL_EXIT_DONE) {
            top_take(&top, answer.body);
            /* Rates are known from the second sample on; a terminal need not be empty until then.
             */
            if (!first || top.screen || (ctl->args.json && !ctl->args.once)) {
                status = top_show(&top, answer.body);
            }
            ctl_answer_free(&answer);
        }
        if (status != CTL_EXIT_DONE && top.screen) {
            top_away(&top);
        } else if (status != CTL_EXIT_DONE) {
            break;
        }
        if ((ctl->args.once && !first) || ferror(stdout)) {
            break;
        }
        first = false;
        if (!top_wait(&top)) {
            break;
        }
    }
    top_end(&top);
    ctl->args.quiet = false;
    if (top.screen && status != CTL_EXIT_DONE) {
        ctl_say(ctl, "the daemon does not answer; fanfared ctl status says why");
    }
    return status;
}
