#include "serve/user.h"

#include <string.h>

#include "base/mem.h"
#include "proto/sign.h"
#include "pubsub/chan.h"
#include "pubsub/chan_mail.h"
#include "pubsub/watch.h"
#include "pubsub/wire.h"
#include "serve/say.h"
#include "shared/channel.h"

#define USER_CHANNEL_MAX (sizeof(FF_USER_CHANNEL_PREFIX) - 1 + FF_MAX_USER_ID)

static const char user_refused[] = "User authentication failed";

/* The user's own channel. .p == NULL: the id is too long or not text. */
static struct slice user_channel(char *room, struct slice id)
{
    if (!ff_user_id_valid(id.p, id.len)) {
        return (struct slice){NULL, 0};
    }
    char *at = mempcpy(room, FF_USER_CHANNEL_PREFIX, sizeof(FF_USER_CHANNEL_PREFIX) - 1);
    memcpy(at, id.p, id.len);
    return (struct slice){room, sizeof(FF_USER_CHANNEL_PREFIX) - 1 + id.len};
}

/* The user's own channel, on which a sign-in has put the connection. NULL: nobody has signed in. */
static const struct sub_ref *user_signed_in(struct conn *conn)
{
    struct subscriber *subscriber = subscriber_of(conn);
    for (uint16_t i = 0; i < subscriber->n; i++) {
        struct slice name = chan_name(&subscriber->refs[i]);
        if (ff_channel_type(name.p, name.len) & FF_CHANNEL_USER) {
            return &subscriber->refs[i];
        }
    }
    return NULL;
}

struct slice session_user_id(struct conn *conn)
{
    const size_t prefix = sizeof(FF_USER_CHANNEL_PREFIX) - 1;
    const struct sub_ref *ref = session_of(conn)->rare != NULL ? user_signed_in(conn) : NULL;
    if (ref == NULL) {
        return (struct slice){NULL, 0};
    }
    struct slice name = chan_name(ref);
    return (struct slice){name.p + prefix, name.len - prefix};
}

/* The users that this one wants to hear of. */
static void user_watch(struct conn *conn, struct slice user_data)
{
    struct slice list, ids[WATCH_MAX];
    size_t cursor = 0, n = 0, added = 0;
    bool cut = false;
    char *scratch = mem_try_alloc(user_data.len + 1);
    if (scratch == NULL) {
        conn_doom(conn);
        return;
    }
    if (pusher_watchlist_read(user_data, &list) != 0) {
        session_error(conn, 4302, "The watchlist must be an array of user ids");
    } else if (list.p != NULL) {
        char *room = scratch;
        struct slice id;
        while (!cut && pusher_watchlist_next(list, &cursor, room, &id)) {
            if (!ff_user_id_valid(id.p, id.len)) {
                continue; /* nobody has such an id */
            }
            cut = n == WATCH_MAX;
            if (!cut) {
                ids[n++] = id;
                room += id.len;
            }
        }
    }
    if (n > 0 && watch_begin(conn, ids, n, &added) != 0) {
        conn_doom(conn);
    }
    struct session_rare *rare = session_of(conn)->rare; /* NULL: it has ended for lack of memory */
    if (rare != NULL) {
        rare->hidden = (uint8_t)(rare->hidden + added);
    }
    if (cut) {
        counter_add(conn->loop->counters, COUNTER_LIMIT_WATCHLIST, 1);
        session_error(conn, 4302, "Watchlist limit exceeded: only the first 100 users are watched");
    }
    mem_free(scratch);
}

/* Remembers what the sign-in said of the user. -1: no memory. */
static int user_keep(struct session_rare *rare, struct slice user_data)
{
    char *copy = mem_try_alloc(user_data.len);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, user_data.p, user_data.len);
    mem_free(rare->user);
    rare->user = copy;
    rare->user_len = user_data.len;
    return 0;
}

void session_signin(struct conn *conn, struct app *app, const struct pusher_message *message)
{
    char room[USER_CHANNEL_MAX], id_room[SOCKET_ID_MAX];
    struct slice id, channel = {NULL, 0};
    char *scratch = mem_try_alloc(message->user_data.len + 1);
    if (scratch == NULL) {
        conn_doom(conn);
        return;
    }
    if (app->settings->user_authentication &&
        sign_user_auth(message->auth, app->key, app->secret, session_socket_id(conn, id_room),
                       message->user_data) &&
        pusher_user_read(message->user_data, scratch, &id) == 0) {
        channel = user_channel(room, id);
    }
    mem_free(scratch);
    const struct sub_ref *before = user_signed_in(conn);
    if (before != NULL && !slice_equal(chan_name(before), channel)) {
        channel.p = NULL; /* whoever trusts this connection trusts it as the user that it was */
    }
    if (channel.p == NULL) {
        session_close(conn, 4009,
                      app->settings->user_authentication ? user_refused
                                                         : "User authentication is disabled",
                      true);
        return;
    }
    struct session_rare *rare = session_rare(conn);
    if (rare == NULL || user_keep(rare, message->user_data) != 0 ||
        (before == NULL && chan_subscribe(conn, channel) != 0)) {
        conn_doom(conn);
        return;
    }
    watch_end(conn); /* there may be another list this time */
    rare->hidden = 1;
    struct buf json = wire_json();
    session_say(conn, &json, pusher_signed_in(&json, message->user_data));
    if (app->settings->watchlist && conn_live(conn)) {
        user_watch(conn, message->user_data);
    }
}

/* An order to end it passes what waits for this worker; what was published before is its all the
 * same. */
static void user_end(struct conn *conn)
{
    chan_deliver_pending(conn);
    session_close(conn, 4009, "Terminated by the application", true);
}

uint32_t user_terminate(struct worker *worker, uint32_t app, struct slice user_id)
{
    char room[USER_CHANNEL_MAX];
    struct slot_list slots = {0};
    uint32_t n = 0;
    chan_collect(worker, app, user_channel(room, user_id), user_id, &slots);
    for (size_t i = 0; i < slots.count; i++) {
        struct conn *conn = conn_at(worker->loop, slots.items[i]);
        if (conn != NULL) {
            user_end(conn);
            n++;
        }
    }
    mem_free(slots.items);
    return n;
}

uint32_t user_terminate_socket(struct worker *worker, uint32_t app, const struct socket_ref *socket)
{
    struct conn *conn = conn_at(worker->loop, socket->slot);
    if (conn != NULL && conn->kind == KIND_SESSION &&
        subscriber_of(conn)->random == socket->random && subscriber_of(conn)->app == app) {
        user_end(conn);
        return 1;
    }
    return 0;
}
