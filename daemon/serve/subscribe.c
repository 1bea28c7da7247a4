#include "serve/subscribe.h"

#include "base/mem.h"
#include "proto/sign.h"
#include "pubsub/wire.h"
#include "serve/say.h"
#include "shared/channel.h"

static void subscribe_refuse(struct conn *conn, struct slice channel, const char *type,
                             const char *error, int status)
{
    struct buf json = wire_json();
    counter_add(conn->loop->counters, COUNTER_SUBSCRIBE_REFUSED, 1);
    session_say(conn, &json, pusher_subscription_error(&json, channel, type, error, status));
}

static void subscribe_over_limit(struct conn *conn, struct slice channel, enum counter limit,
                                 const char *error)
{
    counter_add(conn->loop->counters, limit, 1);
    subscribe_refuse(conn, channel, "LimitReached", error, 403);
}

static bool subscribe_authorised(struct conn *conn, struct app *app,
                                 const struct pusher_message *message)
{
    char room[SOCKET_ID_MAX];
    return message->auth.p != NULL &&
           sign_channel_auth(message->auth, app->key, app->secret, session_socket_id(conn, room),
                             message->channel, message->channel_data);
}

static void subscribe_succeeded(struct conn *conn, struct slice channel)
{
    struct buf json = wire_json();
    session_say(conn, &json, pusher_subscribed(&json, channel));
}

/* Who joins a presence channel: the member in channel_data or, where there is none, the user who
 * has signed in. */
static void subscribe_join(struct conn *conn, const struct app *app,
                           const struct pusher_message *message)
{
    uint64_t max_info = app->settings->max_user_info_size;
    struct pusher_member member;
    bool named = message->channel_data.p != NULL;
    struct slice who = named ? message->channel_data : session_user(conn);
    char *scratch = mem_try_alloc(who.len + 1);
    if (scratch == NULL) {
        conn_doom(conn);
        return;
    }
    if (who.p == NULL || (named ? pusher_member_read(who, scratch, &member)
                                : pusher_user_member_read(who, scratch, &member)) != 0) {
        subscribe_refuse(
            conn, message->channel, "InvalidMember",
            "channel_data must be an object with a user_id, unless the user has signed in", 400);
    } else if (max_info != 0 && member.info_json.len > max_info) {
        subscribe_over_limit(conn, message->channel, COUNTER_LIMIT_USER_INFO,
                             "user_info is too large");
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
    unsigned int type = ff_channel_type(channel.p, channel.len);
    if ((type & FF_CHANNEL_USER) && chan_find(conn, channel) != NULL) {
        /* The sign-in has done it; pusher-js asks for it all the same. */
        subscribe_succeeded(conn, channel);
        return;
    }
    if (!ff_channel_name_valid(channel.p, channel.len, max_name)) {
        if (max_name != 0 && channel.len > max_name) {
            counter_add(conn->loop->counters, COUNTER_LIMIT_CHANNEL_NAME, 1);
        }
        subscribe_refuse(conn, channel, "InvalidChannel", "Channel name is invalid", 400);
        return;
    }
    if ((type & FF_CHANNEL_PRIVATE) && !subscribe_authorised(conn, app, message)) {
        static const char why[] = "Connection is unauthorized";
        session_error(conn, 4009, why);
        subscribe_refuse(conn, channel, "AuthError", why, 401);
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
        subscribe_succeeded(conn, channel);
    } else if ((max_channels != 0 && session_subscriptions(conn) >= max_channels) ||
               session_of(conn)->subscriber.n >= SUBSCRIBER_MAX) {
        subscribe_over_limit(conn, channel, COUNTER_LIMIT_CHANNELS,
                             "Too many channels on this connection");
    } else if (type & FF_CHANNEL_PRESENCE) {
        subscribe_join(conn, app, message);
    } else if (type & FF_CHANNEL_CACHE) {
        static const struct pusher_member nobody;
        if (chan_join(conn, channel, &nobody) != 0) {
            conn_doom(conn);
        }
    } else if (chan_subscribe(conn, channel) != 0) {
        conn_doom(conn);
    } else {
        subscribe_succeeded(conn, channel);
    }
}

void session_unsubscribe(struct conn *conn, const struct pusher_message *message)
{
    struct sub_ref *ref = chan_find(conn, message->channel);
    if (ref != NULL &&
        !(ff_channel_type(message->channel.p, message->channel.len) & FF_CHANNEL_HIDDEN)) {
        chan_unsubscribe(conn, ref);
    }
}
