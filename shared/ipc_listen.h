/*
 * The frames of listeners: what a program asks to hear (LISTEN, SETTLE), and what the daemon says
 * to it (LISTENING, EVENT, SNAPSHOT). Packs and unpacks them; ipc_unpack.h is the way in for
 * whoever reads.
 *
 * Owns nothing but the tables of an unpacker. Runs anywhere. The functions that pack append one
 * whole frame, check nothing, and return 0, or -1 when memory ran out or the frame would exceed
 * FF_IPC_MAX_FRAME; then the buffer is as long as it was before.
 */
#ifndef FF_IPC_LISTEN_H
#define FF_IPC_LISTEN_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc_pack.h"
#include "ipc_proto.h"

/* What a listener can hear of. Words on the wire; the first eleven can be asked for. */
enum ff_ipc_event_type {
    FF_IPC_CHANNEL_OCCUPIED,
    FF_IPC_CHANNEL_VACATED,
    FF_IPC_MEMBER_ADDED,
    FF_IPC_MEMBER_REMOVED,
    FF_IPC_CLIENT_EVENT,
    FF_IPC_CACHE_MISS,
    FF_IPC_COUNT_CHANGED,
    FF_IPC_CONNECTION_OPENED,
    FF_IPC_CONNECTION_CLOSED,
    FF_IPC_USER_ONLINE,
    FF_IPC_USER_OFFLINE,
    FF_IPC_EVENTS_LOST, /* always told, whatever was asked for */
    FF_IPC_EVENT_TYPES, /* how many there are; of an event: a word of a later version */
};

#define FF_IPC_EVENT_BIT(type) (1u << (type))
#define FF_IPC_EVENTS_ALL      (FF_IPC_EVENT_BIT(FF_IPC_EVENTS_LOST) - 1u) /* that can be asked for */

/* The word of each type, by its number. */
extern const char *const ff_ipc_event_words[FF_IPC_EVENT_TYPES];

/* The type that this word names, or FF_IPC_EVENT_TYPES. */
enum ff_ipc_event_type ff_ipc_event_of_word(struct ff_slice word);

struct ff_ipc_listen {
    uint32_t types;          /* bits of FF_IPC_EVENT_BIT; never 0 where `unknown` is nil: an empty
                                list asks for all */
    struct ff_slice unknown; /* the first word that names no type; p == NULL: none */
    struct ff_slice group;   /* p == NULL: a group of its own */
    uint32_t window, ack_ms;
    bool snapshot;
};

struct ff_ipc_event {
    uint64_t number; /* of the delivery */
    struct ff_slice id;
    enum ff_ipc_event_type type;
    struct ff_slice word; /* of the type, as it came; not packed unless the type is unknown */
    uint64_t unix_ms;
    uint32_t attempt;
    uint64_t order;
    struct ff_slice channel, user_id, socket_id, event, data; /* p == NULL: nil */
    bool has_count;
    uint64_t count;
};

/* A channel of a snapshot, or more members of the one before it. */
struct ff_ipc_occupied {
    struct ff_slice name;
    uint64_t subscriptions;
    bool has_members; /* a presence channel; also when this frame has none of them */
    const struct ff_ipc_member *members;
    uint32_t nmembers;
};

/* What an unpacker keeps for these frames. All zero at first. */
struct ff_ipc_listen_tables {
    uint64_t *numbers;
    size_t capnumbers;
    struct ff_ipc_occupied *occupied;
    size_t capoccupied;
    struct ff_ipc_member *members;
    size_t capmembers;
};

/* One of these frames; good as long as a ff_ipc_frame. */
struct ff_ipc_listening {
    struct ff_ipc_listen listen; /* LISTEN */
    struct ff_ipc_event event;   /* EVENT */
    const uint64_t *numbers;     /* SETTLE */
    uint32_t nnumbers;
    bool done;
    bool created; /* LISTENING: the group did not exist before */
    uint64_t waiting;
    uint64_t order;                         /* LISTENING, SNAPSHOT */
    const struct ff_ipc_occupied *occupied; /* SNAPSHOT */
    uint32_t noccupied;
    bool last;
};

/* Reads the fields of a frame of such a type behind [type, seq]. As ff_ipc_unpack(). */
int ff_ipc_listen_unpack(struct ff_ipc_listen_tables *tables, enum ff_ipc_type type,
                         const msgpack_object_array *fields, struct ff_ipc_listening *out,
                         const char **why);
void ff_ipc_listen_tables_free(struct ff_ipc_listen_tables *tables);

/* An unknown word is packed behind the types. */
int ff_ipc_pack_listen(msgpack_sbuffer *out, uint64_t seq, const struct ff_ipc_listen *listen);
/* done: they are dealt with. Else they are given back, to be delivered again at once. */
int ff_ipc_pack_settle(msgpack_sbuffer *out, uint64_t seq, const uint64_t *numbers, uint32_t n,
                       bool done);
int ff_ipc_pack_listening(msgpack_sbuffer *out, uint64_t seq, bool created, uint64_t waiting,
                          uint64_t order);
int ff_ipc_pack_event(msgpack_sbuffer *out, const struct ff_ipc_event *event);

/*
 * A snapshot's frame, whose numbers nobody knows beforehand: begin, add channels, and members to
 * the one added last, end. A channel whose members do not fit is added again in the next frame.
 * When something cannot be added (-1: no memory) the frame is to be dropped by ending it as it is.
 */
struct ff_ipc_snapshot {
    size_t mark, at, members_at;
    uint32_t n, members;
};

int ff_ipc_pack_snapshot_begin(msgpack_sbuffer *out, uint64_t seq, uint64_t order,
                               struct ff_ipc_snapshot *snapshot);
int ff_ipc_pack_snapshot_channel(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot,
                                 struct ff_slice name, uint64_t subscriptions, bool has_members);
int ff_ipc_pack_snapshot_member(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot,
                                const struct ff_ipc_member *member);
/* last: no frame of this snapshot follows. */
int ff_ipc_pack_snapshot_end(msgpack_sbuffer *out, struct ff_ipc_snapshot *snapshot, bool last);

#endif
