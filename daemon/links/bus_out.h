/*
 * What one node has to say in one lane: records get their numbers and stand in entries until they
 * are safe. Pure logic, with the time handed in. On the hub.
 *
 * An entry takes records as long as it was never sent. It is sent at the end of the turn, unless
 * another one was sent less than BUS_HOLD_MS ago and is not answered yet: then it goes with that
 * answer, or when the time is up. So who says one thing at a time waits for nothing, and under load
 * an entry holds what is said while the one before is on its way, which costs the log and all who
 * read it a fraction of an entry for each turn. It is dropped when it has come back through the log
 * and all others have said that they applied it; or when it is too old, or all of them are too
 * large: then whoever lacks it has lost it, and sees that by the oldest number still kept, which
 * beats say.
 *
 * What may be missing is appended again, always from some entry on to the newest, in order: a
 * receiver takes records in order only, and drops what it has.
 *
 * Records without numbers (beats, questions, answers) are sent once and forgotten.
 */
#ifndef FF_LINKS_BUS_OUT_H
#define FF_LINKS_BUS_OUT_H

#include "links/bus_reader.h"

#define BUS_JOIN         (64u << 10) /* bytes of an entry that takes no more records */
#define BUS_HOLD_MS      10u         /* that an entry waits at most for the answer to another */
#define BUS_FLIGHTS      256u        /* entries appended whose replies are awaited */
#define BUS_FLIGHT_BYTES (4u << 20)  /* bytes of them, but one entry may be larger */
#define BUS_LOOSE_MAX    (32u << 20) /* bytes of records without numbers that wait */

struct bus_kept {
    struct bus_kept *next;
    uint64_t first, before; /* number of its first record; broadcasts before that */
    uint32_t count, broadcasts;
    uint64_t incarnation;
    uint64_t created; /* ms */
    uint64_t after; /* confirmed: the own entry without numbers that stands before it in the log */
    struct bus_id id; /* replied: where it was appended */
    bool sent, replied;
    size_t weight;
    struct buf bytes;
};

struct bus_flight {
    uint64_t first; /* or the entry's own number */
    uint32_t bytes;
    bool numbered, superfluous; /* superfluous: whatever comes of it, it is sent again */
};

/*
 * Invariants: the list is in order of numbers, without gaps; unconfirmed does not come after
 * unsent, and all before it are in the log as far as is known; next and broadcasts are what the
 * entry behind the list would begin with.
 */
struct bus_out {
    uint64_t node, incarnation;
    uint32_t lane, lanes;
    size_t max_bytes;
    uint64_t window; /* ms */
    struct bus_kept *head, *tail;
    struct bus_kept *unsent;      /* NULL: all were sent */
    struct bus_kept *unconfirmed; /* NULL: all have come back */
    uint64_t next, broadcasts;
    size_t bytes;
    struct buf loose; /* records without numbers that wait */
    struct buf entry; /* the entry without numbers that was taken last */
    uint64_t serial;  /* its number */
    uint64_t seen;    /* the one that was read back last */
    struct bus_flight flights[BUS_FLIGHTS];
    uint32_t first_flight, nflights;
    size_t flight_bytes;
    uint64_t flown_at;                             /* ms: when the last entry was taken */
    uint64_t entries, sent_bytes, records, resent; /* for the metrics; resent: records */
};

struct bus_dropped {
    uint64_t from, to; /* numbers */
    uint32_t broadcasts;
    bool confirmed; /* it has been in the log */
};

enum bus_back {
    BUS_BACK_NEW,   /* the next that was awaited */
    BUS_BACK_AGAIN, /* known to be in the log */
    BUS_BACK_AHEAD, /* one before it has not come back */
};

void bus_out_init(struct bus_out *out, uint64_t node, uint32_t lane, uint32_t lanes,
                  uint64_t window_ms, size_t max_bytes);
void bus_out_free(struct bus_out *out);

/* A record with a number, which it returns. 0: no memory, or it is too large. */
uint64_t bus_out_add(struct bus_out *out, const struct bus_record *record, uint64_t now) MUST_CHECK;
/* One without. -1: no memory, or too many wait. */
int bus_out_add_loose(struct bus_out *out, const struct bus_record *record) MUST_CHECK;

/* Whether there is room for another entry on its way. */
bool bus_out_open(const struct bus_out *out) MUST_CHECK;
/* Whether the next entry with numbers is to wait, for a reply or until flown_at + BUS_HOLD_MS. */
bool bus_out_holds(const struct bus_out *out, uint64_t now) MUST_CHECK;
/* The next entry to be appended. False: there is none. The bytes are good until the next call. */
bool bus_out_take(struct bus_out *out, uint64_t now, struct slice *entry) MUST_CHECK;
bool bus_out_take_loose(struct bus_out *out, uint64_t now, struct slice *entry) MUST_CHECK;

/* The oldest entry on its way, whose reply comes next. */
static inline const struct bus_flight *bus_out_landing(const struct bus_out *out)
{
    check(out->nflights > 0);
    return &out->flights[out->first_flight];
}
/* It was appended. False: it has been read back, or does not matter. */
bool bus_out_replied(struct bus_out *out, struct bus_id id) MUST_CHECK;
/* It was refused: what is on its way may be out of order, and is sent again. */
void bus_out_refused(struct bus_out *out);
/* The connection is lost, and nobody knows what was appended. */
void bus_out_cut(struct bus_out *out);

/* An own entry was read in the log. */
enum bus_back bus_out_back(struct bus_out *out, const struct bus_entry *entry);
/* Whether what is awaited has certainly been appended before this id, and so is gone. */
bool bus_out_vanished(const struct bus_out *out, struct bus_id id);

/* Sends again all that somebody may lack; or what did not come back. */
void bus_out_resend(struct bus_out *out);
void bus_out_resend_unconfirmed(struct bus_out *out);
/* Somebody misses what follows this number, though it has read an own entry without numbers: sends
 * again what it must have seen before that. */
void bus_out_lacks(struct bus_out *out, uint64_t number, uint64_t seen);

/* All others have applied what is up to this number. */
void bus_out_release(struct bus_out *out, uint64_t number);
/* Drops the oldest entry if it is too old or all are too large. Call until it returns false. */
bool bus_out_drop(struct bus_out *out, uint64_t now, struct bus_dropped *dropped) MUST_CHECK;

/* The number up to which all has come back, or was dropped. */
uint64_t bus_out_confirmed(const struct bus_out *out);
/* What a beat says: number and broadcasts of what is sent next, and of the oldest still kept. */
void bus_out_beat(const struct bus_out *out, struct bus_record *beat);

#endif
