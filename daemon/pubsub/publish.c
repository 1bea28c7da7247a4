#include "pubsub/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "proto/pusher.h"
#include "pubsub/broadcast.h"
#include "pubsub/show.h"
#include "pubsub/trace.h"
#include "pubsub/wire.h"
#include "shared/channel.h"
#include "shared/hex.h"
#include "shared/utf8.h"

/* For a message to the sender: a name that is printable, cut where it is long. */
#define SHOWN 64

static enum publish_fault publish_bad_channel(uint64_t max, struct ff_slice name, char *why,
                                              size_t size)
{
    if (max != 0 && name.len > max) {
        snprintf(why, size, "channel name is longer than %" PRIu64 " bytes (max_channel_name)",
                 max);
        return PUBLISH_LONG_CHANNEL;
    }
    if (name.len == 0) {
        snprintf(why, size, "channel name is empty");
    } else if (ff_utf8_valid(name.p, name.len) && name.len <= SHOWN) {
        snprintf(why, size, "channel name \"%.*s\" is invalid: letters, digits and _-=@,.; only",
                 (int)name.len, name.p);
    } else {
        snprintf(why, size, "channel name is invalid: letters, digits and _-=@,.; only");
    }
    return PUBLISH_BAD_CHANNEL;
}

enum publish_fault publish_check(const struct limits *limits, const struct app *app,
                                 const struct publish *publish, char *why, size_t size)
{
    uint64_t max_name = app_limit(limits->max_channel_name, app->settings->max_channel_name);
    uint64_t max_size = app_limit(limits->max_event_size, app->settings->max_event_size);
    if (publish->nchannels == 0) {
        snprintf(why, size, "no channel is named");
        return PUBLISH_BAD_CHANNEL;
    }
    for (uint32_t i = 0; i < publish->nchannels; i++) {
        struct ff_slice name = publish->channels[i];
        if (!ff_channel_publishable(name.p, name.len, max_name)) {
            return publish_bad_channel(max_name, name, why, size);
        }
    }
    struct slice event = publish->event;
    if (!ff_event_name_valid(event.p, event.len, limits->max_event_name)) {
        snprintf(why, size, "event name must be 1 to %" PRIu64 " bytes of UTF-8 (max_event_name)",
                 limits->max_event_name);
        return limits->max_event_name != 0 && event.len > limits->max_event_name
                   ? PUBLISH_LONG_EVENT
                   : PUBLISH_BAD_EVENT;
    }
    if (ff_event_name_reserved(event.p, event.len)) {
        snprintf(why, size, "event names that start with pusher: or pusher_internal: are reserved");
        return PUBLISH_BAD_EVENT;
    }
    if (max_size != 0 && publish->data.len > max_size) {
        snprintf(why, size, "payload has %zu bytes, the limit is %" PRIu64 " (max_event_size)",
                 publish->data.len, max_size);
        return PUBLISH_TOO_LARGE;
    }
    if (!ff_utf8_valid(publish->data.p, publish->data.len)) {
        snprintf(why, size, "payload is not valid UTF-8");
        return PUBLISH_BAD_PAYLOAD;
    }
    if (publish->except.p != NULL && !ff_socket_id_valid(publish->except.p, publish->except.len)) {
        snprintf(why, size, "the excluded socket id must be digits, a dot and digits");
        return PUBLISH_BAD_EXCEPT;
    }
    return PUBLISH_FINE;
}

void publish_count_fault(struct counters *counters, enum publish_fault fault)
{
    switch (fault) {
    case PUBLISH_LONG_CHANNEL:
        counter_add(counters, COUNTER_LIMIT_CHANNEL_NAME, 1);
        break;
    case PUBLISH_LONG_EVENT:
        counter_add(counters, COUNTER_LIMIT_EVENT_NAME, 1);
        break;
    case PUBLISH_TOO_LARGE:
        counter_add(counters, COUNTER_LIMIT_EVENT_SIZE, 1);
        break;
    case PUBLISH_FINE:
    case PUBLISH_BAD_CHANNEL:
    case PUBLISH_BAD_EVENT:
    case PUBLISH_BAD_PAYLOAD:
    case PUBLISH_BAD_EXCEPT:
        break;
    }
}

static void publish_name_of(const void *value, const char **key, size_t *len)
{
    const struct ff_slice *channel = value;
    *key = channel->p;
    *len = channel->len;
}

/* Whether this publish has named the channel before. Those that are known here remember it
 * themselves; `others` is for those that may be known elsewhere. */
static bool publish_again(const struct publish *publish, const struct ff_slice *channel,
                          const struct broadcast *broadcast, struct strmap *others, uint64_t id)
{
    struct dirent *entry = broadcast->entry;
    if (entry != NULL) {
        bool again = entry->last_publish == id;
        entry->last_publish = id;
        return again;
    }
    if (publish->nchannels == 1) {
        return false;
    }
    if (strmap_get_hashed(others, broadcast->hash, channel->p, channel->len) != NULL) {
        return true;
    }
    strmap_put_hashed(others, broadcast->hash, (void *)(uintptr_t)channel);
    return false;
}

/* To one of its channels. *head holds the event once it was needed. -1: no memory. */
static int publish_to(struct hub *hub, const struct publish *publish, struct broadcast *broadcast,
                      struct buf *head, struct receipt *receipt)
{
    if (head->len == 0 && pusher_event_head(head, publish->event, publish->data) != 0) {
        return -1;
    }
    struct buf tail;
    buf_init(&tail, WIRE_MAX);
    broadcast->frame = NULL;
    if (pusher_event_tail(&tail, broadcast->channel) == 0) {
        broadcast->frame = wire_frame(WS_TEXT, (struct slice){(const char *)head->data, head->len},
                                      (struct slice){(const char *)tail.data, tail.len});
    }
    buf_free(&tail);
    if (broadcast->frame == NULL) {
        return -1;
    }
    receipt->recipients += broadcast_send(hub, broadcast);
    hub->loop->admitted += broadcast->frame->len;
    frame_unref(broadcast->frame);
    return 0;
}

static bool publish_traced(struct trace *trace, struct hub *hub, const struct app *app,
                           const struct publish *publish, const struct traceparent *parent)
{
    const struct trace_origin origin = {
        .app = app->settings->id,
        .channel = {publish->channels[0].p, publish->channels[0].len},
        .event = publish->event,
        .parent = parent,
        .since_ns = publish->since_ns,
        .channels = publish->nchannels,
        .http = publish->http,
    };
    return trace_begin(trace, hub, &origin);
}

/* Which message it is that a trace tells of; and, for who looks for the reason, that there is none.
 */
static bool publish_read_trace(struct hub *hub, const struct app *app,
                               const struct publish *publish, uint64_t id,
                               struct traceparent *parent)
{
    char text[TRACEPARENT_LEN], name[PUBLISH_ID_MAX];
    if (!traceparent_read(publish->trace, parent)) {
        counter_add(hub->loop->counters, COUNTER_TRACEPARENT_INVALID, 1);
        log_limited_with(LOG_LEVEL_DEBUG, "trace", LOG_FIELDS(.app = app->settings->id),
                         "a publish of application %s has a traceparent that is none",
                         app->settings->id);
        return false;
    }
    if (log_enabled(LOG_LEVEL_DEBUG)) {
        size_t len = publish_id(hub, id, name);
        traceparent_write(text, parent);
        log_with(LOG_LEVEL_DEBUG, "trace",
                 LOG_FIELDS(.app = app->settings->id, .trace = text + TRACEPARENT_AT_TRACE,
                            .trace_len = 2 * TRACE_ID),
                 "message %.*s of application %s: traceparent %.*s", (int)len, name,
                 app->settings->id, (int)TRACEPARENT_LEN, text);
    }
    return true;
}

int publish_broadcast(struct hub *hub, const struct app *app, const struct publish *publish,
                      struct receipt *receipt)
{
    struct buf head;
    struct broadcast broadcast = {
        .kind = BROADCAST_EVENT, .app = app->index, .since_ns = publish->since_ns};
    int result = 0;
    *receipt = (struct receipt){.id = ++hub->publishes};
    struct trace trace;
    struct traceparent context;
    if (publish->trace.p != NULL && publish_read_trace(hub, app, publish, receipt->id, &context)) {
        broadcast.context = &context;
    }
    if (__builtin_expect(hub->flow->tracer != NULL, 0) &&
        publish_traced(&trace, hub, app, publish, broadcast.context)) {
        trace_context(&trace, &context);
        broadcast.context = &context;
        broadcast.trace = &trace;
    }
    struct show_publish shown = {.app = NULL};
    if (log_messages()) {
        shown = (struct show_publish){.app = app->settings->id,
                                      .channel = {publish->channels[0].p, publish->channels[0].len},
                                      .event = publish->event,
                                      .data = publish->data,
                                      .others = publish->nchannels - 1,
                                      .trace = publish->trace};
        show_publish(&shown);
    }
    socket_id_read(publish->except, &broadcast.except);
    struct strmap others;
    buf_init(&head, WIRE_MAX);
    strmap_init(&others, publish_name_of);
    for (uint32_t i = 0; i < publish->nchannels && result == 0; i++) {
        const struct ff_slice *channel = &publish->channels[i];
        broadcast.channel = (struct slice){channel->p, channel->len};
        broadcast_find(hub, &broadcast);
        if (broadcast_wanted(hub, &broadcast) &&
            !publish_again(publish, channel, &broadcast, &others, receipt->id)) {
            result = publish_to(hub, publish, &broadcast, &head, receipt);
        }
    }
    strmap_free(&others);
    buf_free(&head);
    if (broadcast.trace != NULL) {
        char id[PUBLISH_ID_MAX];
        trace_ordered(&trace, id, publish_id(hub, receipt->id, id), receipt->recipients);
    }
    if (shown.app != NULL && result == 0 && receipt->recipients == 0) {
        show_nobody(&shown);
    }
    return result;
}

void publish_client_event(struct hub *hub, const struct mail_publish *mail)
{
    struct broadcast broadcast = {.kind = BROADCAST_CLIENT,
                                  .app = mail->channel.app,
                                  .channel = {mail->name, mail->channel.len},
                                  .frame = mail->frame,
                                  .except = mail->except,
                                  .since_ns = mail->since_ns};
    broadcast_find(hub, &broadcast);
    broadcast_send(hub, &broadcast);
}

void publish_post_client_event(struct mailbox *hub, uint32_t app, struct slice channel,
                               uint64_t receivers, struct frame *frame,
                               const struct socket_ref *sender, uint64_t since_ns)
{
    struct mail_publish *mail = mem_alloc(sizeof(*mail) + channel.len);
    *mail = (struct mail_publish){
        .mail = {.type = MAIL_PUBLISH,
                 .weight =
                     flow_weight(sizeof(*mail) + channel.len + frame->len, frame->len, receivers)},
        .frame = frame,
        .except = *sender,
        .since_ns = since_ns,
        .channel = {.app = app,
                    .hash = strmap_hash(channel.p, channel.len),
                    .len = (uint32_t)channel.len},
    };
    memcpy(mail->name, channel.p, channel.len);
    mailbox_post(hub, &mail->mail);
}

/* Written by hand: it is a tenth of what a publish costs when snprintf does it. */
size_t publish_id(const struct hub *hub, uint64_t id, char out[PUBLISH_ID_MAX])
{
    char digits[20];
    size_t n = 0, at = 0;
    for (int shift = 28; shift >= 0; shift -= 4) {
        out[at++] = ff_hex_digit(hub->node >> shift);
    }
    out[at++] = '-';
    do {
        digits[n++] = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    while (n > 0) {
        out[at++] = digits[--n];
    }
    return at;
}
