#include "proto/redis_text.h"

#include <stdio.h>
#include <string.h>

/* ---- small parts ---- */

/* Digits and nothing else, at most `most`. */
static bool text_number(const char *text, size_t len, uint64_t most, uint64_t *out)
{
    uint64_t number = 0;
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number)) {
            return false;
        }
    }
    *out = number;
    return number <= most;
}

static bool text_port(const char *text, size_t len, uint16_t *out)
{
    uint64_t port;
    if (len > 5 || !text_number(text, len, 65535, &port) || port == 0) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes percent-escapes. False: a broken one, a NUL, or no room for it. */
static bool text_unescape(const char *text, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size) {
            return false;
        }
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

/* A name or an address; where it may not be looked up is for the resolver to say. */
static bool host_fine(const char *text, size_t len, bool v6)
{
    if (len == 0 || len >= REDIS_HOST) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '.' || c == '-' || c == '_';
        if (!fine && !(v6 && (c == ':' || c == '%'))) {
            return false;
        }
    }
    return true;
}

static bool host_set(const char *text, size_t len, bool v6, struct redis_place *out)
{
    if (!host_fine(text, len, v6)) {
        return false;
    }
    memcpy(out->host, text, len);
    out->host[len] = '\0';
    return true;
}

/* ---- places ---- */

bool redis_place_read(const char *text, size_t len, uint16_t port, struct redis_place *out)
{
    const char *rest;
    bool v6 = len > 0 && text[0] == '[';
    memset(out, 0, sizeof(*out));
    if (v6) {
        const char *close = memchr(text, ']', len);
        if (close == NULL || memchr(text, ':', (size_t)(close - text)) == NULL ||
            !host_set(text + 1, (size_t)(close - text) - 1, true, out)) {
            return false;
        }
        rest = close + 1;
    } else {
        const char *colon = memchr(text, ':', len);
        rest = colon != NULL ? colon : text + len;
        if (!host_set(text, (size_t)(rest - text), false, out)) {
            return false;
        }
    }
    size_t left = len - (size_t)(rest - text);
    if (left == 0) {
        out->port = port;
        return port != 0;
    }
    return rest[0] == ':' && text_port(rest + 1, left - 1, &out->port);
}

bool redis_place_equal(const struct redis_place *a, const struct redis_place *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

const char *redis_place_print(const struct redis_place *place, char room[REDIS_PLACE])
{
    if (place->port == 0) {
        snprintf(room, REDIS_PLACE, "%s", place->host);
    } else {
        snprintf(room, REDIS_PLACE, strchr(place->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
                 place->host, (unsigned int)place->port);
    }
    return room;
}

/* ---- URLs ---- */

/* "user:password" or ":password", as it stands before the '@'. */
static bool url_login(const char *text, size_t len, struct redis_url *out)
{
    const char *colon = memchr(text, ':', len);
    if (colon == NULL) {
        return false; /* some take it for a user, some for a password */
    }
    size_t user = (size_t)(colon - text);
    return len > user + 1 && text_unescape(text, user, out->user, sizeof(out->user)) &&
           text_unescape(colon + 1, len - user - 1, out->password, sizeof(out->password));
}

static bool url_db(const char *text, size_t len, struct redis_url *out)
{
    uint64_t db;
    if (!text_number(text, len, REDIS_DB_MAX, &db)) {
        return false;
    }
    out->db = (uint32_t)db;
    return true;
}

static bool url_unix(const char *text, size_t len, struct redis_url *out)
{
    static const char option[] = "?db=";
    if (len > 0 && text[0] != '/') {
        size_t at = 0;
        while (at + 1 < len && (text[at] != '@' || text[at + 1] != '/')) {
            at++;
        }
        if (at + 1 >= len || !url_login(text, at, out)) {
            return false;
        }
        text += at + 1;
        len -= at + 1;
    }
    const char *query = memchr(text, '?', len);
    size_t path = query != NULL ? (size_t)(query - text) : len;
    if (query != NULL) {
        size_t word = sizeof(option) - 1;
        if (len - path < word || memcmp(query, option, word) != 0 ||
            !url_db(query + word, len - path - word, out)) {
            return false;
        }
    }
    /* What fits the address of a Unix socket; a slash alone or at the end is a directory. */
    return path > 1 && path <= 107 && text[path - 1] != '/' &&
           text_unescape(text, path, out->place.host, sizeof(out->place.host));
}

static bool url_tcp(const char *text, size_t len, struct redis_url *out)
{
    const char *at = memrchr(text, '@', len);
    if (at != NULL) {
        if (!url_login(text, (size_t)(at - text), out)) {
            return false;
        }
        len -= (size_t)(at - text) + 1;
        text = at + 1;
    }
    const char *slash = memchr(text, '/', len);
    size_t host = slash != NULL ? (size_t)(slash - text) : len;
    if (slash != NULL && len > host + 1 && !url_db(slash + 1, len - host - 1, out)) {
        return false;
    }
    if (host == 0) {
        out->place.port = REDIS_PORT;
        return true;
    }
    return redis_place_read(text, host, REDIS_PORT, &out->place);
}

bool redis_url_read(const char *text, size_t len, struct redis_url *out)
{
    static const struct {
        const char *start;
        bool tls, local;
    } schemes[] = {
        {"redis://", false, false}, {"rediss://", true, false}, {"unix://", false, true}};

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t start = strlen(schemes[i].start);
        if (len >= start && memcmp(text, schemes[i].start, start) == 0) {
            out->tls = schemes[i].tls;
            return schemes[i].local ? url_unix(text + start, len - start, out)
                                    : url_tcp(text + start, len - start, out);
        }
    }
    return false;
}

/* ---- slots and ids ---- */

static uint16_t crc16(const char *bytes, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)(unsigned char)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
        }
    }
    return (uint16_t)crc;
}

uint16_t redis_slot(const char *key, size_t len)
{
    const char *open = memchr(key, '{', len);
    if (open != NULL) {
        const char *tag = open + 1;
        const char *close = memchr(tag, '}', len - (size_t)(tag - key));
        if (close != NULL && close > tag) {
            return crc16(tag, (size_t)(close - tag)) % REDIS_SLOTS;
        }
    }
    return crc16(key, len) % REDIS_SLOTS;
}

bool redis_id_read(const char *text, size_t len, struct redis_id *out)
{
    const char *dash = memchr(text, '-', len);
    size_t ms = dash != NULL ? (size_t)(dash - text) : len;
    out->seq = 0;
    return text_number(text, ms, UINT64_MAX, &out->ms) &&
           (dash == NULL || text_number(dash + 1, len - ms - 1, UINT64_MAX, &out->seq));
}

const char *redis_id_print(struct redis_id id, char room[REDIS_ID])
{
    snprintf(room, REDIS_ID, "%llu-%llu", (unsigned long long)id.ms, (unsigned long long)id.seq);
    return room;
}

int redis_id_compare(struct redis_id a, struct redis_id b)
{
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* ---- errors ---- */

static const struct {
    const char *start; /* of the error reply; NULL: no server says it */
    const char *says, *fix;
} troubles[REDIS_TROUBLE_MAX] = {
    [REDIS_TROUBLE_NONE] = {NULL, "is in order", ""},
    [REDIS_TROUBLE_COMMAND] = {NULL, "refuses a command", ""},
    [REDIS_TROUBLE_MOVED] = {"MOVED ", "is a node of a Redis Cluster",
                             "list its nodes in [redis] cluster"},
    [REDIS_TROUBLE_ASK] = {"ASK ", "is a node of a Redis Cluster",
                           "list its nodes in [redis] cluster"},
    [REDIS_TROUBLE_READONLY] = {"READONLY ", "is a replica and takes no writes",
                                "name the master in [redis] url, or the sentinels that know it in "
                                "[redis] sentinels"},
    [REDIS_TROUBLE_UNBLOCKED] = {"UNBLOCKED ", "has become a replica", ""},
    [REDIS_TROUBLE_LOADING] = {"LOADING ", "is still loading its data", ""},
    [REDIS_TROUBLE_MASTERDOWN] = {"MASTERDOWN ", "is a replica that has lost its master", ""},
    [REDIS_TROUBLE_CLUSTERDOWN] = {"CLUSTERDOWN ", "says that the cluster is down", ""},
    [REDIS_TROUBLE_TRYAGAIN] = {"TRYAGAIN ", "is moving the key to another node", ""},
    [REDIS_TROUBLE_BUSY] = {"BUSY ", "is busy with a script", ""},
    [REDIS_TROUBLE_CLIENTS] = {"ERR max number of clients reached", "has too many clients",
                               "raise maxclients in its configuration"},
    [REDIS_TROUBLE_DENIED] = {"DENIED ", "is in protected mode and takes no connections from here",
                              "give it a password (requirepass), or protected-mode no where "
                              "nobody else can reach it"},
    [REDIS_TROUBLE_NOAUTH] = {"NOAUTH ", "wants a password",
                              "put it into [redis] url: redis://:password@host"},
    [REDIS_TROUBLE_WRONGPASS] = {"WRONGPASS ", "refuses the user or the password",
                                 "correct them in [redis] url"},
    [REDIS_TROUBLE_NOPERM] = {"NOPERM ", "does not permit this user what is needed",
                              "give the user of [redis] url the commands and keys (ACL SETUSER)"},
    [REDIS_TROUBLE_OOM] = {"OOM ", "has reached its maxmemory and takes no writes",
                           "raise maxmemory, or free what else fills it"},
    [REDIS_TROUBLE_MISCONF] = {"MISCONF ", "takes no writes since it cannot save to disk",
                               "see its log; without need of persistence: save \"\", or "
                               "stop-writes-on-bgsave-error no"},
    [REDIS_TROUBLE_NOREPLICAS] = {"NOREPLICAS ", "takes no writes without enough replicas",
                                  "see min-replicas-to-write in its configuration"},
    [REDIS_TROUBLE_NOCLUSTER] = {"ERR This instance has cluster support disabled",
                                 "is no node of a Redis Cluster",
                                 "name it in [redis] url, and leave [redis] cluster empty"},
    [REDIS_TROUBLE_CONNECT] = {NULL, "cannot be reached", ""},
    [REDIS_TROUBLE_LOST] = {NULL, "is lost", ""},
    [REDIS_TROUBLE_SILENT] = {NULL, "does not answer", ""},
    [REDIS_TROUBLE_PROTOCOL] = {NULL, "does not answer as Redis does",
                                "see host and port in [redis], and whether it is redis:// or "
                                "rediss://"},
};

enum redis_trouble redis_trouble_of(const char *text, size_t len)
{
    struct slice error = {text, len};
    for (unsigned int i = 0; i < REDIS_TROUBLE_MAX; i++) {
        if (troubles[i].start != NULL && slice_starts(error, troubles[i].start)) {
            return (enum redis_trouble)i;
        }
    }
    return REDIS_TROUBLE_COMMAND;
}

const char *redis_trouble_says(enum redis_trouble trouble)
{
    return troubles[trouble].says;
}

const char *redis_trouble_fix(enum redis_trouble trouble)
{
    return troubles[trouble].fix;
}

bool redis_redirect_read(const char *text, size_t len, struct redis_redirect *out)
{
    struct slice error = {text, len};
    uint64_t slot;
    size_t word = slice_starts(error, "MOVED ") ? 6 : slice_starts(error, "ASK ") ? 4 : 0;
    if (word == 0) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    out->ask = word == 4;
    text += word;
    len -= word;
    const char *space = memchr(text, ' ', len);
    if (space == NULL || !text_number(text, (size_t)(space - text), REDIS_SLOTS - 1, &slot)) {
        return false;
    }
    out->slot = (uint16_t)slot;
    len -= (size_t)(space - text) + 1;
    text = space + 1;
    const char *colon = memrchr(text, ':', len);
    if (colon == NULL) {
        return false;
    }
    size_t host = (size_t)(colon - text);
    if (!text_port(colon + 1, len - host - 1, &out->place.port)) {
        return false;
    }
    return host == 0 || (host == 1 && text[0] == '?') || host_set(text, host, true, &out->place);
}
