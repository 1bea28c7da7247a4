/*
 * One node's side of one lane: what it says goes out and comes back, what others say is applied
 * once and in order, and who is alive is agreed upon in the order of the log. Pure logic, with the
 * time (monotonic ms, of this node alone) handed in; it knows nothing of Redis. On the hub.
 *
 * Lanes know nothing of each other: a node has numbers, incarnations and deaths in each.
 *
 * WRITING. After bus_log_writable the owner appends what bus_log_take gives, in that order, on one
 * connection, and reports each reply: bus_log_appended with the id, or bus_log_refused. When the
 * connection ends: bus_log_cut. Take at the end of each turn, after a reply, and at the time that
 * bus_log_tick returns.
 *
 * READING. bus_log_read says what to ask the log for: its tail, one entry, or what comes after an
 * id; with a COUNT. The answers go to bus_log_tail, bus_log_looked and bus_log_entry. After a lost
 * connection (bus_log_unread) and after BUS_EVENT_REREAD whatever was asked before is of no more
 * use, and it is to be asked anew. An entry handed over at the wrong time is ignored.
 *
 * PROMISES. Records of a node are applied once, in the order of their numbers. Whoever misses some
 * waits for them: their node appends them again as long as it keeps them, which it does until all
 * who are alive have them, within the limits of time and bytes. What it keeps no more is lost: it
 * is counted, by broadcasts, and its node is asked to say what it owns.
 * What stands in the log from before this node began to read is not applied.
 *
 * STATE. Records of types bus_type_state say what a node owns; they are good while it is alive, in
 * its incarnation. BUS_EVENT_GONE: all of it is void. BUS_EVENT_STALE: it begins to say all of it;
 * what was not said again, or since, at BUS_EVENT_SWEPT is void. Own ones are the owner's affair;
 * on BUS_EVENT_STATE he says all that he owns between bus_log_begin and bus_log_end, with changes
 * in between as they happen, and the flag restated on what is not a change.
 *
 * Callbacks may add records, and must call nothing else here.
 */
#ifndef FF_LINKS_BUS_LOG_H
#define FF_LINKS_BUS_LOG_H

#include "links/bus_lane.h"

void bus_log_init(struct bus_log *log, const struct bus_log_settings *settings,
                  const struct bus_callbacks *callbacks);
void bus_log_free(struct bus_log *log);
/* Other limits from now on. */
void bus_log_set(struct bus_log *log, uint64_t window_ms, size_t max_bytes,
                 uint64_t node_timeout_ms);

/* Says something. Numbered: returns the number. 0, or -1: no memory, or too large. */
uint64_t bus_log_add(struct bus_log *log, const struct bus_record *record, uint64_t now) MUST_CHECK;
int bus_log_add_loose(struct bus_log *log, const struct bus_record *record) MUST_CHECK;
/* Around all that this node owns. False, or -1: no memory; the state stays due. */
bool bus_log_begin(struct bus_log *log, uint64_t now) MUST_CHECK;
int bus_log_end(struct bus_log *log, uint64_t now) MUST_CHECK;
/* Goodbye; nothing should be said after it. 0: no memory. */
uint64_t bus_log_leave(struct bus_log *log, uint64_t now) MUST_CHECK;
/* Whether all that was said is in the log, or can come there no more. */
static inline bool bus_log_left(const struct bus_log *log)
{
    return log->out.unconfirmed == NULL;
}

void bus_log_writable(struct bus_log *log);
bool bus_log_take(struct bus_log *log, uint64_t now, struct slice *entry) MUST_CHECK;
void bus_log_appended(struct bus_log *log, struct bus_id id, uint64_t now);
void bus_log_refused(struct bus_log *log, uint64_t now);
void bus_log_cut(struct bus_log *log);

enum bus_read bus_log_read(const struct bus_log *log, struct bus_id *id);
void bus_log_unread(struct bus_log *log);
/* bytes.p NULL: the log is empty; the id then is 0-0, or the last that it ever gave. */
void bus_log_tail(struct bus_log *log, struct bus_id id, struct slice bytes);
void bus_log_looked(struct bus_log *log, struct slice bytes); /* .p NULL: not there */
void bus_log_entry(struct bus_log *log, struct bus_id id, struct slice bytes, uint64_t now);

/* Whatever depends on time alone. Returns when to call it, and bus_log_take, again. */
uint64_t bus_log_tick(struct bus_log *log, uint64_t now);

/* ms that an entry takes from here through the log and back; while one is on its way, at least for
 * how long it has been. */
uint64_t bus_log_lag(const struct bus_log *log, uint64_t now);

#endif
