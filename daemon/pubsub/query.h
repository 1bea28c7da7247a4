/*
 * What the hub knows of channels, for whoever asks: the HTTP API, and publishers. On the hub.
 *
 * In a cluster that is what this node has and what is known everywhere, and, while hub->gathered is
 * set, what others have answered.
 */
#ifndef FF_PUBSUB_QUERY_H
#define FF_PUBSUB_QUERY_H

#include "pubsub/hub.h"

struct channel_info {
    unsigned int type; /* of enum ff_channel_type */
    bool occupied;
    uint32_t subscriptions;
    uint32_t users; /* distinct, on presence channels */
};

/* Channels that nobody is on are answered too: not occupied. */
struct channel_info query_channel(struct hub *hub, const struct app *app, struct slice name);

/* Walks the occupied channels whose names start with `prefix` (.p == NULL: all), users' own
 * channels left out. Start with a cursor of zeros. */
struct query_cursor {
    size_t at;
    bool elsewhere;
};
bool query_next(struct hub *hub, const struct app *app, struct slice prefix,
                struct query_cursor *cursor, struct slice *name, struct channel_info *info);

/* Open WebSockets of the application. */
uint64_t query_connections(const struct hub *hub, const struct app *app);

/* The last published event of a cache channel: its data as a raw JSON string, valid while the cache
 * is not changed, and the seconds that it will still be kept (0: for ever). False: there is none.
 */
bool query_cached(struct hub *hub, const struct app *app, struct slice name, struct slice *data,
                  uint64_t *ttl);

/* The presence of a channel, or NULL when nobody is on it. */
const struct presence *query_presence(struct hub *hub, const struct app *app, struct slice name);

#endif
