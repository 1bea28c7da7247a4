/*
 * The bytes behind the first as the body or the query of a request to the operator's interface; the
 * first one says which.
 *
 * Holds: what is read as an order was valid JSON or nothing, has only views that are within reach
 * and together no longer than it, and names what that order has; what is refused says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "links/admin_wanted.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touch(struct slice text)
{
    volatile unsigned int sum = 0;
    check(text.p != NULL || text.len == 0);
    for (size_t i = 0; i < text.len; i++) {
        sum = sum + (unsigned char)text.p[i];
    }
    return text.len;
}

static void query(struct slice text)
{
    struct admin_wanted wanted;
    char why[ADMIN_WANTED_WHY] = "", *room = malloc(text.len + 1);
    check(room != NULL);
    bool read = admin_wanted_query(text, room, &wanted, why) == 0;
    check(read == (why[0] == '\0'));
    if (read) {
        check(wanted.limit >= 1 && wanted.limit <= ADMIN_WANTED_LIMIT && wanted.nchannels == 0);
        check(touch(wanted.app_id) + touch(wanted.prefix) + touch(wanted.after) +
                  touch(wanted.name) <=
              text.len);
    }
    free(room);
}

static void body(enum admin_order order, struct slice text)
{
    struct admin_wanted wanted;
    char why[ADMIN_WANTED_WHY] = "", *room = malloc(text.len + 1);
    check(room != NULL);
    bool read = admin_wanted_body(order, text, room, &wanted, why) == 0;
    check(read == (why[0] == '\0'));
    if (read) {
        check(json_trim(text).len == 0 || json_valid(text.p, text.len));
        check(wanted.app == NULL && wanted.nchannels <= ADMIN_WANTED_CHANNELS);
        size_t total = touch(wanted.app_id) + touch(wanted.socket) + touch(wanted.user) +
                       touch(wanted.event) + touch(wanted.data) + touch(wanted.except) +
                       touch(wanted.level);
        for (uint32_t i = 0; i < wanted.nchannels; i++) {
            total += touch((struct slice){wanted.channels[i].p, wanted.channels[i].len});
        }
        check(total <= text.len);
        check(order == ADMIN_DRAIN || !wanted.restart);
        check(order == ADMIN_PUBLISH || (wanted.nchannels == 0 && wanted.data.p == NULL));
        check(order == ADMIN_KICK || wanted.socket.p == NULL);
        check(order == ADMIN_TERMINATE || wanted.user.p == NULL);
        check(admin_wanted_needs_app(order) || wanted.app_id.p == NULL);
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    /* A block of its own, so that a step behind it is seen. */
    char *copy = malloc(size);
    check(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct slice text = {copy, size - 1};
    unsigned int which = data[0] % (ADMIN_LOG_LEVEL + 1u);
    if (which == 0) {
        query(text);
        check(admin_wanted_order(text) == 0 || text.len > sizeof("/api/") - 1);
    } else {
        body((enum admin_order)which, text);
    }
    free(copy);
    return 0;
}
