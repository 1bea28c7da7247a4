#include "serve/subscribe.h"

#include <string.h>

#include "base/mem.h"
#include "proto/sign.h"
#include "pubsub/publish.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

struct slice session_socket_id(struct conn *conn, char *room)
{
    struct socket_ref ref = {.random = session_of(conn)->subscriber.random,
                             .worker = worker_of(conn)->id,
                             .slot = conn->slot};
    return (struct slice){room, socket_id_write(room, &ref)};
}

/* ---- subscribing ---- */

static void refuse(struct conn *conn, struct slice channel, const char *type, const char *error,
                   int status)
{
    struct buf json;
    counter_add(conn->loop->counters, COUNTER_SUBSCRIBE_REFUSED, 1);
    buf_init(&json, WIRE_MAX);
    int written = pusher_subscription_error(&json, channel, type, error, status);
    session_say(conn, written, &json);
}

static void over_limit(struct conn *conn, struct slice channel, enum counter limit,
                       const char *error)
{
    counter_add(conn->loop->counters, limit, 1);
    refuse(conn, channel, "LimitReached", error, 403);
}

static bool authorised(struct conn *conn, struct app *app, const struct pusher_message *message)
{
    char room[SOCKET_ID_MAX];
    return message->auth.p != NULL &&
           sign_channel_auth(message->auth, app->key, app->secret, session_socket_id(conn, room),
                             message->channel, message->channel_data);
}

static void succeeded(struct conn *conn, struct slice channel)
{
    struct buf json;
    buf_init(&json, WIRE_MAX);
    int written = pusher_subscribed(&json, channel);
    session_say(conn, written, &json);
}

static void join(struct conn *conn, const struct app *app, const struct pusher_message *message)
{
    uint64_t max_info = app->settings->max_user_info_size;
    struct pusher_member member;
    char *scratch = mem_try_alloc(message->channel_data.len + 1);
    if (scratch == NULL) {
        conn_doom(conn);
        return;
    }
    if (message->channel_data.p == NULL ||
        pusher_member_read(message->channel_data, scratch, &member) != 0) {
        refuse(conn, message->channel, "InvalidMember",
               "channel_data must be an object with a user_id", 400);
    } else if (max_info != 0 && member.info_json.len > max_info) {
        over_limit(conn, message->channel, COUNTER_LIMIT_USER_INFO, "user_info is too large");
    } else if (chan_join(conn, message->channel, &member) != 0) {
        conn_doom(conn);
    }
    mem_free(scratch);
}

void session_subscribe(struct conn *conn, struct app *app, const struct pusher_message *message)
{
    const struct limits *limits = worker_of(conn)->limits;
    struct slice channel = message->channel;
    uint64_t max_name = app_limit(limits->max_channel_name, app->settings->max_channel_name);
    uint64_t max_channels =
        app_limit(limits->max_channels_per_connection, app->settings->max_channels_per_connection);
    if (!ff_channel_name_valid(channel.p, channel.len, max_name)) {
        if (max_name != 0 && channel.len > max_name) {
            counter_add(conn->loop->counters, COUNTER_LIMIT_CHANNEL_NAME, 1);
        }
        refuse(conn, channel, "InvalidChannel", "Channel name is invalid", 400);
        return;
    }
    unsigned int type = ff_channel_type(channel.p, channel.len);
    if ((type & FF_CHANNEL_PRIVATE) && !authorised(conn, app, message)) {
        static const char why[] = "Connection is unauthorized";
        session_error(conn, 4009, why);
        refuse(conn, channel, "AuthError", why, 401);
        return;
    }
    struct sub_ref *ref = chan_find(conn, channel);
    if (ref != NULL && (type & (FF_CHANNEL_PRESENCE | FF_CHANNEL_CACHE))) {
        if (chan_roster(conn, ref) != 0) {
            conn_doom(conn);
            return;
        }
        conn_wait(conn);
    } else if (ref != NULL) {
        succeeded(conn, channel);
    } else if (max_channels != 0 && (uint64_t)(session_of(conn)->subscriber.n -
                                               session_of(conn)->hidden) >= max_channels) {
        over_limit(conn, channel, COUNTER_LIMIT_CHANNELS, "Too many channels on this connection");
    } else if (type & FF_CHANNEL_PRESENCE) {
        join(conn, app, message);
    } else if (type & FF_CHANNEL_CACHE) {
        static const struct pusher_member nobody;
        if (chan_join(conn, channel, &nobody) != 0) {
            conn_doom(conn);
        }
    } else if (chan_subscribe(conn, channel) != 0) {
        conn_doom(conn);
    } else {
        succeeded(conn, channel);
    }
}

/* ---- client events ---- */

static uint32_t filled(uint32_t left, uint64_t rate, uint32_t elapsed_ms)
{
    uint64_t now = left + elapsed_ms * rate, full = rate * 1000;
    return (uint32_t)(now > full ? full : now);
}

static void fill_rates(struct conn *conn, const struct app *app)
{
    struct session *session = session_of(conn);
    uint32_t now = (uint32_t)conn->loop->now, elapsed = now - session->rate_at;
    session->events_left = filled(session->events_left, app->settings->client_event_rate, elapsed);
    session->messages_left = filled(session->messages_left, app->settings->message_rate, elapsed);
    session->rate_at = now;
}

void session_rates_init(struct conn *conn, const struct app *app)
{
    struct session *session = session_of(conn);
    session->events_left = (uint32_t)(app->settings->client_event_rate * 1000);
    session->messages_left = (uint32_t)(app->settings->message_rate * 1000);
    session->rate_at = (uint32_t)conn->loop->now;
}

static bool take(uint32_t *left)
{
    bool within = *left >= 1000;
    *left -= within ? 1000 : 0;
    return within;
}

bool session_take_message(struct conn *conn, const struct app *app)
{
    if (app->settings->message_rate == 0) {
        return true;
    }
    fill_rates(conn, app);
    return take(&session_of(conn)->messages_left);
}

void session_untake_message(struct conn *conn)
{
    session_of(conn)->messages_left += 1000; /* what is too much goes when it is filled */
}

static bool take_event(struct conn *conn, const struct app *app)
{
    if (app->settings->client_event_rate == 0) {
        return true;
    }
    fill_rates(conn, app);
    return take(&session_of(conn)->events_left);
}

/* NULL: it may be sent. */
static const char *judge_event(struct conn *conn, const struct app *app,
                               const struct pusher_message *message, int *code)
{
    unsigned int type = ff_channel_type(message->channel.p, message->channel.len);
    *code = 4301;
    if (app->settings->client_events == CLIENT_EVENTS_NONE) {
        return "The app does not have client messaging enabled.";
    }
    if (!take_event(conn, app)) {
        counter_add(conn->loop->counters, COUNTER_LIMIT_CLIENT_EVENT_RATE, 1);
        return "Rate limit exceeded";
    }
    if (type & FF_CHANNEL_HIDDEN) {
        return "Client events are not possible on a user's own channel";
    }
    if (type & FF_CHANNEL_ENCRYPTED) {
        return "Client events are not possible on encrypted channels";
    }
    if (!(type & FF_CHANNEL_PRIVATE) && app->settings->client_events != CLIENT_EVENTS_ALL) {
        return "Client events are only possible on private and presence channels";
    }
    uint64_t max = worker_of(conn)->limits->max_event_name;
    if (max != 0 && message->event.len > max) {
        counter_add(conn->loop->counters, COUNTER_LIMIT_EVENT_NAME, 1);
        return "Event name is too long";
    }
    if (chan_find(conn, message->channel) == NULL) {
        *code = 4009;
        return "The client is not a member of the specified channel.";
    }
    return NULL;
}

void session_client_event(struct conn *conn, struct app *app, const struct pusher_message *message)
{
    int code;
    const char *refused = judge_event(conn, app, message, &code);
    if (refused != NULL) {
        counter_add(conn->loop->counters, COUNTER_CLIENT_EVENT_REFUSED, 1);
        session_error(conn, code, refused);
        return;
    }
    struct worker *worker = worker_of(conn);
    struct sub_ref *ref = chan_find(conn, message->channel);
    struct buf json;
    buf_init(&json, WIRE_MAX);
    struct frame *frame = NULL;
    if (pusher_client_event(&json, message->event, message->channel, message->data,
                            chan_user(ref)) == 0) {
        frame = wire_text(&json);
    }
    buf_free(&json);
    if (frame == NULL) {
        conn_doom(conn);
        return;
    }
    struct socket_ref sender = {
        .random = session_of(conn)->subscriber.random, .worker = worker->id, .slot = conn->slot};
    counter_add(conn->loop->counters, COUNTER_PUBLISHED_CLIENT, 1);
    publish_post_client_event(worker->hub, app->index, message->channel, frame, &sender);
}
