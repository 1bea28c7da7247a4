/*
 * The data of one node's side of one lane, and what it tells its owner: links/bus_log.h says what
 * is done with it. On the hub.
 */
#ifndef FF_LINKS_BUS_LANE_H
#define FF_LINKS_BUS_LANE_H

#include "links/bus_nodes.h"
#include "links/bus_out.h"

#define BUS_READ_COUNT 256u  /* for the COUNT of a read: no reply may fill buffers */
#define BUS_QUICK_MS   100u  /* between beats until the node is ready */
#define BUS_SETTLE     5u    /* beats that come back while nobody new is heard of */
#define BUS_RETRY_MS   250u  /* until a refused entry is tried again */
#define BUS_DEAF_MS    2000u /* at least; from the append of a beat until the reading is doubted */

enum bus_event_kind {
    BUS_EVENT_CONFIRMED, /* .to: own records up to it are in the log */
    BUS_EVENT_DROPPED,   /* .from, .to, .broadcasts: own records, not known to be in the log */
    BUS_EVENT_LOST,      /* .node, .records, .broadcasts: of it, missing for ever */
    BUS_EVENT_CAME,      /* .node is alive */
    BUS_EVENT_GONE,      /* .node is not; .clean: it said goodbye, .own: this one's word counted */
    BUS_EVENT_STALE,     /* .node says what it owns from here on */
    BUS_EVENT_SWEPT,     /* .node has said it */
    BUS_EVENT_DIED,      /* this node was declared dead, and begins another incarnation */
    BUS_EVENT_STATE,     /* somebody needs to know what this node owns */
    BUS_EVENT_READY,     /* all who are alive have said what they own, or that took too long */
    BUS_EVENT_REREAD,    /* ask bus_log_read again */
    BUS_EVENT_REWOUND,   /* the log has lost something, or is new */
    BUS_EVENT_NAMESAKE,  /* .node has the name of .other, which is alive as well; NULL: of this one
                          */
    BUS_EVENT_TWIN,      /* somebody else writes with the id of this node's process */
    BUS_EVENT_FOREIGN,   /* .entry: of another format, or of other lanes; ignored */
    BUS_EVENT_BAD,       /* an entry that cannot be understood */
};

struct bus_event {
    enum bus_event_kind kind;
    struct bus_node *node;
    const struct bus_node *other;
    const struct bus_entry *entry;
    uint64_t from, to, records, broadcasts;
    bool clean, own;
};

struct bus_log_settings {
    uint64_t node; /* random */
    const char *name;
    uint32_t lane, lanes;
    uint64_t window_ms; /* resend_window, and bytes for this lane */
    size_t max_bytes;
    uint64_t node_timeout_ms;
};

struct bus_callbacks {
    /* A record, as its turn comes; views are good until the return. node NULL: an own one, which
     * has come back and has its place in the log. */
    void (*apply)(void *arg, struct bus_node *node, const struct bus_record *record);
    void (*event)(void *arg, const struct bus_event *event);
    void *arg;
};

struct bus_log {
    struct bus_callbacks callbacks;
    char name[BUS_NAME_MAX + 1];
    struct bus_out out;
    struct bus_reader reader;
    struct bus_nodes nodes;
    uint64_t interval, timeout; /* ms: between beats; until a node is declared dead */
    bool writable, started, joined, ready, leaving, state_due, report_now;
    uint64_t retry_at;
    uint64_t hello;     /* its number */
    uint64_t confirmed; /* own records up to this one were seen in the log */
    uint64_t statement; /* the last one begun */
    /* The beat that has not come back; 0: none. At most one, so that a log that stood still does
     * not let time leap when it goes on. */
    uint64_t beat, beat_at, beat_due, beat_replied_at;
    uint64_t ticked_at;  /* when the beat of the last tick was sent */
    uint64_t lag;        /* ms that the last beat took to come back */
    uint64_t settled;    /* beats back since the node joined */
    uint64_t fresh;      /* own entries without numbers from this one on are newer than a rewind */
    uint64_t unreported; /* bytes applied since the last report */
    /* for the metrics: of others */
    uint64_t entries_in, bytes_in, records_in, duplicates, lost, bad, foreign, rewinds;
};

#endif
