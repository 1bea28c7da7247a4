#include "serve/sockets.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/input.h"
#include "net/outq.h"
#include "net/slots.h"
#include "serve/session_state.h"
#include "shared/channel.h"
#include "web/http_conn.h"

/* Bytes of one letter: each connection with the longest user id and address. */
#define SOCKETS_BYTES (SOCKETS_LIST * (sizeof(struct mail_socket) + FF_MAX_USER_ID + ADDRESS_TEXT))

/* ---- remembering ---- */

void sockets_opened(struct conn *conn, const struct http_request *request)
{
    const struct networks *proxies = worker_of(conn)->proxies;
    struct address peer, client;
    conn->opened = (uint32_t)(clock_wall_ms() / 1000);
    struct address *place = slots_client(conn->loop, conn->slot, false);
    if (place != NULL) {
        memset(place, 0, sizeof(*place)); /* whoever had the slot before */
    }
    if (!http_conn_of(conn)->named && (proxies == NULL || proxies->count == 0)) {
        return;
    }
    if (http_client(conn, request, proxies, &client) &&
        !(conn_peer(conn, &peer) && address_equal(&peer, &client))) {
        place = slots_client(conn->loop, conn->slot, true);
        if (place != NULL) {
            *place = client; /* without memory it is shown with its proxy's address */
        }
    }
}

bool sockets_address(const struct conn *conn, struct address *out)
{
    static const struct address nobody;
    const struct address *place = slots_client(conn->loop, conn->slot, false);
    if (place != NULL && !address_equal(place, &nobody)) {
        *out = *place;
        return true;
    }
    return conn_peer(conn, out);
}

/* ---- listing ---- */

/* Who has signed in, else whom a presence channel knows it as. Takes what it looks at off *looks.
 * .p == NULL: nobody has said. */
static struct slice sockets_user(struct conn *conn, uint32_t *looks)
{
    const struct subscriber *subscriber = subscriber_of(conn);
    static const size_t prefix = sizeof(FF_USER_CHANNEL_PREFIX) - 1;
    struct slice user = {NULL, 0};
    for (uint16_t i = 0; i<subscriber->n && * looks> 0; i++) {
        struct slice name = chan_name(&subscriber->refs[i]);
        --*looks;
        if (ff_channel_type(name.p, name.len) & FF_CHANNEL_USER) {
            return (struct slice){name.p + prefix, name.len - prefix};
        }
        if (user.p == NULL) {
            user = chan_user(&subscriber->refs[i]);
            if (user.p != NULL && session_user(conn).p == NULL) {
                break; /* nobody has signed in, so nothing better comes */
            }
        }
    }
    return user;
}

/* -1: there is no room left. */
static int sockets_add(struct worker *worker, struct conn *conn, struct buf *out, uint32_t *looks)
{
    struct slice user = sockets_user(conn, looks);
    struct address address;
    size_t unread = conn_queued(conn);
    char text[ADDRESS_TEXT] = "";
    if (sockets_address(conn, &address)) {
        address_print(&address, text);
    }
    if (user.len > FF_MAX_USER_ID) {
        user = (struct slice){NULL, 0};
    }
    struct mail_socket socket = {
        .ref = {.random = subscriber_of(conn)->random, .worker = worker->id, .slot = conn->slot},
        .opened = conn->opened,
        .subscriptions = session_subscriptions(conn),
        .unread = (uint32_t)(unread < UINT32_MAX ? unread : UINT32_MAX),
        .user_len = (uint8_t)user.len,
        .address_len = (uint8_t)strlen(text)};
    size_t before = out->len;
    if (buf_append(out, &socket, sizeof(socket)) != 0 ||
        (user.len > 0 && buf_append(out, user.p, user.len) != 0) ||
        buf_append(out, text, socket.address_len) != 0) {
        out->len = before;
        return -1;
    }
    return 0;
}

static bool sockets_listed(const struct conn *conn, uint32_t app)
{
    if (!(conn->flags & CONN_OPEN) || !conn_live(conn) || conn->kind != KIND_SESSION) {
        return false;
    }
    const struct subscriber *subscriber = (const struct subscriber *)conn->state;
    return subscriber->app == app && (subscriber->flags & SESSION_ADMITTED);
}

void sockets_list(struct worker *worker, const struct mail_list_sockets *mail)
{
    struct loop *loop = worker->loop;
    uint64_t end = (uint64_t)loop->nchunks * LOOP_CHUNK, slot = mail->first;
    uint32_t looks = SOCKETS_LOOK, n = 0;
    uint32_t most = mail->limit < SOCKETS_LIST ? mail->limit : SOCKETS_LIST;
    struct buf out;
    buf_init(&out, SOCKETS_BYTES);
    for (; slot < end && looks > 0 && n<most; slot++, looks -= looks> 0 ? 1 : 0) {
        struct conn *conn = slots_at(loop, (uint32_t)slot);
        if (conn == NULL || !sockets_listed(conn, mail->app)) {
            continue;
        }
        if (sockets_add(worker, conn, &out, &looks) != 0) {
            break;
        }
        n++;
    }
    struct mail_sockets *answer = mem_alloc(sizeof(*answer) + out.len);
    *answer = (struct mail_sockets){
        .mail = {.type = MAIL_SOCKETS, .weight = flow_mail(sizeof(*answer) + out.len)},
        .question = mail->question,
        .worker = worker->id,
        .n = n,
        .len = (uint32_t)out.len,
        .next = (uint32_t)slot,
        .more = slot < end,
    };
    if (out.len > 0) {
        memcpy(answer->bytes, out.data, out.len);
    }
    buf_free(&out);
    mailbox_post_urgent(worker->flow->hub, &answer->mail);
}
