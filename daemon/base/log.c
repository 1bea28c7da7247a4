#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "shared/utf8.h"

/* PIPE_BUF on Linux: a pipe that poll calls writable takes this much in one piece, unmixed with
 * other writers' lines. */
#define LINE_MAX_BYTES  4096u
#define LIMIT_WINDOW_MS 10000u
#define LIMIT_LINES     10u

static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic int current_format = LOG_FORMAT_TEXT;
static _Atomic uint64_t dropped;
_Atomic bool log_messages_wanted;
/* Between poll and write, so that two threads do not both use the room that poll saw once. */
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

static _Atomic bool journal; /* stderr is journald's stream */
static char node_name[65];   /* set before there are threads */

static const char *const level_names[] = {"error", "warn", "info", "debug"};
/* Of syslog: err, warning, info, debug. */
static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};

/* A line being built. What does not fit any more is left out; `room` keeps the end of the line
 * free. */
struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len;
    bool full;
};

#define LINE_TAIL   "...\"}\n"
#define LINE_ROOM   (LINE_MAX_BYTES - (sizeof(LINE_TAIL) - 1))
/* Fields end here, so that there is room for a message. */
#define FIELDS_ROOM (LINE_MAX_BYTES / 2)

/* systemd says by device and inode which stream it has made, for who passes on its environment and
 * not its stderr. */
static bool log_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat stat;
    char behind;

    return stream != NULL && sscanf(stream, "%llu:%llu%c", &device, &inode, &behind) == 2 &&
           fstat(STDERR_FILENO, &stat) == 0 && stat.st_dev == device && stat.st_ino == inode;
}

void log_node(const char *name)
{
    snprintf(node_name, sizeof(node_name), "%s", name);
}

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&journal, log_is_journal(), memory_order_relaxed);
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_find(const char *name, size_t len, enum log_level *out)
{
    for (int i = 0; i <= LOG_LEVEL_DEBUG; i++) {
        if (strlen(level_names[i]) == len && memcmp(level_names[i], name, len) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* All of the piece or nothing: half an escape would be worse than none. */
static void log_put(struct line *line, const char *bytes, size_t len)
{
    if (line->full || len > LINE_ROOM - line->len) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

static void log_put_text(struct line *line, const char *text)
{
    log_put(line, text, strlen(text));
}

/* Control characters (those of C1 too: terminals obey them) and what is no UTF-8 become escapes. */
static void log_put_escaped(struct line *line, const char *text, size_t len, bool json)
{
    const unsigned char *p = (const unsigned char *)text;
    char escape[16];

    for (size_t i = 0; i < len && !line->full;) {
        size_t n = ff_utf8_char(text + i, len - i);
        /* Of U+0080 to U+009F the last byte is the code point. */
        bool c1 = n == 2 && p[i] == 0xC2 && p[i + 1] < 0xA0;
        unsigned int point = c1 ? p[i + 1] : p[i];
        int used = 0;

        if (n == 0) {
            n = 1;
            used = snprintf(escape, sizeof(escape), json ? "\\\\x%02x" : "\\x%02x", p[i]);
        } else if (c1 || point < 0x20 || point == 0x7F) {
            used = snprintf(escape, sizeof(escape), json ? "\\u%04x" : "\\x%02x", point);
        } else if (json && (point == '"' || point == '\\')) {
            used = snprintf(escape, sizeof(escape), "\\%c", (char)point);
        }
        if (used != 0) {
            log_put(line, escape, (size_t)used);
        } else {
            log_put(line, (const char *)p + i, n);
        }
        i += n;
    }
}

static void log_put_time(struct line *line)
{
    uint64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[64];

    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    log_put(line, text, n);
    int used = snprintf(text, sizeof(text), ".%03uZ", (unsigned int)(ms % 1000));
    log_put(line, text, (size_t)used);
}

static void log_write_line(const struct line *line)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    bool taken = false;

    pthread_mutex_lock(&write_lock);
    if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) && !(fd.revents & (POLLERR | POLLNVAL))) {
        /* A socket is writable with less room than a line needs: there the write itself must not
         * wait. */
        ssize_t n = send(STDERR_FILENO, line->bytes, line->len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK) {
            n = write(STDERR_FILENO, line->bytes, line->len);
        }
        taken = n > 0;
    }
    pthread_mutex_unlock(&write_lock);
    if (!taken) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    }
}

/* All of the field or nothing, so that what follows it is whole in any case. */
static void log_put_field(struct line *line, const char *name, const char *text, size_t len)
{
    size_t before = line->len;

    if (len == 0) {
        return;
    }
    log_put_text(line, ",\"");
    log_put_text(line, name);
    log_put_text(line, "\":\"");
    log_put_escaped(line, text, len, true);
    log_put_text(line, "\"");
    if (line->full || line->len > FIELDS_ROOM) {
        line->len = before;
        line->full = false;
    }
}

static void log_put_word(struct line *line, const char *name, const char *text)
{
    log_put_field(line, name, text, text != NULL ? strlen(text) : 0);
}

static void log_put_fields(struct line *line, const struct log_fields *fields)
{
    char text[128];

    log_put_word(line, "node", node_name);
    if (fields == NULL) {
        return;
    }
    log_put_word(line, "app", fields->app);
    log_put_word(line, "client", fields->client);
    log_put_field(line, "socket_id", fields->socket, fields->socket_len);
    log_put_word(line, "peer", fields->peer);
    log_put_word(line, "endpoint", fields->endpoint);
    log_put_field(line, "trace_id", fields->trace, fields->trace_len);
    if (fields->error != 0) {
        snprintf(text, sizeof(text), ",\"errno\":%d", fields->error);
        log_put_text(line, text);
        log_put_word(line, "error", strerror_r(fields->error, text, sizeof(text)));
    }
}

static void log_vline(enum log_level level, const char *area, const struct log_fields *fields,
                      const char *format, va_list args)
{
    char message[LINE_MAX_BYTES];
    struct line line;

    line.len = 0;
    line.full = false;
    int n = vsnprintf(message, sizeof(message), format, args);
    size_t len = n < 0 ? 0 : (size_t)n;
    bool cut = len >= sizeof(message);
    if (cut) {
        len = sizeof(message) - 1;
    }

    bool json = atomic_load_explicit(&current_format, memory_order_relaxed) == (int)LOG_FORMAT_JSON;
    if (atomic_load_explicit(&journal, memory_order_relaxed)) {
        log_put_text(&line, priorities[level]);
    }
    if (json) {
        log_put_text(&line, "{\"time\":\"");
        log_put_time(&line);
        log_put_text(&line, "\",\"level\":\"");
        log_put_text(&line, level_names[level]);
        log_put_text(&line, "\",\"area\":\"");
        log_put_text(&line, area);
        log_put_text(&line, "\"");
        log_put_fields(&line, fields);
        log_put_text(&line, ",\"message\":\"");
    } else {
        log_put_time(&line);
        log_put_text(&line, " ");
        log_put_text(&line, level_names[level]);
        log_put_text(&line, " ");
        log_put_text(&line, area);
        log_put_text(&line, ": ");
    }
    log_put_escaped(&line, message, len, json);

    const char *tail = json ? "\"}\n" : "\n";
    if (cut || line.full) {
        memcpy(line.bytes + line.len, "...", 3);
        line.len += 3;
    }
    memcpy(line.bytes + line.len, tail, strlen(tail));
    line.len += strlen(tail);
    log_write_line(&line);
}

void log_line(enum log_level level, const char *area, const char *format, ...)
{
    int saved = errno; /* callers log and then look at errno */
    va_list args;

    if (log_enabled(level)) {
        va_start(args, format);
        log_vline(level, area, NULL, format, args);
        va_end(args);
        errno = saved;
    }
}

void log_with(enum log_level level, const char *area, const struct log_fields *fields,
              const char *format, ...)
{
    int saved = errno;
    va_list args;

    if (log_enabled(level)) {
        va_start(args, format);
        log_vline(level, area, fields, format, args);
        va_end(args);
        errno = saved;
    }
}

struct log_text log_cut(const char *text, size_t len)
{
    size_t at = 0;
    for (unsigned int shown = 0; at < len && shown < LOG_SHOWN; shown++) {
        size_t n = ff_utf8_char(text + at, len - at);
        at += n != 0 ? n : 1; /* what is no UTF-8 is escaped byte by byte */
    }
    return (struct log_text){len > 0 ? text : "", at < len ? "..." : "", (int)at};
}

bool log_allowed(struct log_limit *limit)
{
    uint64_t now = clock_mono_ms() + 1; /* 0 stands for "no window yet" */
    uint64_t window = atomic_load_explicit(&limit->window, memory_order_relaxed);

    if (window == 0 || now - window >= LIMIT_WINDOW_MS) {
        /* One thread opens the next window and tells what the last one left out. */
        if (atomic_compare_exchange_strong(&limit->window, &window, now)) {
            atomic_store(&limit->lines, 0);
            uint32_t left_out = atomic_exchange(&limit->suppressed, 0);
            if (left_out != 0) {
                log_line(LOG_LEVEL_WARN, "log", "%u lines like the next one were left out",
                         left_out);
            }
        }
    }
    if (atomic_fetch_add(&limit->lines, 1) < LIMIT_LINES) {
        return true;
    }
    atomic_fetch_add(&limit->suppressed, 1);
    return false;
}
