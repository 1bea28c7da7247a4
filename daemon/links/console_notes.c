#include "links/console_notes.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proto/json.h"
#include "proto/traceparent.h"
#include "pubsub/wire.h"

void console_notes_init(struct console_notes *notes)
{
    *notes = (struct console_notes){.stride = 1};
    buf_init(&notes->json, CONSOLE_NOTES);
}

void console_notes_free(struct console_notes *notes)
{
    buf_free(&notes->json);
}

void console_notes_next(struct console_notes *notes)
{
    uint64_t stride = notes->seen / CONSOLE_SAMPLES;
    notes->stride = stride == 0 ? 1 : (stride > UINT32_MAX ? UINT32_MAX : (uint32_t)stride);
    notes->seen = 0;
    notes->noted = 0;
    buf_clear(&notes->json);
}

/* Whether this one is to be noted. Counts it. */
static bool console_notes_sample(struct console_notes *notes, const struct hub *hub)
{
    if (notes->seen++ % notes->stride != 0 || notes->noted >= CONSOLE_SAMPLES) {
        return false;
    }
    counter_add(hub->loop->counters, COUNTER_CONSOLE_SAMPLED, 1);
    return true;
}

/* An item that does not fit is taken back whole. */
static void console_notes_taken(struct console_notes *notes, size_t before, int failed)
{
    if (failed != 0) {
        notes->json.len = before;
    } else {
        notes->noted++;
    }
}

static int console_notes_text(struct buf *out, const char *key, struct slice text)
{
    return buf_printf(out, ",\"%s\":", key) | json_write_string(out, text.p, text.len);
}

/* Its first bytes, cut between two characters. */
static int console_notes_payload(struct buf *out, struct slice data)
{
    char *room = mem_try_alloc(data.len + 1);
    if (room == NULL) {
        return -1;
    }
    struct slice text = json_type(data) == JSON_STRING ? json_unescape(data, room) : data;
    if (text.len > CONSOLE_PAYLOAD) {
        text.len = CONSOLE_PAYLOAD;
        while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }
    int failed = console_notes_text(out, "data", text);
    mem_free(room);
    return failed;
}

static int console_notes_message(struct buf *out, const struct hub *hub,
                                 const struct broadcast *broadcast, uint32_t here, bool payload)
{
    static const char *const kinds[] = {[BROADCAST_EVENT] = "event",
                                        [BROADCAST_CLIENT] = "client",
                                        [BROADCAST_RELAYED] = "client",
                                        [BROADCAST_SYSTEM] = "system"};
    struct slice json = wire_payload(broadcast->frame), key, value;
    struct slice event = {NULL, 0}, data = {NULL, 0};
    size_t cursor = 0;
    /* The daemon writes the event first, so that a large payload is walked for who asked alone. */
    while ((event.p == NULL || (payload && data.p == NULL)) &&
           json_next(json, &cursor, &key, &value)) {
        if (json_string_is(key, "event")) {
            event = value;
        } else if (json_string_is(key, "data")) {
            data = value;
        }
    }
    int failed = buf_printf(out,
                            "%s{\"at\":%" PRIu64 ",\"kind\":\"%s\",\"here\":%" PRIu32
                            ",\"bytes\":%zu,\"app\":\"%s\"",
                            out->len > 0 ? "," : "", clock_wall_ms(), kinds[broadcast->kind], here,
                            json.len, hub->apps->items[broadcast->app].settings->id);
    failed |= console_notes_text(out, "channel", broadcast->channel);
    if (event.p != NULL) {
        failed |= buf_text(out, ",\"event\":") | buf_append(out, event.p, event.len);
    }
    if (payload && data.p != NULL) {
        failed |= console_notes_payload(out, data);
    }
    if (broadcast->context != NULL) {
        char text[TRACEPARENT_LEN];
        traceparent_write(text, broadcast->context);
        failed |= console_notes_text(out, "traceparent", (struct slice){text, TRACEPARENT_LEN});
    }
    return failed | buf_text(out, "}");
}

static int console_notes_announced(struct buf *out, const struct hub *hub,
                                   const struct announcement *announcement)
{
    static const char *const kinds[ANNOUNCE_KINDS] = {
        [ANNOUNCE_OCCUPIED] = "occupied",   [ANNOUNCE_VACATED] = "vacated",
        [ANNOUNCE_MEMBER_ADDED] = "joined", [ANNOUNCE_MEMBER_REMOVED] = "left",
        [ANNOUNCE_CLIENT_EVENT] = "client", [ANNOUNCE_CACHE_MISS] = "miss",
        [ANNOUNCE_COUNT] = "count",         [ANNOUNCE_OPENED] = "opened",
        [ANNOUNCE_CLOSED] = "closed",       [ANNOUNCE_ONLINE] = "online",
        [ANNOUNCE_OFFLINE] = "offline",
    };
    int failed = buf_printf(out, "%s{\"at\":%" PRIu64 ",\"what\":\"%s\",\"app\":\"%s\"",
                            out->len > 0 ? "," : "", clock_wall_ms(), kinds[announcement->kind],
                            hub->apps->items[announcement->app].settings->id);
    if (announcement->channel.p != NULL) {
        failed |= console_notes_text(out, "channel", announcement->channel);
    }
    if (announcement->user_id.p != NULL) {
        failed |= console_notes_text(out, "user", announcement->user_id);
    }
    if (announcement->sender != NULL) {
        char id[SOCKET_ID_MAX];
        size_t len = socket_id_write(id, announcement->sender);
        failed |= console_notes_text(out, "socket", (struct slice){id, len});
    }
    return failed | buf_text(out, "}");
}

void console_note_message(struct console_notes *notes, const struct hub *hub,
                          const struct broadcast *broadcast, uint32_t here, bool payload)
{
    if (console_notes_sample(notes, hub)) {
        size_t before = notes->json.len;
        console_notes_taken(notes, before,
                            console_notes_message(&notes->json, hub, broadcast, here, payload));
    }
}

void console_note_announcement(struct console_notes *notes, const struct hub *hub,
                               const struct announcement *announcement)
{
    if (console_notes_sample(notes, hub)) {
        size_t before = notes->json.len;
        console_notes_taken(notes, before,
                            console_notes_announced(&notes->json, hub, announcement));
    }
}

int console_notes_write(struct buf *out, const char *key, const struct console_notes *notes)
{
    int failed = buf_printf(out, ",\"%s\":{\"seen\":%" PRIu64 ",\"items\":[", key, notes->seen);
    if (notes->json.len > 0) {
        failed |= buf_append(out, notes->json.data, notes->json.len);
    }
    return failed | buf_text(out, "]}");
}
