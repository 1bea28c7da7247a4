/*
 * Reads IPC frames: a walk over the bounds first (ipc_walk.h), then msgpack-c, then typed views.
 *
 * Runs anywhere. A view points into the caller's bytes and into the unpacker's zone; both must
 * outlive it. Never trusts a count or a length: nothing is reserved before the walk has found that
 * many elements in the bytes at hand.
 */
#ifndef FF_IPC_UNPACK_H
#define FF_IPC_UNPACK_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc_control.h"
#include "ipc_listen.h"
#include "ipc_pack.h"
#include "ipc_proto.h"
#include "ipc_walk.h"

struct ff_ipc_unpacker {
    msgpack_unpacked unpacked;
    struct ff_slice *slices; /* channel names of the frame */
    size_t nslices, capslices;
    struct ff_ipc_message *messages; /* of a publish (one) or of a batch */
    size_t capmessages;
    struct ff_ipc_receipt *receipts; /* of an ack (one) or of a batch's */
    size_t capreceipts;
    struct ff_ipc_channel *channels; /* of a reply to channel (one) or channels */
    size_t capchannels;
    struct ff_ipc_member *members;
    size_t capmembers;
    struct ff_ipc_listen_tables listen;
    struct ff_ipc_socket *sockets;
    size_t capsockets;
};

void ff_ipc_unpacker_init(struct ff_ipc_unpacker *unpacker);
void ff_ipc_unpacker_free(struct ff_ipc_unpacker *unpacker);

struct ff_ipc_frame {
    enum ff_ipc_type type;
    uint64_t seq;
    struct ff_ipc_hello hello;             /* HELLO */
    const struct ff_ipc_message *messages; /* PUBLISH, BATCH, and those by the cluster */
    uint32_t nmessages;
    uint32_t ack_ms;                       /* CLUSTER_PUBLISH, CLUSTER_BATCH */
    const struct ff_ipc_receipt *receipts; /* ACK, BATCH_ACK, and those by the cluster */
    uint32_t nreceipts;
    struct ff_slice reason, text;    /* ERROR */
    int64_t index;                   /* ERROR; -1 for nil */
    const msgpack_object_map *stats; /* STATS_REPLY */

    /* TERMINATE: user id. DISCONNECT: socket id. CHANNEL, MEMBERS: channel. CHANNELS: prefix, p ==
     * NULL for nil. CONTROL: action. SOCKETS: the socket id that was last, or p == NULL.
     * SOCKETS_REPLY: the same for the next page, p == NULL: there is none. */
    struct ff_slice name;
    unsigned int wanted; /* CHANNELS, CHANNEL: bits of enum ff_ipc_attribute */
    /* TERMINATED, DISCONNECTED, CONNECTIONS_REPLY; SOCKETS: how many at most */
    uint64_t count;
    const struct ff_ipc_channel *channels; /* CHANNELS_REPLY, CHANNEL_REPLY */
    uint32_t nchannels;
    /* CHANNELS_REPLY, CHANNEL_REPLY, CONNECTIONS_REPLY, SOCKETS_REPLY: some nodes have not
     * answered. False from a daemon that does not say it. */
    bool partial;
    const struct ff_ipc_member *members; /* MEMBERS_REPLY */
    uint32_t nmembers;
    struct ff_ipc_listening listening;   /* LISTEN, SETTLE, LISTENING, EVENT, SNAPSHOT */
    const struct ff_ipc_socket *sockets; /* SOCKETS_REPLY */
    uint32_t nsockets;
};

/*
 * Unpacks one frame's msgpack array. What `out` points to is valid until the next call with the
 * same unpacker. Returns 0, or -1 with *why set to a static sentence for the peer: not one msgpack
 * array, an unknown type, a field missing or of another type, more channels or messages than
 * FF_IPC_MAX_CHANNELS, a key over FF_IPC_MAX_KEY, or no memory. out->seq holds the frame's seq if
 * that much could be read, else 0. Fields behind those that are known are ignored, so that a later
 * version may add some.
 */
int ff_ipc_unpack(struct ff_ipc_unpacker *unpacker, const uint8_t *bytes, size_t len,
                  struct ff_ipc_frame *out, const char **why);

#endif
