#include "links/bus_log.h"

#include "links/bus_inbox.h"

#define FULL_REPORT 8u  /* beats between reports on all nodes */
#define KNOWN_DEAD  64u /* that a statement names */

static void bus_log_tell(struct bus_log *log, enum bus_event_kind kind)
{
    struct bus_event event = {.kind = kind};
    log->callbacks.event(log->callbacks.arg, &event);
}

void bus_log_init(struct bus_log *log, const struct bus_log_settings *settings,
                  const struct bus_callbacks *callbacks)
{
    size_t len = strlen(settings->name);
    *log = (struct bus_log){.callbacks = *callbacks};
    memcpy(log->name, settings->name, len < BUS_NAME_MAX ? len : BUS_NAME_MAX);
    bus_out_init(&log->out, settings->node, settings->lane, settings->lanes, settings->window_ms,
                 settings->max_bytes);
    bus_reader_init(&log->reader);
    bus_nodes_init(&log->nodes, settings->node);
    bus_log_set(log, settings->window_ms, settings->max_bytes, settings->node_timeout_ms);
}

void bus_log_free(struct bus_log *log)
{
    bus_out_free(&log->out);
    bus_nodes_free(&log->nodes);
}

void bus_log_set(struct bus_log *log, uint64_t window_ms, size_t max_bytes,
                 uint64_t node_timeout_ms)
{
    log->out.window = window_ms;
    log->out.max_bytes = max_bytes;
    log->timeout = node_timeout_ms;
    log->interval = node_timeout_ms / BUS_TICKS > 0 ? node_timeout_ms / BUS_TICKS : 1;
}

/* ---- saying ---- */

uint64_t bus_log_add(struct bus_log *log, const struct bus_record *record, uint64_t now)
{
    return bus_out_add(&log->out, record, now);
}

int bus_log_add_loose(struct bus_log *log, const struct bus_record *record)
{
    return log->writable ? bus_out_add_loose(&log->out, record) : -1;
}

static int bus_log_know(const struct bus_log *log, struct buf *list)
{
    struct bus_known known = {log->out.node, log->out.incarnation, true};
    int failed = bus_known_write(list, &known);
    for (const struct bus_node *node = log->nodes.alive.first; node != NULL; node = node->next) {
        known = (struct bus_known){node->id, node->incarnation, true};
        failed |= bus_known_write(list, &known);
    }
    const struct bus_node *node = log->nodes.dead.last;
    for (uint32_t n = 0; node != NULL && n < KNOWN_DEAD; node = node->prev, n++) {
        if (node->incarnation > 0) {
            known = (struct bus_known){node->id, node->incarnation, false};
            failed |= bus_known_write(list, &known);
        }
    }
    return failed;
}

bool bus_log_begin(struct bus_log *log, uint64_t now)
{
    struct buf list;
    buf_init(&list, 1u << 20);
    bool fine = bus_log_know(log, &list) == 0;
    struct bus_record begin = {.type = BUS_BEGIN,
                               .number = log->statement + 1,
                               .list = {(const char *)list.data, list.len},
                               .text = {log->name, strlen(log->name)}};
    fine = fine && bus_log_add(log, &begin, now) != 0;
    buf_free(&list);
    if (fine) {
        log->statement++;
        log->state_due = false;
    }
    return fine;
}

int bus_log_end(struct bus_log *log, uint64_t now)
{
    struct bus_record end = {.type = BUS_END, .number = log->statement};
    return bus_log_add(log, &end, now) != 0 ? 0 : -1;
}

uint64_t bus_log_leave(struct bus_log *log, uint64_t now)
{
    struct bus_record goodbye = {.type = BUS_GOODBYE};
    log->leaving = true;
    return bus_log_add(log, &goodbye, now);
}

/* ---- writing ---- */

void bus_log_writable(struct bus_log *log)
{
    log->writable = true;
    log->retry_at = 0;
}

static void bus_log_start(struct bus_log *log, uint64_t now)
{
    struct bus_record hello = {.type = BUS_HELLO, .text = {log->name, strlen(log->name)}};
    log->hello = bus_log_add(log, &hello, now);
    if (log->hello != 0) {
        log->started = true;
        log->state_due = true;
        bus_log_tell(log, BUS_EVENT_STATE);
    }
}

static int bus_log_report(struct bus_log *log, bool all)
{
    struct buf list;
    struct bus_node *const lists[] = {log->nodes.alive.first, log->nodes.dead.first};
    int failed = 0;
    buf_init(&list, 1u << 20);
    for (size_t i = 0; i < 2; i++) {
        for (struct bus_node *node = lists[i]; node != NULL && failed == 0; node = node->next) {
            if (bus_node_unreported(node) || (all && i == 0 && node->expected != 0)) {
                failed = bus_node_report(node, &list);
            }
        }
    }
    if (list.len > 0) {
        struct bus_record applied = {.type = BUS_APPLIED,
                                     .list = {(const char *)list.data, list.len}};
        failed |= bus_out_add_loose(&log->out, &applied);
    }
    buf_free(&list);
    log->report_now = false;
    log->unreported = 0;
    return failed;
}

static bool bus_log_take_loose(struct bus_log *log, uint64_t now, struct slice *entry)
{
    /* Who leaves still needs them, to notice when the log has lost his goodbye. */
    bool beats =
        log->beat == 0 && now >= log->beat_due && !(log->leaving && log->out.unconfirmed == NULL);
    if (beats) {
        struct bus_record beat;
        bus_out_beat(&log->out, &beat);
        beats = bus_out_add_loose(&log->out, &beat) == 0;
    }
    if (beats || log->report_now) {
        (void)bus_log_report(log, beats && log->out.serial % FULL_REPORT == 0);
    }
    if (!bus_out_take_loose(&log->out, now, entry)) {
        return false;
    }
    if (beats) {
        log->beat = log->out.serial;
        log->beat_at = now;
        log->beat_replied_at = 0;
        log->beat_due =
            now + (log->ready || log->interval < BUS_QUICK_MS ? log->interval : BUS_QUICK_MS);
    }
    return true;
}

bool bus_log_take(struct bus_log *log, uint64_t now, struct slice *entry)
{
    if (!log->writable || log->reader.state == BUS_READ_TAIL || now < log->retry_at) {
        return false;
    }
    if (!log->started) {
        bus_log_start(log, now);
    }
    if (!bus_out_open(&log->out)) {
        return false;
    }
    return bus_log_take_loose(log, now, entry) ||
           (!bus_out_holds(&log->out, now) && bus_out_take(&log->out, now, entry));
}

static void bus_log_doubt(struct bus_log *log)
{
    bus_reader_doubt(&log->reader);
    bus_log_tell(log, BUS_EVENT_REREAD);
}

void bus_log_appended(struct bus_log *log, struct bus_id id, uint64_t now)
{
    const struct bus_flight *flight = bus_out_landing(&log->out);
    if (!flight->numbered && flight->first == log->beat) {
        log->beat_replied_at = now;
    }
    /* Behind what was read, and never read: the log has begun again, with lower ids. */
    if (bus_out_replied(&log->out, id) && log->reader.state == BUS_READ_AFTER &&
        !bus_id_after(id, log->reader.at)) {
        bus_log_doubt(log);
    }
}

void bus_log_refused(struct bus_log *log, uint64_t now)
{
    bus_out_refused(&log->out);
    log->beat = 0;
    log->retry_at = now + BUS_RETRY_MS;
}

void bus_log_cut(struct bus_log *log)
{
    log->writable = false;
    log->beat = 0;
    bus_out_cut(&log->out);
}

/* ---- reading ---- */

enum bus_read bus_log_read(const struct bus_log *log, struct bus_id *id)
{
    return bus_reader_next(&log->reader, id);
}

void bus_log_unread(struct bus_log *log)
{
    bus_reader_doubt(&log->reader);
}

static const struct bus_entry *bus_log_parse(struct slice bytes, struct bus_entry *entry)
{
    return bytes.p != NULL && bus_entry_read((const uint8_t *)bytes.p, bytes.len, entry) != BUS_BAD
               ? entry
               : NULL;
}

void bus_log_tail(struct bus_log *log, struct bus_id id, struct slice bytes)
{
    struct bus_entry entry;
    if (log->reader.state == BUS_READ_TAIL) {
        bus_reader_tail(&log->reader, id, bus_log_parse(bytes, &entry));
    }
}

void bus_log_looked(struct bus_log *log, struct slice bytes)
{
    struct bus_entry entry;
    if (log->reader.state != BUS_READ_LOOK ||
        bus_reader_look(&log->reader, bus_log_parse(bytes, &entry)) != BUS_REWOUND) {
        return;
    }
    /* What this node has said may be gone as well, and who had not read it yet lacks it. */
    log->rewinds++;
    log->fresh = log->out.serial + 1;
    log->beat = 0;
    log->beat_due = 0;
    bus_out_resend(&log->out);
    bus_log_tell(log, BUS_EVENT_REWOUND);
}

static void bus_log_beat_back(struct bus_log *log, uint64_t now)
{
    log->beat = 0;
    log->lag = now - log->beat_at;
    if (log->joined && !log->ready) {
        log->settled++;
        bus_inbox_check_ready(log);
    }
    if (log->beat_at - log->ticked_at >= log->interval) {
        log->ticked_at = log->beat_at;
        log->nodes.ticks++;
        bus_inbox_tick(log, now);
    }
}

static void bus_log_own(struct bus_log *log, const struct bus_entry *entry, uint64_t now)
{
    uint64_t last = entry->numbered ? entry->first + entry->count - 1 : entry->first;
    if (last > (entry->numbered ? log->out.next - 1 : log->out.serial)) {
        bus_log_tell(log, BUS_EVENT_TWIN);
        return;
    }
    if (bus_out_back(&log->out, entry) != BUS_BACK_NEW) {
        return;
    }
    if (!entry->numbered) {
        if (entry->first >= log->fresh) {
            bus_reader_fresh(&log->reader);
        }
        if (entry->first == log->beat) {
            bus_log_beat_back(log, now);
        }
        return;
    }
    struct bus_record record;
    uint64_t number = entry->first;
    for (size_t cursor = 0; bus_record_next(entry, &cursor, &record); number++) {
        if (number > log->confirmed) {
            log->confirmed = number;
            bus_inbox_own(log, &record, number, now);
        }
    }
    bus_inbox_release(log);
    struct bus_event event = {.kind = BUS_EVENT_CONFIRMED, .to = log->confirmed};
    log->callbacks.event(log->callbacks.arg, &event);
}

static void bus_log_refuse(struct bus_log *log, const struct bus_entry *entry, bool bad)
{
    struct bus_event event = {.kind = bad ? BUS_EVENT_BAD : BUS_EVENT_FOREIGN, .entry = entry};
    log->bad += bad ? 1 : 0;
    log->foreign += bad ? 0 : 1;
    log->callbacks.event(log->callbacks.arg, &event);
}

void bus_log_entry(struct bus_log *log, struct bus_id id, struct slice bytes, uint64_t now)
{
    struct bus_entry entry;
    if (log->reader.state != BUS_READ_AFTER) {
        return;
    }
    enum bus_result result = bus_entry_read((const uint8_t *)bytes.p, bytes.len, &entry);
    bool old = bus_reader_read(&log->reader, id, result == BUS_BAD ? NULL : &entry, now);
    if (result != BUS_FINE || entry.lanes != log->out.lanes || entry.lane != log->out.lane) {
        bus_log_refuse(log, &entry, result == BUS_BAD);
    } else if (entry.node == log->out.node) {
        bus_log_own(log, &entry, now);
    } else {
        bus_inbox_entry(log, &entry, old, now);
    }
    if (bus_out_vanished(&log->out, id)) {
        bus_out_resend_unconfirmed(&log->out);
    }
}

/* ---- time ---- */

uint64_t bus_log_lag(const struct bus_log *log, uint64_t now)
{
    bool late = log->beat != 0 && now - log->beat_at > log->lag;
    return late ? now - log->beat_at : log->lag;
}

static uint64_t bus_log_sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t bus_log_tick(struct bus_log *log, uint64_t now)
{
    struct bus_dropped dropped;
    uint64_t next = now + log->interval;
    while (bus_out_drop(&log->out, now, &dropped)) {
        if (dropped.to > log->confirmed) {
            struct bus_event event = {.kind = BUS_EVENT_DROPPED,
                                      .from = dropped.from,
                                      .to = dropped.to,
                                      .broadcasts = dropped.broadcasts};
            log->confirmed = dropped.to;
            if (!log->joined && log->hello >= dropped.from && log->hello <= dropped.to) {
                log->started = false; /* another hello, or it is never ready */
            }
            log->callbacks.event(log->callbacks.arg, &event);
        }
        log->beat_due = now; /* who waits for it hears at once that it is lost */
    }
    if (log->beat != 0 && log->beat_replied_at != 0) {
        uint64_t deaf = 2 * log->interval > BUS_DEAF_MS ? 2 * log->interval : BUS_DEAF_MS;
        if (now - log->beat_replied_at >= deaf) {
            log->beat = 0;
            bus_log_doubt(log);
        } else {
            next = bus_log_sooner(next, log->beat_replied_at + deaf);
        }
    }
    if (log->out.head != NULL) {
        next = bus_log_sooner(next, log->out.head->created + log->out.window + 1);
    }
    if (log->beat == 0 && log->writable) {
        next = bus_log_sooner(next, log->beat_due);
    }
    if (log->writable && bus_out_holds(&log->out, now)) {
        next = bus_log_sooner(next, log->out.flown_at + BUS_HOLD_MS);
    }
    if (now < log->retry_at) {
        next = bus_log_sooner(next, log->retry_at);
    }
    return next > now ? next : now + 1;
}
