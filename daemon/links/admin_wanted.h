/*
 * What a request below /api/ names, read from its query or its body. Pure.
 *
 * A member that an order does not know, or of another type than it should be, is refused: what is
 * overlooked in {"resart":true} would end the daemon instead of starting it anew.
 */
#ifndef FF_LINKS_ADMIN_WANTED_H
#define FF_LINKS_ADMIN_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/slice.h"
#include "shared/ipc_proto.h"

#define ADMIN_WANTED_CHANNELS 100u  /* of one publish */
#define ADMIN_WANTED_LIMIT    1000u /* entries of a page, at most */
#define ADMIN_WANTED_PAGE     100u  /* when nothing else is asked for */
#define ADMIN_WANTED_WHY      200u

struct app;

enum admin_order {
    ADMIN_KICK = 1,
    ADMIN_TERMINATE,
    ADMIN_PUBLISH,
    ADMIN_RELOAD,
    ADMIN_DRAIN,
    ADMIN_LOG_LEVEL,
};

/* Views into the request and into the room that was given; .p == NULL: it does not say. */
struct admin_wanted {
    struct slice app_id, name, prefix, after;              /* of a query */
    struct slice socket, user, event, data, except, level; /* of a body, which has app_id too */
    struct ff_slice channels[ADMIN_WANTED_CHANNELS];
    uint32_t nchannels, limit;
    bool restart;
    const struct app *app; /* whoever reads app_id finds it; NULL here */
};

/* "/api/kick" and so on; 0: it is no order. */
enum admin_order admin_wanted_order(struct slice path);
const char *admin_wanted_word(enum admin_order order); /* "kick" */
bool admin_wanted_needs_app(enum admin_order order);

/* `room` has query.len + 1 bytes. -1: `why` says what is wrong with it. */
int admin_wanted_query(struct slice query, char *room, struct admin_wanted *out,
                       char why[ADMIN_WANTED_WHY]) MUST_CHECK;
/* The same of a body, which may be empty; `room` has body.len + 1 bytes. */
int admin_wanted_body(enum admin_order order, struct slice body, char *room,
                      struct admin_wanted *out, char why[ADMIN_WANTED_WHY]) MUST_CHECK;

#endif
