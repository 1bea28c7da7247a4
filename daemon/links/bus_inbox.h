/*
 * What comes out of the log: entries of other nodes, and what records about nodes mean, whoever
 * said them. The part of links/bus_log that reads. On the hub.
 */
#ifndef FF_LINKS_BUS_INBOX_H
#define FF_LINKS_BUS_INBOX_H

#include "links/bus_lane.h"

/* An entry of another node. old: it may have been read before. */
void bus_inbox_entry(struct bus_log *log, const struct bus_entry *entry, bool old, uint64_t now);
/* An own record that has come back. */
void bus_inbox_own(struct bus_log *log, const struct bus_record *record, uint64_t number,
                   uint64_t now);
/* One tick more: who is silent, who has not answered, what comes no more. */
void bus_inbox_tick(struct bus_log *log, uint64_t now);
/* Frees what all others have. */
void bus_inbox_release(struct bus_log *log);
/* Whether this node is ready now. */
void bus_inbox_check_ready(struct bus_log *log);

#endif
