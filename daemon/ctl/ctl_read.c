#include "ctl/ctl_read.h"

#include <string.h>

#include "base/mem.h"
#include "proto/json.h"

struct slice ctl_field(struct slice object, const char *name)
{
    struct slice key, value;
    size_t cursor = 0;
    if (object.p != NULL && object.len > 0 && json_type(object) == JSON_OBJECT) {
        while (json_next(object, &cursor, &key, &value)) {
            if (json_string_is(key, name)) {
                return value;
            }
        }
    }
    return (struct slice){NULL, 0};
}

static uint64_t ctl_read_digits(struct slice value)
{
    uint64_t n = 0;
    for (size_t i = 0; i < value.len && value.p[i] >= '0' && value.p[i] <= '9'; i++) {
        n = n * 10 + (uint64_t)(value.p[i] - '0');
    }
    return n;
}

uint64_t ctl_number(struct slice object, const char *name)
{
    return ctl_read_digits(ctl_field(object, name));
}

bool ctl_true(struct slice object, const char *name)
{
    return slice_is(ctl_field(object, name), "true");
}

struct slice ctl_text(struct slice value, char **room)
{
    *room = NULL;
    if (value.p == NULL || value.len < 2 || json_type(value) != JSON_STRING) {
        return (struct slice){NULL, 0};
    }
    *room = mem_alloc(value.len);
    struct slice text = json_unescape(value, *room);
    if (text.p != *room) {
        memcpy(*room, text.p, text.len);
    }
    return (struct slice){*room, text.len};
}

/* Whether a raw string is this name, with labels or without. */
static bool ctl_read_is_counter(struct slice key, const char *name)
{
    size_t len = strlen(name);
    return key.len >= len + 2 && memcmp(key.p + 1, name, len) == 0 &&
           (key.p[1 + len] == '"' || key.p[1 + len] == '{');
}

uint64_t ctl_counters(struct slice counters, const char *name)
{
    struct slice key, value;
    size_t cursor = 0;
    uint64_t sum = 0;
    if (counters.p != NULL && json_type(counters) == JSON_OBJECT) {
        while (json_next(counters, &cursor, &key, &value)) {
            sum += ctl_read_is_counter(key, name) ? ctl_read_digits(value) : 0;
        }
    }
    return sum;
}

int ctl_escape(struct buf *out, const char *text)
{
    int failed = 0;
    for (; *text != '\0'; text++) {
        unsigned int c = (uint8_t)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", *text) != NULL;
        failed |= plain ? buf_append(out, text, 1) : buf_printf(out, "%%%02X", c);
    }
    return failed;
}
