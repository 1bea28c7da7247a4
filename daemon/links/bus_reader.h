/*
 * Where one node is in one lane's log, and whether the log is still the one that it has read. Pure
 * logic; asks nobody itself. On the hub.
 *
 * An id alone says nothing after a failover or a restart: the log may have lost its newest entries
 * or all of them, and its ids may begin lower than what was read. Whoever waits behind such an id
 * hears nothing for ever. So the reader remembers entries that it has read (marks: many of late,
 * fewer of long ago), and after each lost connection, and whenever something is odd, looks for the
 * newest that is still there, by id and by what it was. What follows that one is read again; who
 * has had it already drops it by its numbers.
 */
#ifndef FF_LINKS_BUS_READER_H
#define FF_LINKS_BUS_READER_H

#include "proto/bus_record.h"

#define BUS_MARKS   64u
#define BUS_MARK_MS 250u /* between two, while they are young */

/* The id of an entry of a Redis stream. */
struct bus_id {
    uint64_t ms, seq;
};

static inline bool bus_id_after(struct bus_id a, struct bus_id b)
{
    return a.ms != b.ms ? a.ms > b.ms : a.seq > b.seq;
}

struct bus_mark {
    struct bus_id id;
    uint64_t node, first;
    uint64_t at_ms; /* when it was put among the marks */
    bool numbered;
};

enum bus_read {
    BUS_READ_TAIL,  /* find the newest entry: XREVRANGE key + - COUNT 1 */
    BUS_READ_LOOK,  /* look whether this entry is there: XRANGE key ID ID */
    BUS_READ_AFTER, /* read what comes after this one: XREAD COUNT n BLOCK ms STREAMS key ID */
};

enum bus_looked {
    BUS_LOOK_ON, /* another one is to be looked for */
    BUS_SAME,    /* the log is the one that was read */
    BUS_REWOUND, /* it is another one, or has lost something: it is read again from an older mark */
};

/*
 * Invariants: `at` is the id behind which is read on. marks are in the order of their reading.
 * `last` is what was read last, when has_last. While again is set, entries up to `high` may be ones
 * that were read before.
 */
struct bus_reader {
    enum bus_read state;
    struct bus_id at, high;
    struct bus_mark last, marks[BUS_MARKS];
    uint32_t nmarks, looking; /* looking: marks still to be looked for; nmarks + 1: the last read */
    bool has_last, again;
    uint64_t marked_at;
};

void bus_reader_init(struct bus_reader *reader);

/* Whatever was read, it has to be looked whether it is still there. */
void bus_reader_doubt(struct bus_reader *reader);

/* What to ask the log for next; *id for LOOK and AFTER. */
enum bus_read bus_reader_next(const struct bus_reader *reader, struct bus_id *id);

/* The answer to TAIL. entry NULL: the log is empty, or its newest entry is not one of ours. */
void bus_reader_tail(struct bus_reader *reader, struct bus_id id, const struct bus_entry *entry);

/* The answer to LOOK. NULL: there is no such entry. */
enum bus_looked bus_reader_look(struct bus_reader *reader, const struct bus_entry *entry);

/* An entry that was read after `at`. True: it may have been read before. */
bool bus_reader_read(struct bus_reader *reader, struct bus_id id, const struct bus_entry *entry,
                     uint64_t now);

/* Nothing that comes from now on was read before. */
void bus_reader_fresh(struct bus_reader *reader);

#endif
