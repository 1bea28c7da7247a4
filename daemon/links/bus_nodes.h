/*
 * The other nodes in one lane, as one node sees them: who is alive, up to where it has each one's
 * records, and what they have of its own. Pure logic. On the hub.
 *
 * A node is known by the random id of its process; names are for people. Its records are followed
 * by number, whether it is alive or not: a broadcast of a node that was declared dead is still a
 * broadcast. What it owns is good for one incarnation, and ends with that.
 *
 * Time is what the log has carried: one tick for each beat of one's own that came back, if it was
 * sent at least an interval after the one before. So neither a log that is away nor a wrong clock
 * makes anybody silent.
 */
#ifndef FF_LINKS_BUS_NODES_H
#define FF_LINKS_BUS_NODES_H

#include "base/strmap.h"
#include "proto/bus_record.h"

#define BUS_TICKS         6u    /* in node_timeout */
#define BUS_SUSPECT_TICKS 3u    /* of silence, when another node with its name has come */
#define BUS_ASK_TICKS     3u    /* until it is asked again for what it owns */
#define BUS_DEAD_MAX      1024u /* dead nodes remembered, so that what they said is not new again */

enum bus_owned {
    BUS_OWNED_ASKED, /* it was asked, or will say it by itself */
    BUS_OWNED_BEGUN, /* it is saying it */
    BUS_OWNED_KNOWN,
};

struct bus_node {
    struct bus_node *prev, *next; /* alive ones in no order; dead ones in the order of dying */
    uint64_t id, incarnation;
    char name[BUS_NAME_MAX + 1]; /* empty: not told yet */
    bool alive, suspect, left;   /* left: dead, and said so itself */
    /* Its records. expected 0: none was seen yet. */
    uint64_t expected, broadcasts;  /* the next to be applied; broadcasts before it */
    uint64_t told, told_broadcasts; /* the next that it will have, as far as it was heard */
    uint64_t serial;                /* of its last entry without numbers */
    uint64_t reported;              /* what it was told that is applied */
    uint64_t acked;                 /* what it has applied of ours */
    enum bus_owned owned;
    uint64_t statement;                                /* BEGUN: which */
    uint64_t asked_at, heard_at, died_at, declared_at; /* ticks */
    uint64_t heard_ms; /* time of its last entry, by the clock of this node */
    uint64_t lost;     /* broadcasts */
    void *data;        /* the owner's */
};

struct bus_list {
    struct bus_node *first, *last;
    uint32_t count;
};

struct bus_nodes {
    struct strmap map;
    struct bus_list alive, dead;
    uint64_t self;
    uint64_t ticks;
};

enum bus_offer {
    BUS_OFFER_TAKE,      /* the records from *skip on are next */
    BUS_OFFER_DUPLICATE, /* it has them all */
    BUS_OFFER_GAP,       /* something before them is missing */
};

struct bus_loss {
    uint64_t broadcasts, records;
};

void bus_nodes_init(struct bus_nodes *nodes, uint64_t self);
void bus_nodes_free(struct bus_nodes *nodes);

struct bus_node *bus_nodes_find(const struct bus_nodes *nodes, uint64_t id);
/* One that is not known yet; dead until bus_nodes_revive. */
struct bus_node *bus_nodes_add(struct bus_nodes *nodes, uint64_t id);
void bus_nodes_revive(struct bus_nodes *nodes, struct bus_node *node, uint64_t incarnation);
/* left: it said goodbye. */
void bus_nodes_bury(struct bus_nodes *nodes, struct bus_node *node, uint64_t incarnation,
                    bool left);
/* Forgets those that died longest ago, if there are too many. Not while a node is looked at. */
void bus_nodes_trim(struct bus_nodes *nodes);

/* Whether this node is the first of those alive, by id. `but` does not count. */
bool bus_nodes_is_first(const struct bus_nodes *nodes, const struct bus_node *but);
/* Whether it has been silent for so long that it has to be declared dead, by this node: the first
 * one does it, the others a tick later if that was not done. */
bool bus_nodes_silent(const struct bus_nodes *nodes, const struct bus_node *node);
/* What all have applied of this node's records; UINT64_MAX if there is nobody else. Who died less
 * than so many ticks ago counts as well: whoever was taken for dead and goes on needs what it
 * missed, and the log may have lost that meanwhile. */
uint64_t bus_nodes_acked(const struct bus_nodes *nodes, uint64_t ticks);

/* A numbered entry of the node. `old`: it may have been said long ago, so that records of somebody
 * who is not known are not applied; he appends them again if they are due. */
enum bus_offer bus_node_offer(struct bus_node *node, const struct bus_entry *entry, bool old,
                              uint32_t *skip);
/* One record was applied. */
static inline void bus_node_applied(struct bus_node *node, bool broadcast)
{
    node->expected++;
    node->broadcasts += broadcast ? 1 : 0;
}
/* What a beat says of the node's records. True: some that were awaited are lost. */
bool bus_node_beat(struct bus_node *node, const struct bus_record *beat, struct bus_loss *loss);
/* What is missing comes no more. True: something was. */
bool bus_node_give_up(struct bus_node *node, struct bus_loss *loss);

static inline bool bus_node_gap(const struct bus_node *node)
{
    return node->expected != 0 && node->told > node->expected;
}

/* Whether it has to be told of what is applied, and the word of it. -1: no memory. */
bool bus_node_unreported(const struct bus_node *node);
int bus_node_report(struct bus_node *node, struct buf *list) MUST_CHECK;

#endif
