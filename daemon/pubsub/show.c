#include "pubsub/show.h"

#include <stdio.h>

#include "base/log.h"
#include "proto/traceparent.h"
#include "pubsub/wire.h"

static struct log_text show_cut(struct slice text)
{
    return log_cut(text.p, text.len);
}

void show_frame(const struct socket_ref *to, const struct frame *frame)
{
    char id[SOCKET_ID_MAX];
    size_t len = socket_id_write(id, to);
    struct log_text text = show_cut(wire_payload(frame));
    log_with(LOG_LEVEL_INFO, "message", LOG_FIELDS(.socket = id, .socket_len = len),
             "to %.*s: " LOG_TEXT, (int)len, id, LOG_ARGS(text));
}

static const char *show_others(const struct show_publish *publish, char room[32])
{
    room[0] = '\0';
    if (publish->others > 0) {
        snprintf(room, 32, " and %u more", publish->others);
    }
    return room;
}

void show_publish(const struct show_publish *publish)
{
    struct log_text name = show_cut(publish->channel), event = show_cut(publish->event),
                    data = show_cut(publish->data);
    struct traceparent parent;
    char trace[TRACEPARENT_LEN + 1] = "";
    bool traced = traceparent_read(publish->trace, &parent);
    if (traced) {
        traceparent_write(trace, &parent);
    }
    char room[32];
    log_with(LOG_LEVEL_INFO, "message",
             LOG_FIELDS(.app = publish->app, .trace = traced ? trace + TRACEPARENT_AT_TRACE : NULL,
                        .trace_len = traced ? 2 * TRACE_ID : 0),
             "application %s publishes " LOG_TEXT " to " LOG_TEXT "%s%s%s%s: " LOG_TEXT,
             publish->app, LOG_ARGS(event), LOG_ARGS(name), show_others(publish, room),
             traced ? " (traceparent " : "", traced ? trace : "", traced ? ")" : "",
             LOG_ARGS(data));
}

void show_nobody(const struct show_publish *publish)
{
    struct log_text name = show_cut(publish->channel);
    char room[32];
    log_with(LOG_LEVEL_INFO, "message", LOG_FIELDS(.app = publish->app),
             "nobody here is subscribed to " LOG_TEXT "%s", LOG_ARGS(name),
             show_others(publish, room));
}

void show_broadcast(struct slice channel, uint32_t n, const struct frame *frame)
{
    struct log_text name = show_cut(channel), text = show_cut(wire_payload(frame));
    log_info("message", "to " LOG_TEXT " (%u): " LOG_TEXT, LOG_ARGS(name), n, LOG_ARGS(text));
}
