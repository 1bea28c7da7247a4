#include "serve/client_event.h"

#include "net/latency.h"
#include "pubsub/publish.h"
#include "pubsub/wire.h"
#include "serve/say.h"
#include "shared/channel.h"

/* ---- rates ---- */

static uint32_t client_event_filled(uint32_t left, uint64_t rate, uint32_t elapsed_ms)
{
    uint64_t now = left + elapsed_ms * rate, full = rate * 1000;
    return (uint32_t)(now > full ? full : now);
}

static void client_event_fill(struct conn *conn, const struct app *app)
{
    struct session *session = session_of(conn);
    uint32_t now = (uint32_t)conn->loop->now, elapsed = now - session->rate_at;
    session->events_left =
        client_event_filled(session->events_left, app->settings->client_event_rate, elapsed);
    if (session->rare != NULL) {
        session->rare->messages_left =
            client_event_filled(session->rare->messages_left, app->settings->message_rate, elapsed);
    }
    session->rate_at = now;
}

int session_rates_init(struct conn *conn, const struct app *app)
{
    struct session *session = session_of(conn);
    session->events_left = (uint32_t)(app->settings->client_event_rate * 1000);
    session->rate_at = (uint32_t)conn->loop->now;
    if (app->settings->message_rate == 0) {
        return 0;
    }
    struct session_rare *rare = session_rare(conn);
    if (rare == NULL) {
        return -1;
    }
    rare->messages_left = (uint32_t)(app->settings->message_rate * 1000);
    return 0;
}

static bool client_event_take(uint32_t *left)
{
    bool within = *left >= 1000;
    *left -= within ? 1000 : 0;
    return within;
}

bool session_take_message(struct conn *conn, const struct app *app)
{
    struct session *session = session_of(conn);
    if (app->settings->message_rate == 0) {
        return true;
    }
    bool first = session->rare == NULL; /* the rate was set by a reload, or it has signed in */
    struct session_rare *rare = session_rare(conn);
    if (rare == NULL) {
        return true; /* no memory to count in */
    }
    if (first) {
        rare->messages_left = (uint32_t)(app->settings->message_rate * 1000);
    }
    client_event_fill(conn, app);
    return client_event_take(&rare->messages_left);
}

void session_untake_message(struct conn *conn)
{
    struct session *session = session_of(conn);
    if (session->rare != NULL) {
        session->rare->messages_left += 1000; /* what is too much goes when it is filled */
    }
}

static bool client_event_rate(struct conn *conn, const struct app *app)
{
    if (app->settings->client_event_rate == 0) {
        return true;
    }
    client_event_fill(conn, app);
    return client_event_take(&session_of(conn)->events_left);
}

/* ---- client events ---- */

/* NULL: it may be sent. */
static const char *client_event_judge(struct conn *conn, const struct app *app,
                                      const struct pusher_message *message, int *code)
{
    unsigned int type = ff_channel_type(message->channel.p, message->channel.len);
    *code = 4301;
    if (app->settings->client_events == CLIENT_EVENTS_NONE) {
        return "The app does not have client messaging enabled.";
    }
    if (!client_event_rate(conn, app)) {
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
    const char *refused = client_event_judge(conn, app, message, &code);
    if (refused != NULL) {
        counter_add(conn->loop->counters, COUNTER_CLIENT_EVENT_REFUSED, 1);
        session_error(conn, code, refused);
        return;
    }
    struct worker *worker = worker_of(conn);
    struct sub_ref *ref = chan_find(conn, message->channel);
    struct buf json = wire_json();
    struct frame *frame =
        wire_message(&json, pusher_client_event(&json, message->event, message->channel,
                                                message->data, chan_user(ref)));
    if (frame == NULL) {
        conn_doom(conn);
        return;
    }
    struct socket_ref sender = {
        .random = session_of(conn)->subscriber.random, .worker = worker->id, .slot = conn->slot};
    counter_add(conn->loop->counters, COUNTER_PUBLISHED_CLIENT, 1);
    publish_post_client_event(worker->flow->hub, app->index, message->channel,
                              chan_receivers(ref, worker), frame, &sender,
                              latency_turn(conn->loop));
}
