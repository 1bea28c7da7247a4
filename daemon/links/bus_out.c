#include "links/bus_out.h"

#include "base/mem.h"

void bus_out_init(struct bus_out *out, uint64_t node, uint32_t lane, uint32_t lanes,
                  uint64_t window_ms, size_t max_bytes)
{
    *out = (struct bus_out){.node = node,
                            .incarnation = 1,
                            .lane = lane,
                            .lanes = lanes,
                            .window = window_ms,
                            .max_bytes = max_bytes,
                            .next = 1};
    buf_init(&out->loose, BUS_LOOSE_MAX);
    buf_init(&out->entry, BUS_LOOSE_MAX + BUS_HEADER_MAX);
}

void bus_out_free(struct bus_out *out)
{
    while (out->head != NULL) {
        struct bus_kept *kept = out->head;
        out->head = kept->next;
        buf_free(&kept->bytes);
        mem_free(kept);
    }
    buf_free(&out->loose);
    buf_free(&out->entry);
}

/* ---- the list ---- */

static uint64_t bus_kept_last(const struct bus_kept *kept)
{
    return kept->first + kept->count - 1;
}

static void bus_out_weigh(struct bus_out *out, struct bus_kept *kept)
{
    out->bytes -= kept->weight;
    kept->weight = sizeof(*kept) + kept->bytes.cap;
    out->bytes += kept->weight;
}

static struct bus_kept *bus_out_begin(struct bus_out *out, uint64_t now)
{
    struct bus_kept *kept = mem_zalloc(sizeof(*kept));
    kept->first = out->next;
    kept->before = out->broadcasts;
    kept->incarnation = out->incarnation;
    kept->created = now;
    buf_init(&kept->bytes, BUS_ENTRY_MAX);
    struct bus_entry header = {.numbered = true,
                               .node = out->node,
                               .incarnation = out->incarnation,
                               .lane = out->lane,
                               .lanes = out->lanes,
                               .first = kept->first,
                               .before = kept->before};
    if (bus_entry_begin(&kept->bytes, &header) != 0) {
        mem_free(kept);
        return NULL;
    }
    return kept;
}

static void bus_out_link(struct bus_out *out, struct bus_kept *kept)
{
    *(out->tail != NULL ? &out->tail->next : &out->head) = kept;
    out->tail = kept;
    if (out->unsent == NULL) {
        out->unsent = kept;
    }
    if (out->unconfirmed == NULL) {
        out->unconfirmed = kept;
    }
}

static void bus_out_unlink_head(struct bus_out *out)
{
    struct bus_kept *kept = out->head;
    if (out->unsent == kept) {
        out->unsent = kept->next;
    }
    if (out->unconfirmed == kept) {
        out->unconfirmed = kept->next;
    }
    out->head = kept->next;
    if (out->head == NULL) {
        out->tail = NULL;
    }
    out->bytes -= kept->weight;
    buf_free(&kept->bytes);
    mem_free(kept);
}

uint64_t bus_out_add(struct bus_out *out, const struct bus_record *record, uint64_t now)
{
    check(!bus_type_unnumbered(record->type));
    struct bus_kept *kept = out->tail;
    bool fresh = kept == NULL || kept->sent || kept->incarnation != out->incarnation ||
                 kept->bytes.len >= BUS_JOIN;
    if (fresh) {
        kept = bus_out_begin(out, now);
    }
    if (kept == NULL || bus_record_write(&kept->bytes, record) != 0) {
        if (fresh && kept != NULL) {
            buf_free(&kept->bytes);
            mem_free(kept);
        }
        return 0;
    }
    if (fresh) {
        bus_out_link(out, kept);
    }
    bus_out_weigh(out, kept);
    kept->count++;
    if (bus_type_broadcast(record->type)) {
        kept->broadcasts++;
        out->broadcasts++;
    }
    out->records++;
    return out->next++;
}

int bus_out_add_loose(struct bus_out *out, const struct bus_record *record)
{
    check(bus_type_unnumbered(record->type));
    return bus_record_write(&out->loose, record);
}

/* ---- on its way ---- */

bool bus_out_open(const struct bus_out *out)
{
    return out->nflights < BUS_FLIGHTS && out->flight_bytes < BUS_FLIGHT_BYTES;
}

bool bus_out_holds(const struct bus_out *out, uint64_t now)
{
    const struct bus_kept *kept = out->unsent;
    /* Only what may still grow: waiting makes nothing of an entry that is full or was sent. */
    return kept != NULL && kept->next == NULL && !kept->sent && kept->bytes.len < BUS_JOIN &&
           out->nflights > 0 && now - out->flown_at < BUS_HOLD_MS;
}

static void bus_out_fly(struct bus_out *out, bool numbered, uint64_t first, size_t bytes,
                        uint64_t now)
{
    check(out->nflights < BUS_FLIGHTS);
    out->flights[(out->first_flight + out->nflights++) % BUS_FLIGHTS] =
        (struct bus_flight){.first = first, .bytes = (uint32_t)bytes, .numbered = numbered};
    out->flight_bytes += bytes;
    out->flown_at = now;
    out->sent_bytes += bytes;
    out->entries++;
}

static struct bus_flight bus_out_land(struct bus_out *out)
{
    check(out->nflights > 0);
    struct bus_flight flight = out->flights[out->first_flight];
    out->first_flight = (out->first_flight + 1) % BUS_FLIGHTS;
    out->nflights--;
    out->flight_bytes -= flight.bytes;
    return flight;
}

/* Their replies say nothing about the copies that are sent now. */
static void bus_out_disregard(struct bus_out *out)
{
    for (uint32_t i = 0; i < out->nflights; i++) {
        out->flights[(out->first_flight + i) % BUS_FLIGHTS].superfluous = true;
    }
}

bool bus_out_take(struct bus_out *out, uint64_t now, struct slice *entry)
{
    struct bus_kept *kept = out->unsent;
    if (kept == NULL) {
        return false;
    }
    out->resent += kept->sent ? kept->count : 0;
    kept->sent = true;
    kept->replied = false;
    out->unsent = kept->next;
    bus_out_fly(out, true, kept->first, kept->bytes.len, now);
    *entry = (struct slice){(const char *)kept->bytes.data, kept->bytes.len};
    return true;
}

bool bus_out_take_loose(struct bus_out *out, uint64_t now, struct slice *entry)
{
    struct bus_entry header = {.node = out->node,
                               .incarnation = out->incarnation,
                               .lane = out->lane,
                               .lanes = out->lanes,
                               .first = out->serial + 1};
    if (out->loose.len == 0) {
        return false;
    }
    buf_clear(&out->entry);
    int failed = bus_entry_begin(&out->entry, &header);
    failed |= buf_append(&out->entry, out->loose.data, out->loose.len);
    buf_clear(&out->loose);
    if (out->loose.cap > BUS_JOIN) {
        buf_free(&out->loose); /* one large answer must not hold its memory for ever */
    }
    if (failed != 0) {
        return false;
    }
    out->serial++;
    bus_out_fly(out, false, out->serial, out->entry.len, now);
    *entry = (struct slice){(const char *)out->entry.data, out->entry.len};
    return true;
}

static void bus_out_from(struct bus_out *out, struct bus_kept *kept)
{
    bus_out_disregard(out);
    out->unsent = kept;
    out->unconfirmed = kept;
}

void bus_out_resend_unconfirmed(struct bus_out *out)
{
    if (out->unconfirmed != out->unsent) {
        bus_out_from(out, out->unconfirmed);
    }
}

void bus_out_resend(struct bus_out *out)
{
    if (out->head != NULL) {
        bus_out_from(out, out->head);
    }
}

bool bus_out_replied(struct bus_out *out, struct bus_id id)
{
    struct bus_flight flight = bus_out_land(out);
    if (flight.superfluous) {
        return false;
    }
    if (!flight.numbered) {
        return flight.first > out->seen;
    }
    for (struct bus_kept *kept = out->unconfirmed; kept != out->unsent; kept = kept->next) {
        if (kept->first == flight.first) {
            kept->replied = true;
            kept->id = id;
            return true;
        }
    }
    return false;
}

void bus_out_refused(struct bus_out *out)
{
    (void)bus_out_land(out);
    bus_out_disregard(out);
    bus_out_resend_unconfirmed(out);
}

void bus_out_cut(struct bus_out *out)
{
    out->nflights = 0;
    out->flight_bytes = 0;
    buf_clear(&out->loose);
    bus_out_resend_unconfirmed(out);
}

/* ---- what came of it ---- */

enum bus_back bus_out_back(struct bus_out *out, const struct bus_entry *entry)
{
    if (!entry->numbered) {
        if (entry->first <= out->seen) {
            return BUS_BACK_AGAIN;
        }
        out->seen = entry->first;
        return BUS_BACK_NEW;
    }
    struct bus_kept *kept = out->unconfirmed;
    if (kept == NULL || entry->first < kept->first) {
        return BUS_BACK_AGAIN;
    }
    if (entry->first > kept->first) {
        return BUS_BACK_AHEAD;
    }
    kept->after = out->seen;
    if (out->unsent == kept) { /* an earlier copy did it */
        out->unsent = kept->next;
    }
    out->unconfirmed = kept->next;
    return BUS_BACK_NEW;
}

bool bus_out_vanished(const struct bus_out *out, struct bus_id id)
{
    const struct bus_kept *kept = out->unconfirmed;
    return kept != NULL && kept != out->unsent && kept->replied && bus_id_after(id, kept->id);
}

void bus_out_lacks(struct bus_out *out, uint64_t number, uint64_t seen)
{
    struct bus_kept *kept = out->head;
    while (kept != out->unconfirmed && bus_kept_last(kept) <= number) {
        kept = kept->next;
    }
    if (kept != out->unconfirmed && seen > kept->after) {
        bus_out_from(out, kept);
    }
}

void bus_out_release(struct bus_out *out, uint64_t number)
{
    while (out->head != out->unconfirmed && bus_kept_last(out->head) <= number) {
        bus_out_unlink_head(out);
    }
}

bool bus_out_drop(struct bus_out *out, uint64_t now, struct bus_dropped *dropped)
{
    const struct bus_kept *kept = out->head;
    if (kept == NULL || (out->bytes <= out->max_bytes && now - kept->created <= out->window)) {
        return false;
    }
    *dropped = (struct bus_dropped){.from = kept->first,
                                    .to = bus_kept_last(kept),
                                    .broadcasts = kept->broadcasts,
                                    .confirmed = kept != out->unconfirmed};
    bus_out_unlink_head(out);
    return true;
}

uint64_t bus_out_confirmed(const struct bus_out *out)
{
    return (out->unconfirmed != NULL ? out->unconfirmed->first : out->next) - 1;
}

void bus_out_beat(const struct bus_out *out, struct bus_record *beat)
{
    *beat = (struct bus_record){.type = BUS_BEAT,
                                .number = out->next,
                                .broadcasts = out->broadcasts,
                                .base = out->next,
                                .base_broadcasts = out->broadcasts};
    if (out->unsent != NULL) {
        beat->number = out->unsent->first;
        beat->broadcasts = out->unsent->before;
    }
    if (out->head != NULL) {
        beat->base = out->head->first;
        beat->base_broadcasts = out->head->before;
    }
}
