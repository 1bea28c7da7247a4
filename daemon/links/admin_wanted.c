#include "links/admin_wanted.h"

#include <stddef.h>
#include <stdio.h>

#include "proto/api.h"
#include "proto/json.h"

#define OF(order) (1u << (order))

static const char *const admin_wanted_paths[] = {
    [ADMIN_KICK] = "/api/kick",       [ADMIN_TERMINATE] = "/api/terminate",
    [ADMIN_PUBLISH] = "/api/publish", [ADMIN_RELOAD] = "/api/reload",
    [ADMIN_DRAIN] = "/api/drain",     [ADMIN_LOG_LEVEL] = "/api/log-level",
};
#define ADMIN_ORDERS (sizeof(admin_wanted_paths) / sizeof(admin_wanted_paths[0]))

enum admin_order admin_wanted_order(struct slice path)
{
    for (size_t i = ADMIN_KICK; i < ADMIN_ORDERS; i++) {
        if (slice_is(path, admin_wanted_paths[i])) {
            return (enum admin_order)i;
        }
    }
    return (enum admin_order)0;
}

const char *admin_wanted_word(enum admin_order order)
{
    return admin_wanted_paths[order] + sizeof("/api/") - 1;
}

bool admin_wanted_needs_app(enum admin_order order)
{
    return order == ADMIN_KICK || order == ADMIN_TERMINATE || order == ADMIN_PUBLISH;
}

/* ---- queries ---- */

/* Of a page: a number from 1 to ADMIN_WANTED_LIMIT. */
static bool admin_wanted_limit(struct slice text, uint32_t *out)
{
    uint32_t n = 0;
    *out = ADMIN_WANTED_PAGE;
    if (text.p == NULL) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i >= 4) {
            return false;
        }
        n = n * 10 + (uint32_t)(text.p[i] - '0');
    }
    *out = n;
    return n >= 1 && n <= ADMIN_WANTED_LIMIT;
}

int admin_wanted_query(struct slice text, char *room, struct admin_wanted *out,
                       char why[ADMIN_WANTED_WHY])
{
    struct api_query query = {.count = 0};
    *out = (struct admin_wanted){.limit = ADMIN_WANTED_PAGE};
    if (text.p != NULL && api_query_read(text, room, &query) != 0) {
        snprintf(why, ADMIN_WANTED_WHY,
                 "The query cannot be read: it has too many parameters or a broken %% escape");
        return -1;
    }
    out->app_id = api_param(&query, "app");
    out->prefix = api_param(&query, "prefix");
    out->after = api_param(&query, "after");
    out->name = api_param(&query, "name");
    if (!admin_wanted_limit(api_param(&query, "limit"), &out->limit)) {
        snprintf(why, ADMIN_WANTED_WHY, "limit must be a number from 1 to %u", ADMIN_WANTED_LIMIT);
        return -1;
    }
    return 0;
}

/* ---- bodies ---- */

enum admin_wanted_type {
    ADMIN_TEXT,
    ADMIN_BOOL,
    ADMIN_NAMES,
    ADMIN_DATA, /* anything */
};

static const struct {
    const char *name;
    enum admin_wanted_type type;
    unsigned int of; /* orders that have it */
    size_t at;       /* of a text, in struct admin_wanted */
} admin_wanted_members[] = {
    {"app", ADMIN_TEXT, OF(ADMIN_KICK) | OF(ADMIN_TERMINATE) | OF(ADMIN_PUBLISH),
     offsetof(struct admin_wanted, app_id)},
    {"socket", ADMIN_TEXT, OF(ADMIN_KICK), offsetof(struct admin_wanted, socket)},
    {"user", ADMIN_TEXT, OF(ADMIN_TERMINATE), offsetof(struct admin_wanted, user)},
    {"channels", ADMIN_NAMES, OF(ADMIN_PUBLISH), 0},
    {"event", ADMIN_TEXT, OF(ADMIN_PUBLISH), offsetof(struct admin_wanted, event)},
    {"data", ADMIN_DATA, OF(ADMIN_PUBLISH), offsetof(struct admin_wanted, data)},
    {"except", ADMIN_TEXT, OF(ADMIN_PUBLISH), offsetof(struct admin_wanted, except)},
    {"restart", ADMIN_BOOL, OF(ADMIN_DRAIN), 0},
    {"level", ADMIN_TEXT, OF(ADMIN_LOG_LEVEL), offsetof(struct admin_wanted, level)},
};
#define ADMIN_MEMBERS (sizeof(admin_wanted_members) / sizeof(admin_wanted_members[0]))

/* Unescapes a raw string into *room, which it moves on. */
static struct slice admin_wanted_text(struct slice raw, char **room)
{
    struct slice text = json_unescape(raw, *room);
    if (text.p == *room) {
        *room += text.len;
    }
    return text;
}

static int admin_wanted_names(struct slice value, char **room, struct admin_wanted *out,
                              char why[ADMIN_WANTED_WHY])
{
    struct slice item;
    size_t cursor = 0;
    bool names = json_type(value) == JSON_ARRAY;
    out->nchannels = 0; /* a member that comes twice: the last one holds */
    while (names && json_element(value, &cursor, &item)) {
        if (out->nchannels == ADMIN_WANTED_CHANNELS) {
            snprintf(why, ADMIN_WANTED_WHY, "One publish goes to %u channels at most: send several",
                     ADMIN_WANTED_CHANNELS);
            return -1;
        }
        names = json_type(item) == JSON_STRING;
        if (names) {
            struct slice name = admin_wanted_text(item, room);
            out->channels[out->nchannels++] = (struct ff_slice){name.p, (unsigned int)name.len};
        }
    }
    if (!names) {
        snprintf(why, ADMIN_WANTED_WHY, "channels must be an array of names");
        return -1;
    }
    return 0;
}

static int admin_wanted_member(size_t i, struct slice value, char **room, struct admin_wanted *out,
                               char why[ADMIN_WANTED_WHY])
{
    struct slice *text = (struct slice *)(void *)((char *)out + admin_wanted_members[i].at);
    enum json_type type = json_type(value);
    switch (admin_wanted_members[i].type) {
    case ADMIN_DATA: /* the text that clients get: a string as it is, all else as JSON */
        *text = type == JSON_STRING ? admin_wanted_text(value, room) : value;
        return 0;
    case ADMIN_TEXT:
        if (type == JSON_STRING) {
            *text = admin_wanted_text(value, room);
            return 0;
        }
        if (type == JSON_NULL) {
            *text = (struct slice){NULL, 0};
            return 0;
        }
        break;
    case ADMIN_BOOL:
        out->restart = type == JSON_TRUE;
        if (type == JSON_TRUE || type == JSON_FALSE) {
            return 0;
        }
        break;
    case ADMIN_NAMES:
        return admin_wanted_names(value, room, out, why);
    }
    snprintf(why, ADMIN_WANTED_WHY, "%s must be %s", admin_wanted_members[i].name,
             admin_wanted_members[i].type == ADMIN_BOOL ? "true or false" : "a string");
    return -1;
}

/* Names what an order has; of the key that it has not, no more than can be shown. */
static void admin_wanted_unknown(enum admin_order order, char why[ADMIN_WANTED_WHY])
{
    int used = snprintf(why, ADMIN_WANTED_WHY, "%s knows no such member; it has",
                        admin_wanted_word(order));
    const char *comma = "";
    for (size_t i = 0; i < ADMIN_MEMBERS; i++) {
        if (admin_wanted_members[i].of & OF(order)) {
            used += snprintf(why + used, ADMIN_WANTED_WHY - (size_t)used, "%s %s", comma,
                             admin_wanted_members[i].name);
            comma = ",";
        }
    }
    if (*comma == '\0') {
        snprintf(why + used, ADMIN_WANTED_WHY - (size_t)used, " none");
    }
}

int admin_wanted_body(enum admin_order order, struct slice body, char *room,
                      struct admin_wanted *out, char why[ADMIN_WANTED_WHY])
{
    struct slice key, value;
    size_t cursor = 0;
    *out = (struct admin_wanted){.limit = ADMIN_WANTED_PAGE};
    body = json_trim(body);
    if (body.len == 0) {
        return 0;
    }
    if (json_too_deep(body.p, body.len)) {
        snprintf(why, ADMIN_WANTED_WHY,
                 "The body is nested deeper than %u arrays and objects: send less depth",
                 JSON_MAX_DEPTH);
        return -1;
    }
    if (!json_valid(body.p, body.len) || json_type(body) != JSON_OBJECT) {
        snprintf(why, ADMIN_WANTED_WHY, "The body must be a JSON object");
        return -1;
    }
    while (json_next(body, &cursor, &key, &value)) {
        size_t i = 0;
        while (i < ADMIN_MEMBERS && !(json_string_is(key, admin_wanted_members[i].name) &&
                                      (admin_wanted_members[i].of & OF(order)))) {
            i++;
        }
        if (i == ADMIN_MEMBERS) {
            admin_wanted_unknown(order, why);
            return -1;
        }
        if (admin_wanted_member(i, value, &room, out, why) != 0) {
            return -1;
        }
    }
    return 0;
}
