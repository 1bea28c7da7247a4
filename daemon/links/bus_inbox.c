#include "links/bus_inbox.h"

static void bus_inbox_tell(struct bus_log *log, enum bus_event_kind kind, struct bus_node *node)
{
    struct bus_event event = {.kind = kind, .node = node};
    log->callbacks.event(log->callbacks.arg, &event);
}

/* Said by this node itself. Without memory it is said at another tick. */
static bool bus_inbox_say(struct bus_log *log, const struct bus_record *record, uint64_t now)
{
    return bus_out_add(&log->out, record, now) != 0;
}

static void bus_inbox_ask(struct bus_log *log, struct bus_node *node, uint64_t now)
{
    struct bus_record ask = {.type = BUS_ASK, .node = node->id};
    node->owned = BUS_OWNED_ASKED;
    node->asked_at = log->nodes.ticks;
    (void)bus_inbox_say(log, &ask, now);
}

static void bus_inbox_declare(struct bus_log *log, struct bus_node *node, uint64_t now)
{
    struct bus_record dead = {.type = BUS_DEAD, .node = node->id, .incarnation = node->incarnation};
    if (bus_inbox_say(log, &dead, now)) {
        node->declared_at = log->nodes.ticks;
    }
}

static void bus_inbox_state_due(struct bus_log *log)
{
    if (!log->state_due) {
        log->state_due = true;
        bus_inbox_tell(log, BUS_EVENT_STATE, NULL);
    }
}

/* Ticks for which what one node keeps for another may be of use. */
static uint64_t bus_inbox_window(const struct bus_log *log)
{
    return log->out.window / log->interval + BUS_TICKS;
}

void bus_inbox_release(struct bus_log *log)
{
    bus_out_release(&log->out, bus_nodes_acked(&log->nodes, bus_inbox_window(log)));
}

void bus_inbox_check_ready(struct bus_log *log)
{
    if (!log->joined || log->ready || log->settled < BUS_SETTLE) {
        return;
    }
    if (log->settled < log->timeout / BUS_QUICK_MS) {
        for (const struct bus_node *node = log->nodes.alive.first; node != NULL;
             node = node->next) {
            if (node->owned != BUS_OWNED_KNOWN) {
                return;
            }
        }
    }
    log->ready = true;
    bus_inbox_tell(log, BUS_EVENT_READY, NULL);
}

/* ---- who is alive ---- */

static void bus_inbox_name(struct bus_log *log, struct bus_node *node, struct slice name)
{
    if (slice_is(name, node->name)) {
        return;
    }
    memcpy(node->name, name.p, name.len); /* BUS_NAME_MAX at most: the reader has seen to it */
    node->name[name.len] = '\0';
    if (strcmp(log->name, node->name) == 0) {
        struct bus_event event = {.kind = BUS_EVENT_NAMESAKE, .node = node};
        log->callbacks.event(log->callbacks.arg, &event);
    }
    for (struct bus_node *other = log->nodes.alive.first; other != NULL; other = other->next) {
        if (other != node && strcmp(other->name, node->name) == 0) {
            /* One that was started again, most likely: the one before will say nothing more. */
            struct bus_event event = {.kind = BUS_EVENT_NAMESAKE, .node = node, .other = other};
            other->suspect = true;
            log->callbacks.event(log->callbacks.arg, &event);
        }
    }
}

static void bus_inbox_heard(struct bus_log *log, struct bus_node *node,
                            const struct bus_entry *entry)
{
    uint64_t ticks = log->nodes.ticks;
    if (entry->incarnation > node->incarnation) {
        bool was = node->alive;
        bus_nodes_revive(&log->nodes, node, entry->incarnation);
        if (!was) {
            bus_inbox_tell(log, BUS_EVENT_CAME, node);
        }
    } else if (node->alive && entry->incarnation == node->incarnation) {
        node->heard_at = ticks;
        node->suspect = false;
    } else if (!node->alive && !entry->numbered &&
               ticks - node->declared_at >= (bus_nodes_is_first(&log->nodes, NULL) ? 2 : 3)) {
        /* It does not know that it was declared dead: it has lost that word. And as nobody keeps
         * anything for the dead, it would lose it each time if that word had a number. */
        struct bus_record declared = {
            .type = BUS_DECLARED, .node = node->id, .incarnation = node->incarnation};
        if (log->writable && bus_out_add_loose(&log->out, &declared) == 0) {
            node->declared_at = ticks;
        }
    }
}

static void bus_inbox_gone(struct bus_log *log, struct bus_node *node, uint64_t incarnation,
                           bool clean, bool own)
{
    struct bus_event event = {.kind = BUS_EVENT_GONE, .node = node, .clean = clean, .own = own};
    bool was = node->alive;
    if (incarnation < node->incarnation || (!was && incarnation == node->incarnation)) {
        return;
    }
    bus_nodes_bury(&log->nodes, node, incarnation, clean);
    if (was) {
        log->callbacks.event(log->callbacks.arg, &event);
        bus_inbox_release(log);
        bus_inbox_check_ready(log);
    }
}

static void bus_inbox_on_dead(struct bus_log *log, uint64_t id, uint64_t incarnation, bool own,
                              uint64_t now)
{
    if (incarnation > UINT64_MAX / 2) {
        return; /* nobody gets so old */
    }
    if (id != log->out.node) {
        struct bus_node *node = bus_nodes_find(&log->nodes, id);
        if (node != NULL) {
            bus_inbox_gone(log, node, incarnation, false, own);
        }
        return;
    }
    if (incarnation < log->out.incarnation || log->leaving) {
        return;
    }
    log->out.incarnation = incarnation + 1;
    bus_inbox_tell(log, BUS_EVENT_DIED, NULL);
    /* restated: it has missed nothing, and nobody needs to tell it anything. */
    struct bus_record hello = {
        .type = BUS_HELLO, .restated = true, .text = {log->name, strlen(log->name)}};
    (void)bus_inbox_say(log, &hello, now);
    bus_inbox_state_due(log);
}

/* ---- records about nodes ---- */

static void bus_inbox_on_hello(struct bus_log *log, struct bus_node *node,
                               const struct bus_record *record)
{
    bus_inbox_name(log, node, record->text);
    node->owned = BUS_OWNED_ASKED; /* it says so by itself */
    node->asked_at = log->nodes.ticks;
    if (!record->restated) {
        bus_inbox_state_due(log);
    }
}

static void bus_inbox_on_known(struct bus_log *log, struct slice list, uint64_t now)
{
    struct bus_known known;
    for (size_t cursor = 0; bus_known_next(list, &cursor, &known);) {
        struct bus_node *node = bus_nodes_find(&log->nodes, known.node);
        if (!known.alive) {
            bus_inbox_on_dead(log, known.node, known.incarnation, false, now);
        } else if (node == NULL && known.node != log->out.node) {
            node = bus_nodes_add(&log->nodes, known.node);
            bus_nodes_revive(&log->nodes, node, known.incarnation);
            bus_inbox_tell(log, BUS_EVENT_CAME, node);
        }
    }
}

static void bus_inbox_on_begin(struct bus_log *log, struct bus_node *node,
                               const struct bus_record *record, uint64_t now)
{
    bus_inbox_name(log, node, record->text);
    bus_inbox_on_known(log, record->list, now);
    if (node->owned != BUS_OWNED_KNOWN) {
        node->owned = BUS_OWNED_BEGUN;
        node->statement = record->number;
        node->asked_at = log->nodes.ticks;
        bus_inbox_tell(log, BUS_EVENT_STALE, node);
    }
}

static void bus_inbox_on_end(struct bus_log *log, struct bus_node *node,
                             const struct bus_record *record)
{
    if (node->owned == BUS_OWNED_BEGUN && node->statement == record->number) {
        node->owned = BUS_OWNED_KNOWN;
        bus_inbox_tell(log, BUS_EVENT_SWEPT, node);
        bus_inbox_check_ready(log);
    }
}

/* What is good for the node's incarnation only. */
static void bus_inbox_on_state(struct bus_log *log, struct bus_node *node,
                               const struct bus_record *record)
{
    if (record->restated && node->owned == BUS_OWNED_KNOWN) {
        return; /* said for somebody else */
    }
    if (node->owned == BUS_OWNED_BEGUN) {
        node->asked_at = log->nodes.ticks;
    }
    log->callbacks.apply(log->callbacks.arg, node, record);
}

static void bus_inbox_record(struct bus_log *log, struct bus_node *node, uint64_t incarnation,
                             const struct bus_record *record, uint64_t now)
{
    bool current = node->alive && incarnation == node->incarnation;
    switch (record->type) {
    case BUS_HELLO:
        if (current) {
            bus_inbox_on_hello(log, node, record);
        }
        break;
    case BUS_ASK:
        if (record->node == log->out.node) {
            bus_inbox_state_due(log);
        }
        break;
    case BUS_BEGIN:
        if (current) {
            bus_inbox_on_begin(log, node, record, now);
        }
        break;
    case BUS_END:
        if (current) {
            bus_inbox_on_end(log, node, record);
        }
        break;
    case BUS_GOODBYE:
        bus_inbox_gone(log, node, incarnation, true, false);
        break;
    case BUS_DEAD:
        bus_inbox_on_dead(log, record->node, record->incarnation, false, now);
        break;
    case BUS_DELIVER:
    case BUS_TERMINATE_USER:
    case BUS_TERMINATE_SOCKET:
    case BUS_TOLD:
    case BUS_SETTLED:
        log->callbacks.apply(log->callbacks.arg, node, record);
        break;
    default: /* state, or a type of a newer format */
        if (bus_type_state(record->type) && current) {
            bus_inbox_on_state(log, node, record);
        }
    }
}

/* ---- entries ---- */

static void bus_inbox_on_lost(struct bus_log *log, struct bus_node *node,
                              const struct bus_loss *loss, uint64_t now)
{
    struct bus_event event = {.kind = BUS_EVENT_LOST,
                              .node = node,
                              .records = loss->records,
                              .broadcasts = loss->broadcasts};
    log->lost += loss->broadcasts;
    log->callbacks.event(log->callbacks.arg, &event);
    if (node->alive) {
        bus_inbox_ask(log, node, now);
    }
}

static void bus_inbox_numbered(struct bus_log *log, struct bus_node *node,
                               const struct bus_entry *entry, bool old, uint64_t now)
{
    struct bus_record record;
    uint32_t skip = 0, n = 0;
    bool gap = bus_node_gap(node);
    switch (bus_node_offer(node, entry, old, &skip)) {
    case BUS_OFFER_DUPLICATE:
        log->duplicates += entry->count;
        return;
    case BUS_OFFER_GAP:
        /* Its node learns of it at once, and not with the next beat only. */
        log->report_now |= !gap && !old;
        return;
    case BUS_OFFER_TAKE:
        break;
    }
    if (old) {
        bus_inbox_heard(log, node, entry); /* it is new, whatever its id says */
    }
    log->duplicates += skip;
    log->records_in += entry->count - skip;
    for (size_t cursor = 0; bus_record_next(entry, &cursor, &record); n++) {
        if (n >= skip) {
            bus_node_applied(node, bus_type_broadcast(record.type));
            bus_inbox_record(log, node, entry->incarnation, &record, now);
        }
    }
    log->unreported += entry->len;
    log->report_now |= log->unreported > log->out.max_bytes / 16;
}

static void bus_inbox_on_beat(struct bus_log *log, struct bus_node *node,
                              const struct bus_record *beat, uint64_t now)
{
    struct bus_loss loss;
    bool gap = bus_node_gap(node);
    if (bus_node_beat(node, beat, &loss)) {
        bus_inbox_on_lost(log, node, &loss, now);
    }
    log->report_now |= !gap && bus_node_gap(node);
}

static void bus_inbox_on_applied(struct bus_log *log, struct bus_node *node, struct slice list)
{
    struct bus_applied applied;
    for (size_t cursor = 0; bus_applied_next(list, &cursor, &applied);) {
        if (applied.node != log->out.node) {
            continue;
        }
        if (applied.number > node->acked) {
            node->acked = applied.number;
        }
        if (applied.seen != 0 && node->alive) {
            bus_out_lacks(&log->out, applied.number, applied.seen);
        }
        bus_inbox_release(log);
    }
}

static void bus_inbox_loose(struct bus_log *log, struct bus_node *node,
                            const struct bus_entry *entry, uint64_t now)
{
    struct bus_record record;
    if (entry->first <= node->serial) {
        return;
    }
    node->serial = entry->first;
    for (size_t cursor = 0; bus_record_next(entry, &cursor, &record);) {
        switch (record.type) {
        case BUS_BEAT:
            bus_inbox_on_beat(log, node, &record, now);
            break;
        case BUS_APPLIED:
            bus_inbox_on_applied(log, node, record.list);
            break;
        case BUS_QUERY:
            log->callbacks.apply(log->callbacks.arg, node, &record);
            break;
        case BUS_ANSWER:
            if (record.node == log->out.node) {
                log->callbacks.apply(log->callbacks.arg, node, &record);
            }
            break;
        case BUS_DECLARED:
            if (record.node == log->out.node) {
                bus_inbox_on_dead(log, record.node, record.incarnation, false, now);
            }
            break;
        default:
            break;
        }
    }
}

void bus_inbox_entry(struct bus_log *log, const struct bus_entry *entry, bool old, uint64_t now)
{
    struct bus_node *node = bus_nodes_find(&log->nodes, entry->node);
    if (node == NULL) {
        if (old && !entry->numbered) {
            return; /* said by somebody who may be long gone */
        }
        node = bus_nodes_add(&log->nodes, entry->node);
    }
    node->heard_ms = now;
    log->entries_in++;
    log->bytes_in += entry->len;
    if (!old) {
        bus_inbox_heard(log, node, entry);
    }
    if (entry->numbered) {
        bus_inbox_numbered(log, node, entry, old, now);
    } else {
        bus_inbox_loose(log, node, entry, now);
    }
}

void bus_inbox_own(struct bus_log *log, const struct bus_record *record, uint64_t number,
                   uint64_t now)
{
    if (record->type == BUS_DEAD) {
        bus_inbox_on_dead(log, record->node, record->incarnation, true, now);
    } else if (record->type == BUS_HELLO && number == log->hello) {
        log->joined = true;
    }
    log->callbacks.apply(log->callbacks.arg, NULL, record);
}

/* ---- time ---- */

void bus_inbox_tick(struct bus_log *log, uint64_t now)
{
    struct bus_nodes *nodes = &log->nodes;
    struct bus_node *node, *next;
    struct bus_loss loss;
    for (node = nodes->alive.first; node != NULL; node = next) {
        next = node->next;
        if (bus_nodes_silent(nodes, node)) {
            bus_inbox_declare(log, node, now);
        } else if (node->owned != BUS_OWNED_KNOWN &&
                   nodes->ticks - node->asked_at >= BUS_ASK_TICKS) {
            bus_inbox_ask(log, node, now);
        }
    }
    /* What the dead have left unsaid could come for as long as they keep it, and no longer. */
    uint64_t window = bus_inbox_window(log);
    for (node = nodes->dead.first; node != NULL; node = next) {
        next = node->next;
        if (nodes->ticks - node->died_at >= window && bus_node_give_up(node, &loss)) {
            bus_inbox_on_lost(log, node, &loss, now);
        }
    }
    bus_nodes_trim(nodes);
    bus_inbox_release(log);
}
