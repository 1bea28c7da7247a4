/*
 * Fuzz target: a stream of IPC bytes as a peer sends them, frame by frame, through the prefix, the
 * walk and the unpacker.
 *
 * Held to: what the walk refuses is not unpacked; what it takes is one whole value to msgpack-c
 * too; every view lies inside the input; a publish, a batch, a query or a list that was understood
 * is understood as the same when packed again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/channel.h"
#include "shared/ipc_pack.h"
#include "shared/ipc_unpack.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void in_bounds(struct ff_slice slice, const uint8_t *bytes, size_t len)
{
    if (slice.len == 0) {
        return;
    }
    require(slice.p != NULL);
    const uint8_t *p = (const uint8_t *)slice.p;
    require(p >= bytes && p + slice.len <= bytes + len);
}

static bool same(struct ff_slice a, struct ff_slice b)
{
    return (a.p == NULL) == (b.p == NULL) && a.len == b.len &&
           (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static void same_message(const struct ff_ipc_message *a, const struct ff_ipc_message *b)
{
    require(a->nchannels == b->nchannels);
    for (uint32_t i = 0; i < a->nchannels; i++) {
        require(same(a->channels[i], b->channels[i]));
    }
    require(same(a->event, b->event) && same(a->except, b->except) && same(a->key, b->key) &&
            same(a->data, b->data));
}

static void check_messages(const struct ff_ipc_frame *frame, const uint8_t *bytes, size_t len)
{
    require(frame->nmessages <= FF_IPC_MAX_CHANNELS);
    for (uint32_t i = 0; i < frame->nmessages; i++) {
        const struct ff_ipc_message *m = &frame->messages[i];
        require(m->nchannels <= FF_IPC_MAX_CHANNELS && m->key.len <= FF_IPC_MAX_KEY);
        for (uint32_t c = 0; c < m->nchannels; c++) {
            in_bounds(m->channels[c], bytes, len);
            bool valid = ff_channel_name_valid(m->channels[c].p, m->channels[c].len, 200);
            bool publishable = ff_channel_publishable(m->channels[c].p, m->channels[c].len, 200);
            require(!valid || publishable);
            require(!publishable || ff_utf8_valid(m->channels[c].p, m->channels[c].len));
        }
        in_bounds(m->event, bytes, len);
        in_bounds(m->except, bytes, len);
        in_bounds(m->key, bytes, len);
        in_bounds(m->data, bytes, len);
        (void)ff_utf8_valid(m->data.p, m->data.len);
        (void)ff_event_name_reserved(m->event.p, m->event.len);
        if (m->except.p != NULL) {
            (void)ff_socket_id_valid(m->except.p, m->except.len);
        }
    }
}

static void pack_again(const struct ff_ipc_frame *frame)
{
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    struct ff_ipc_frame again;
    const char *why = NULL;
    size_t mark;

    msgpack_sbuffer_init(&out);
    ff_ipc_unpacker_init(&unpacker);
    size_t ack_at;
    if (frame->type == FF_IPC_PUBLISH || frame->type == FF_IPC_CLUSTER_PUBLISH) {
        const struct ff_ipc_message *m = &frame->messages[0];
        if (frame->type == FF_IPC_PUBLISH) {
            require(ff_ipc_pack_publish_head(&out, frame->seq, m) == 0);
        } else {
            require(ff_ipc_pack_cluster_publish_head(&out, frame->seq, frame->ack_ms, m, &ack_at) ==
                    0);
        }
        if (m->data.len != 0) {
            require(msgpack_sbuffer_write(&out, m->data.p, m->data.len) == 0);
        }
    } else {
        if (frame->type == FF_IPC_BATCH) {
            require(ff_ipc_pack_batch_begin(&out, frame->seq, frame->nmessages, &mark) == 0);
        } else {
            require(ff_ipc_pack_cluster_batch_begin(&out, frame->seq, frame->ack_ms,
                                                    frame->nmessages, &mark, &ack_at) == 0);
        }
        for (uint32_t i = 0; i < frame->nmessages; i++) {
            require(ff_ipc_pack_batch_add(&out, mark, &frame->messages[i]) == 0);
        }
        require(ff_ipc_pack_batch_end(&out, mark) == 0);
    }
    const uint8_t *bytes = (const uint8_t *)out.data;
    require(ff_ipc_frame_len(bytes, out.size) == (int64_t)(out.size - FF_IPC_HEADER));
    require(ff_ipc_unpack(&unpacker, bytes + FF_IPC_HEADER, out.size - FF_IPC_HEADER, &again,
                          &why) == 0);
    require(again.type == frame->type && again.seq == frame->seq &&
            again.nmessages == frame->nmessages && again.ack_ms == frame->ack_ms);
    for (uint32_t i = 0; i < frame->nmessages; i++) {
        same_message(&frame->messages[i], &again.messages[i]);
    }
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
}

/* Unpacks the one frame in `out` anew. */
static void again(struct ff_ipc_unpacker *unpacker, const msgpack_sbuffer *out,
                  const struct ff_ipc_frame *frame, struct ff_ipc_frame *result)
{
    const uint8_t *bytes = (const uint8_t *)out->data;
    const char *why = NULL;
    require(ff_ipc_frame_len(bytes, out->size) == (int64_t)(out->size - FF_IPC_HEADER));
    require(ff_ipc_unpack(unpacker, bytes + FF_IPC_HEADER, out->size - FF_IPC_HEADER, result,
                          &why) == 0);
    require(result->type == frame->type && result->seq == frame->seq);
}

static void query_again(const struct ff_ipc_frame *frame)
{
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    struct ff_ipc_frame result;

    msgpack_sbuffer_init(&out);
    ff_ipc_unpacker_init(&unpacker);
    if (frame->type == FF_IPC_CHANNELS || frame->type == FF_IPC_CHANNEL) {
        require(ff_ipc_pack_query(&out, frame->type, frame->seq, frame->name, frame->wanted) == 0);
    } else {
        require(ff_ipc_pack_named(&out, frame->type, frame->seq, frame->name) == 0);
    }
    again(&unpacker, &out, frame, &result);
    require(same(result.name, frame->name) && result.wanted == frame->wanted);
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
}

static void sockets_again(const struct ff_ipc_frame *frame)
{
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    struct ff_ipc_frame result;

    msgpack_sbuffer_init(&out);
    ff_ipc_unpacker_init(&unpacker);
    if (frame->type == FF_IPC_SOCKETS) {
        require(ff_ipc_pack_sockets(&out, frame->seq, frame->name, frame->count) == 0);
    } else {
        require(ff_ipc_pack_sockets_reply(&out, frame->seq, frame->sockets, frame->nsockets,
                                          frame->name, frame->partial) == 0);
    }
    again(&unpacker, &out, frame, &result);
    require(same(result.name, frame->name) && result.count == frame->count &&
            result.nsockets == frame->nsockets && result.partial == frame->partial);
    for (uint32_t i = 0; i < frame->nsockets; i++) {
        const struct ff_ipc_socket *a = &frame->sockets[i], *b = &result.sockets[i];
        require(same(a->socket_id, b->socket_id) && same(a->user_id, b->user_id) &&
                same(a->address, b->address) && a->opened_ms == b->opened_ms &&
                a->subscriptions == b->subscriptions);
    }
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
}

static void check_lists(const struct ff_ipc_frame *frame, const uint8_t *bytes, size_t len)
{
    for (uint32_t i = 0; i < frame->nchannels; i++) {
        in_bounds(frame->channels[i].name, bytes, len);
        in_bounds(frame->channels[i].data, bytes, len);
    }
    for (uint32_t i = 0; i < frame->nmembers; i++) {
        in_bounds(frame->members[i].user_id, bytes, len);
        in_bounds(frame->members[i].info, bytes, len);
    }
    for (uint32_t i = 0; i < frame->nsockets; i++) {
        in_bounds(frame->sockets[i].socket_id, bytes, len);
        in_bounds(frame->sockets[i].user_id, bytes, len);
        in_bounds(frame->sockets[i].address, bytes, len);
    }
}

static void list_again(const struct ff_ipc_frame *frame)
{
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    struct ff_ipc_frame result;
    struct ff_ipc_list list;

    msgpack_sbuffer_init(&out);
    ff_ipc_unpacker_init(&unpacker);
    if (frame->type == FF_IPC_CHANNEL_REPLY) {
        require(ff_ipc_pack_channel_reply(&out, frame->seq, &frame->channels[0], frame->partial) ==
                0);
    } else {
        require(ff_ipc_pack_list_begin(&out, frame->type, frame->seq, &list) == 0);
        for (uint32_t i = 0; i < frame->nchannels; i++) {
            require(ff_ipc_pack_list_channel(&out, &list, &frame->channels[i]) == 0);
        }
        for (uint32_t i = 0; i < frame->nmembers; i++) {
            require(ff_ipc_pack_list_member(&out, &list, &frame->members[i]) == 0);
        }
        require(ff_ipc_pack_list_end(&out, &list, frame->partial) == 0);
    }
    again(&unpacker, &out, frame, &result);
    require(result.partial == frame->partial);
    require(result.nchannels == frame->nchannels && result.nmembers == frame->nmembers);
    for (uint32_t i = 0; i < frame->nchannels; i++) {
        const struct ff_ipc_channel *a = &frame->channels[i], *b = &result.channels[i];
        require(same(a->name, b->name) && same(a->data, b->data) && a->occupied == b->occupied &&
                a->has_users == b->has_users && a->users == b->users &&
                a->has_subscriptions == b->has_subscriptions &&
                a->subscriptions == b->subscriptions && a->ttl == b->ttl);
    }
    for (uint32_t i = 0; i < frame->nmembers; i++) {
        require(same(frame->members[i].user_id, result.members[i].user_id) &&
                same(frame->members[i].info, result.members[i].info));
    }
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
}

static void check_listening(const struct ff_ipc_frame *frame, const uint8_t *bytes, size_t len)
{
    const struct ff_ipc_listening *l = &frame->listening;
    require(l->nnumbers <= FF_IPC_MAX_SETTLED);
    in_bounds(l->listen.group, bytes, len);
    in_bounds(l->listen.unknown, bytes, len);
    in_bounds(l->event.id, bytes, len);
    in_bounds(l->event.word, bytes, len);
    in_bounds(l->event.channel, bytes, len);
    in_bounds(l->event.user_id, bytes, len);
    in_bounds(l->event.socket_id, bytes, len);
    in_bounds(l->event.event, bytes, len);
    in_bounds(l->event.data, bytes, len);
    for (uint32_t i = 0; i < l->noccupied; i++) {
        in_bounds(l->occupied[i].name, bytes, len);
        for (uint32_t k = 0; k < l->occupied[i].nmembers; k++) {
            in_bounds(l->occupied[i].members[k].user_id, bytes, len);
            in_bounds(l->occupied[i].members[k].info, bytes, len);
        }
    }
}

static void listening_again(const struct ff_ipc_frame *frame)
{
    const struct ff_ipc_listening *l = &frame->listening;
    msgpack_sbuffer out;
    struct ff_ipc_unpacker unpacker;
    struct ff_ipc_frame result;
    struct ff_ipc_snapshot snapshot;

    msgpack_sbuffer_init(&out);
    ff_ipc_unpacker_init(&unpacker);
    switch (frame->type) {
    case FF_IPC_LISTEN:
        require(ff_ipc_pack_listen(&out, frame->seq, &l->listen) == 0);
        break;
    case FF_IPC_SETTLE:
        require(ff_ipc_pack_settle(&out, frame->seq, l->numbers, l->nnumbers, l->done) == 0);
        break;
    case FF_IPC_LISTENING:
        require(ff_ipc_pack_listening(&out, frame->seq, l->created, l->waiting, l->order) == 0);
        break;
    case FF_IPC_EVENT:
        require(ff_ipc_pack_event(&out, &l->event) == 0);
        break;
    default:
        require(ff_ipc_pack_snapshot_begin(&out, frame->seq, l->order, &snapshot) == 0);
        for (uint32_t i = 0; i < l->noccupied; i++) {
            const struct ff_ipc_occupied *o = &l->occupied[i];
            require(ff_ipc_pack_snapshot_channel(&out, &snapshot, o->name, o->subscriptions,
                                                 o->has_members) == 0);
            for (uint32_t k = 0; k < o->nmembers; k++) {
                require(ff_ipc_pack_snapshot_member(&out, &snapshot, &o->members[k]) == 0);
            }
        }
        require(ff_ipc_pack_snapshot_end(&out, &snapshot, l->last) == 0);
    }
    again(&unpacker, &out, frame, &result);
    const struct ff_ipc_listening *r = &result.listening;
    require(r->listen.window == l->listen.window && r->listen.ack_ms == l->listen.ack_ms &&
            r->listen.snapshot == l->listen.snapshot && same(r->listen.group, l->listen.group) &&
            same(r->listen.unknown, l->listen.unknown));
    /* Asked for nothing but events_lost: said again, that is everything. */
    require(r->listen.types == l->listen.types ||
            (l->listen.types == 0 && l->listen.unknown.p == NULL));
    require(r->nnumbers == l->nnumbers && r->done == l->done && r->created == l->created &&
            r->waiting == l->waiting && r->order == l->order && r->last == l->last &&
            r->noccupied == l->noccupied);
    require(r->nnumbers == 0 ||
            memcmp(r->numbers, l->numbers, r->nnumbers * sizeof(*r->numbers)) == 0);
    require(r->event.type == l->event.type && same(r->event.word, l->event.word) &&
            same(r->event.id, l->event.id) && same(r->event.channel, l->event.channel) &&
            same(r->event.data, l->event.data) && same(r->event.event, l->event.event) &&
            same(r->event.user_id, l->event.user_id) &&
            same(r->event.socket_id, l->event.socket_id) && r->event.count == l->event.count &&
            r->event.has_count == l->event.has_count && r->event.order == l->event.order &&
            r->event.attempt == l->event.attempt && r->event.unix_ms == l->event.unix_ms);
    for (uint32_t i = 0; i < l->noccupied; i++) {
        const struct ff_ipc_occupied *a = &l->occupied[i], *b = &r->occupied[i];
        require(same(a->name, b->name) && a->subscriptions == b->subscriptions &&
                a->has_members == b->has_members && a->nmembers == b->nmembers);
        for (uint32_t k = 0; k < a->nmembers; k++) {
            require(same(a->members[k].user_id, b->members[k].user_id) &&
                    same(a->members[k].info, b->members[k].info));
        }
    }
    ff_ipc_unpacker_free(&unpacker);
    msgpack_sbuffer_destroy(&out);
}

static void one_frame(struct ff_ipc_unpacker *unpacker, const uint8_t *bytes, size_t len)
{
    struct ff_ipc_frame frame;
    const char *why = NULL;
    bool walked = ff_ipc_walk(bytes, len);
    int rc = ff_ipc_unpack(unpacker, bytes, len, &frame, &why);

    require(rc == 0 || rc == -1);
    require((rc == 0) == (why == NULL));
    require(walked || rc == -1);
    if (walked) {
        msgpack_zone *zone = msgpack_zone_new(512);
        msgpack_object object;
        size_t at = 0;
        require(zone != NULL);
        require(msgpack_unpack((const char *)bytes, len, &at, zone, &object) ==
                MSGPACK_UNPACK_SUCCESS);
        require(at == len);
        msgpack_zone_free(zone);
    }
    if (rc != 0) {
        return;
    }
    switch (frame.type) {
    case FF_IPC_HELLO: {
        char text[160 + 64];
        in_bounds(frame.hello.app, bytes, len);
        in_bounds(frame.hello.name, bytes, len);
        in_bounds((struct ff_slice){(const char *)frame.hello.producer, FF_IPC_PRODUCER}, bytes,
                  len);
        in_bounds((struct ff_slice){(const char *)frame.hello.mac, FF_IPC_MAC}, bytes, len);
        require(frame.hello.name.len <= FF_IPC_MAX_NAME);
        if (frame.hello.app.len <= 64) {
            size_t n =
                ff_ipc_mac_text(text, frame.hello.app, frame.hello.producer, frame.hello.unix_ms);
            require(n <= 160 + frame.hello.app.len);
        }
        break;
    }
    case FF_IPC_PUBLISH:
    case FF_IPC_BATCH:
    case FF_IPC_CLUSTER_PUBLISH:
    case FF_IPC_CLUSTER_BATCH:
        check_messages(&frame, bytes, len);
        pack_again(&frame);
        break;
    case FF_IPC_ERROR:
        in_bounds(frame.reason, bytes, len);
        in_bounds(frame.text, bytes, len);
        require(frame.index >= -1);
        break;
    case FF_IPC_ACK:
    case FF_IPC_BATCH_ACK:
    case FF_IPC_CLUSTER_ACK:
    case FF_IPC_CLUSTER_BATCH_ACK:
        for (uint32_t i = 0; i < frame.nreceipts; i++) {
            in_bounds(frame.receipts[i].id, bytes, len);
        }
        break;
    case FF_IPC_STATS_REPLY:
        require(frame.stats != NULL);
        break;
    case FF_IPC_TERMINATE:
    case FF_IPC_DISCONNECT:
    case FF_IPC_MEMBERS:
    case FF_IPC_CHANNELS:
    case FF_IPC_CHANNEL:
    case FF_IPC_CONTROL:
        in_bounds(frame.name, bytes, len);
        require(frame.wanted < 8);
        query_again(&frame);
        break;
    case FF_IPC_CHANNELS_REPLY:
    case FF_IPC_CHANNEL_REPLY:
    case FF_IPC_MEMBERS_REPLY:
        check_lists(&frame, bytes, len);
        list_again(&frame);
        break;
    case FF_IPC_LISTEN:
    case FF_IPC_SETTLE:
    case FF_IPC_LISTENING:
    case FF_IPC_EVENT:
    case FF_IPC_SNAPSHOT:
        check_listening(&frame, bytes, len);
        listening_again(&frame);
        break;
    case FF_IPC_SOCKETS:
    case FF_IPC_SOCKETS_REPLY:
        in_bounds(frame.name, bytes, len);
        check_lists(&frame, bytes, len);
        sockets_again(&frame);
        break;
    case FF_IPC_CONTROLLED:
    case FF_IPC_TERMINATED:
    case FF_IPC_DISCONNECTED:
    case FF_IPC_CONNECTIONS_REPLY:
    case FF_IPC_CONNECTIONS:
    case FF_IPC_PING:
    case FF_IPC_STATS:
    case FF_IPC_PONG:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct ff_ipc_unpacker unpacker;

    ff_ipc_unpacker_init(&unpacker);
    while (len != 0) {
        int64_t n = ff_ipc_frame_len(input, len);
        require(n >= -1 && n <= (int64_t)FF_IPC_MAX_FRAME);
        if (n <= 0) {
            break;
        }
        input += FF_IPC_HEADER;
        len -= FF_IPC_HEADER;
        /* A frame that is not all there is tried too: it is what a wrong prefix looks like. */
        size_t take = (size_t)n < len ? (size_t)n : len;
        one_frame(&unpacker, input, take);
        input += take;
        len -= take;
    }
    ff_ipc_unpacker_free(&unpacker);
    return 0;
}
