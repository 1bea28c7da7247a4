/*
 * The codec of a connection, over a socket pair: the same bytes in one write, and in pieces. The
 * first byte: bit 0 agrees to compress, bits 1 and 2 the largest message, the rest the size of the
 * pieces. The endpoint sends every message back.
 *
 * Holds: what the client hears does not depend on how its bytes were cut; nothing is left when it
 * has gone. Frames of the seeds are masked with zeros.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/input.h"
#include "pubsub/wire.h"
#include "pubsub/worker_mail.h"
#include "web/ws_conn.h"
#include "shared/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct limits limits;
    struct app_registry registry;
    struct counters counters;
    struct loop loop;
    struct mailbox hub;
    struct flow flow;
    struct worker worker;
    size_t max;
} rig;

struct peer {
    struct ws_part *part;
};

static struct ws_part **peer_part(struct conn *conn)
{
    return &((struct peer *)conn->state)->part;
}

static size_t peer_max(struct conn *conn)
{
    (void)conn;
    return rig.max;
}

static bool peer_message(struct conn *conn, bool binary, const uint8_t *bytes, size_t len)
{
    check(len <= rig.max);
    check(binary || ff_utf8_valid((const char *)bytes, len));
    worker_send(conn,
                wire_frame(binary ? WS_BINARY : WS_TEXT, (struct slice){(const char *)bytes, len},
                           (struct slice){NULL, 0}));
    return true;
}

static struct deflater *deflater_of(struct conn *conn)
{
    return worker_of(conn)->deflater;
}

static const struct ws_endpoint endpoint = {
    .part = peer_part,
    .max_message = peer_max,
    .message = peer_message,
    .deflater = deflater_of,
    .binary = true,
};

static size_t peer_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    return ws_conn_input(conn, &endpoint, bytes, len);
}

static void peer_leave(struct conn *conn)
{
    ws_part_drop(peer_part(conn));
}

static struct conn_handler handler = {
    .input = peer_input, .leave = peer_leave, .max_input = 1 << 16, .client = true};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct loop_limits limits = {0};
    app_registry_init(&rig.registry);
    struct apps *apps = apps_new(&rig.registry, NULL, 0, &rig.limits);
    check(loop_init(&rig.loop, &rig.counters, &limits) == 0);
    check(mailbox_init(&rig.hub) == 0 && mailbox_init(&rig.worker.box) == 0);
    loop_handler(&rig.loop, KIND_SESSION, &handler);
    rig.flow.hub = &rig.hub;
    rig.flow.nworkers = 1;
    worker_init(&rig.worker, 0, &rig.loop, &rig.flow, apps, NULL);
    apps_unref(apps);
    return 0;
}

/* All that the client hears. */
static size_t converse(const uint8_t *data, size_t size, size_t step, bool deflate, uint8_t *out,
                       size_t room)
{
    int pair[2];
    size_t heard = 0, at = 0;
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    struct conn *conn = conn_new(&rig.loop, pair[1], KIND_SESSION, IDLE_NONE);
    check(conn != NULL);
    conn_set_form(conn, deflate ? FRAME_FORMS - 1 : 0);
    while (at < size) {
        size_t n = size - at < step ? size - at : step;
        ssize_t sent = send(pair[0], data + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        at = sent > 0 ? at + (size_t)sent : size;
        loop_turn(&rig.loop);
        ssize_t got = recv(pair[0], out + heard, room - heard, MSG_DONTWAIT);
        heard += got > 0 ? (size_t)got : 0;
    }
    for (int i = 0; i < 4; i++) {
        loop_turn(&rig.loop);
        ssize_t got = recv(pair[0], out + heard, room - heard, MSG_DONTWAIT);
        heard += got > 0 ? (size_t)got : 0;
    }
    check(heard < room);
    close(pair[0]);
    for (int i = 0; i < 4; i++) {
        loop_turn(&rig.loop);
    }
    check(rig.loop.connections == 0 && rig.loop.queued_bytes == 0);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[1 << 20], pieces[1 << 20];
    if (size < 2 || size > 1200) {
        return 0;
    }
    bool deflate = data[0] & 1;
    rig.max = (size_t)16 << (data[0] >> 1 & 3) * 2;
    size_t step = 1 + (data[0] >> 3);
    size_t a = converse(data + 1, size - 1, size, deflate, whole, sizeof(whole));
    size_t b = converse(data + 1, size - 1, step, deflate, pieces, sizeof(pieces));
    check(a == b && memcmp(whole, pieces, a) == 0);
    return 0;
}
