/*
 * One line an event on stderr, as text or JSON, at most 4 KB. Any thread may log.
 *
 * A line is written with one write(2) and only if stderr takes it now (poll first), else it is
 * dropped and counted: a log pipe that blocks never blocks a loop. Flags of the descriptor are
 * never changed. Every line of JSON is one object, whatever is in it. Bytes that are not printable
 * ASCII or valid UTF-8 are escaped, so that no peer can forge a line. Nothing is logged per message
 * unless log_messages() says so.
 */
#ifndef FF_BASE_LOG_H
#define FF_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Called once before threads start, and again with a new level on reload. The default is INFO,
 * text. */
void log_setup(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
/* Another level from now on, until the next log_setup. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);
bool log_level_find(const char *name, size_t len, enum log_level *out);

/* Whether what clients and publishers say is logged as well: [server] log_messages. */
extern _Atomic bool log_messages_wanted;
static inline bool log_messages(void)
{
    return __builtin_expect(atomic_load_explicit(&log_messages_wanted, memory_order_relaxed),
                            false);
}

/* What is shown of a message: LOG_SHOWN characters, and whether there were more. For a format that
 * has LOG_TEXT: log_info("message", "said " LOG_TEXT, LOG_ARGS(shown)). */
#define LOG_SHOWN 200u
struct log_text {
    const char *p, *more;
    int len;
};
struct log_text log_cut(const char *text, size_t len);
#define LOG_TEXT        "%.*s%s"
#define LOG_ARGS(shown) (shown).len, (shown).p, (shown).more

/* What a line is about, for programs: in JSON each that is set is a field of its own, in text the
 * sentence says it. Texts are terminated and may hold anything. */
struct log_fields {
    const char *app;    /* "app": the application's id */
    const char *client; /* "client": an address, with or without its port */
    const char *socket; /* "socket_id", of socket_len bytes */
    size_t socket_len;
    const char *peer;     /* "peer": a node of the cluster that the line tells of */
    const char *endpoint; /* "endpoint": who is sent to: a webhook's URL, a collector, a Redis */
    const char *trace;    /* "trace_id", of trace_len bytes */
    size_t trace_len;
    int error; /* "errno", and its text as "error" */
};

/* The name of this node, as "node" in each line of JSON. Once, before threads start. */
void log_node(const char *name);

/* `area` is a static word: "ipc", "listen", "session". Text form: "2026-11-24T10:00:00.123Z info
 * ipc: message". JSON form:
 * {"time":"...","level":"info","area":"ipc","app":"my-app","message":"..."}. On journald's stream a
 * line begins with its priority ("<6>"), which journald takes off. */
void log_line(enum log_level level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);
void log_with(enum log_level level, const char *area, const struct log_fields *fields,
              const char *format, ...) PRINTF_LIKE(4, 5);
#define LOG_FIELDS(...) (&(const struct log_fields){__VA_ARGS__})

#define log_error(area, ...) log_line(LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...)  log_line(LOG_LEVEL_WARN, area, __VA_ARGS__)
#define log_info(area, ...)  log_line(LOG_LEVEL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)                                                                       \
    do {                                                                                           \
        if (log_enabled(LOG_LEVEL_DEBUG)) {                                                        \
            log_line(LOG_LEVEL_DEBUG, area, __VA_ARGS__);                                          \
        }                                                                                          \
    } while (0)

/* For what a peer can cause at will: at most 10 lines in 10 s from one place in the code, then a
 * count of what was left out. `static struct log_limit limit;` at the place; shared between threads
 * without harm. */
struct log_limit {
    _Atomic uint64_t window; /* start of the current window, ms */
    _Atomic uint32_t lines, suppressed;
};
bool log_allowed(struct log_limit *limit);

/* Like log_line, rate-limited at this place. What the level leaves out is not counted, so that
 * nobody reads that lines were left out which he has not asked for. */
#define log_limited(level, area, ...)                                                              \
    do {                                                                                           \
        static struct log_limit log_limit_here;                                                    \
        if (log_enabled(level) && log_allowed(&log_limit_here)) {                                  \
            log_line(level, area, __VA_ARGS__);                                                    \
        }                                                                                          \
    } while (0)

#define log_limited_with(level, area, fields, ...)                                                 \
    do {                                                                                           \
        static struct log_limit log_limit_here;                                                    \
        if (log_enabled(level) && log_allowed(&log_limit_here)) {                                  \
            log_with(level, area, fields, __VA_ARGS__);                                            \
        }                                                                                          \
    } while (0)

uint64_t log_dropped(void); /* lines that stderr did not take since the start */

#endif
