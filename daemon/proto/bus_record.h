/*
 * What nodes say to each other through the log: entries of records, as bytes.
 * docs/cluster-format.md describes them. Pure.
 *
 * The reader gives views into the bytes and allocates nothing. An entry is judged as a whole: one
 * bad record and none of it is used. Newer formats may add types of records, which are passed over,
 * and fields behind those known, which are not looked at; what would be misunderstood by this
 * reader says so in its third byte and is refused by it.
 */
#ifndef FF_PROTO_BUS_RECORD_H
#define FF_PROTO_BUS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/slice.h"
#include "proto/traceparent.h"

#define BUS_FORMAT        2u /* that is written here */
#define BUS_FORMAT_OLDEST 1u /* the oldest whose reader understands what is written here */
#define BUS_ENTRY_MAX     ((128u << 20) + (64u << 10))
#define BUS_HEADER_MAX    64u
#define BUS_LANES_MAX     1024u
#define BUS_NAME_MAX      128u

/* Types below BUS_CONTROL are broadcasts: what is counted when it is lost. */
enum bus_type {
    BUS_DELIVER = 1, /* a message for the subscribers of a channel */

    BUS_CONTROL = 16,
    /* What the node owns. Each says what is so from now on, so that it may be said twice. */
    BUS_JOINED = 16, /* a user is on a presence channel of this node */
    BUS_LEFT,        /* no more */
    BUS_COUNT,       /* connections of this node on a channel */
    BUS_CACHED,      /* the last event of a cache channel, known to all */
    BUS_GROUP,       /* a group of listeners is known, and has listeners on this node or not */
    BUS_QUEUED,      /* an event that waits for a group, known to all */
    BUS_STATE_END,   /* (no record) */

    /* Orders. */
    BUS_TERMINATE_USER = 32,
    BUS_TERMINATE_SOCKET,
    BUS_TOLD,    /* an event for whoever listens */
    BUS_SETTLED, /* events that a group has dealt with */

    /* Of the nodes themselves. */
    BUS_HELLO = 48, /* a node is there, or is there again after it was declared dead */
    BUS_ASK,        /* a node is asked to say what it owns */
    BUS_BEGIN,      /* from here to BUS_END it says all that it owns */
    BUS_END,
    BUS_GOODBYE,
    BUS_DEAD,

    /* In entries without numbers only. */
    BUS_BEAT = 64, /* the log carries; and what the sender has appended and still keeps */
    BUS_APPLIED,   /* up to where the sender has what others said */
    BUS_QUERY,
    BUS_ANSWER,
    BUS_DECLARED, /* for who goes on as if it had not been declared dead */
};

/* A connection, by the parts of its socket id. */
struct bus_socket {
    uint64_t random; /* 0: none */
    uint32_t worker, slot;
};

/* The fields that a type has are in the table in bus_record.c; the others are zero. Texts may be
 * empty, and only info_json may be absent. */
struct bus_record {
    uint8_t type;              /* an enum bus_type, or one of a newer format */
    bool restated;             /* state: was so before, and is said again for who does not know */
    bool client;               /* DELIVER: a client event */
    bool last;                 /* ANSWER: nothing more comes to this question from this node */
    bool traced;               /* DELIVER: `trace` says which trace it belongs to */
    struct slice app, channel; /* GROUP, QUEUED, SETTLED: the group's name; GROUP "": of none */
    struct slice user_id, id_json, info_json;
    /* DELIVER, CACHED: the text of the message, to be put into a WebSocket frame. HELLO, BEGIN: the
     * node's name. QUERY, ANSWER: what is asked or answered.
     * TOLD, QUEUED: an EVENT of shared/ipc_listen.h. SETTLED: ids, each behind a byte of length. */
    struct slice text;
    /* BEGIN: nodes known, for bus_known_next. APPLIED: for bus_applied_next. */
    struct slice list;
    struct bus_socket socket; /* DELIVER: left out, or who sent it. TERMINATE_SOCKET: which one */
    uint64_t node; /* ASK, ANSWER: to whom. DEAD, DECLARED: who. QUEUED: whose it is, 0: nobody's */
    uint64_t incarnation; /* DEAD, DECLARED */
    /* COUNT: connections. CACHED: ms for which it is still kept, 0 for ever. TERMINATE, QUERY,
     * ANSWER: the question, 0: nobody asked. BEGIN, END: which statement. BEAT: the number that
     * the next record to be appended has. GROUP: 1: there are listeners. */
    uint64_t number;
    uint64_t broadcasts; /* BEAT: of all records before `number` */
    /* BEAT: the oldest record that is still kept, and the broadcasts before it. QUERY: .base is
     * what kind of question. GROUP: .base has the types that it wants, FF_IPC_EVENT_BIT. */
    uint64_t base, base_broadcasts;
    struct traceparent trace; /* the span is the one that deliveries are children of */
};

struct bus_entry {
    uint8_t format;
    bool numbered; /* else its records are not kept by the sender, and may be lost unnoticed */
    uint64_t node, incarnation;
    uint32_t lane, lanes;
    uint64_t first;  /* numbered: of its first record, from 1. Else: the entry's own, from 1 */
    uint64_t before; /* numbered: broadcasts among all records before the first */
    /* filled by the reader */
    uint32_t count, broadcasts; /* of its records */
    const uint8_t *records;
    size_t len;
};

/* What one node has of another one's records. */
struct bus_applied {
    uint64_t node, number; /* everything up to this number */
    uint64_t seen; /* not 0: something is missing; the last unnumbered entry that was seen */
};

struct bus_known {
    uint64_t node, incarnation;
    bool alive;
};

enum bus_result {
    BUS_FINE,
    BUS_BAD,
    BUS_FOREIGN, /* of a format that this reader cannot know: format and node alone are set */
};

/* Begins an entry: appends its header. -1: full, or no memory. */
int bus_entry_begin(struct buf *out, const struct bus_entry *entry) MUST_CHECK;
/* Appends a record. -1: full, or no memory; then nothing was appended. */
int bus_record_write(struct buf *out, const struct bus_record *record) MUST_CHECK;
int bus_applied_write(struct buf *list, const struct bus_applied *applied) MUST_CHECK;
int bus_known_write(struct buf *list, const struct bus_known *known) MUST_CHECK;

/* Reads an entry with all of its records. */
enum bus_result bus_entry_read(const uint8_t *bytes, size_t len, struct bus_entry *out) MUST_CHECK;
/* Walks over the records of an entry that was found fine; start with *cursor = 0. False at the end.
 * Of an unknown type only the type is set. */
bool bus_record_next(const struct bus_entry *entry, size_t *cursor, struct bus_record *out);
bool bus_applied_next(struct slice list, size_t *cursor, struct bus_applied *out);
bool bus_known_next(struct slice list, size_t *cursor, struct bus_known *out);

static inline bool bus_type_broadcast(uint8_t type)
{
    return type < BUS_CONTROL;
}

/* What ends with the node that said it. */
static inline bool bus_type_state(uint8_t type)
{
    return type >= BUS_JOINED && type < BUS_STATE_END;
}

/* Belongs into entries without numbers. */
static inline bool bus_type_unnumbered(uint8_t type)
{
    return type >= BUS_BEAT;
}

#endif
