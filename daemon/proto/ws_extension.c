#include "proto/ws_extension.h"

#include <stdio.h>
#include <strings.h>

#include "base/check.h"

#define VALUE_MAX 8 /* longer than any value that we take */

struct cursor {
    const char *p, *end;
};

/* A parameter: its name, and its value without quotes. */
struct param {
    struct slice name;
    bool has_value, too_long;
    char value[VALUE_MAX];
    size_t len;
};

static void ws_deflate_skip_blanks(struct cursor *at)
{
    while (at->p < at->end && (*at->p == ' ' || *at->p == '\t')) {
        at->p++;
    }
}

static bool ws_deflate_next_is(struct cursor *at, char c)
{
    ws_deflate_skip_blanks(at);
    if (at->p == at->end || *at->p != c) {
        return false;
    }
    at->p++;
    return true;
}

static bool ws_deflate_is_token(char c)
{
    return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static struct slice ws_deflate_token(struct cursor *at)
{
    ws_deflate_skip_blanks(at);
    const char *start = at->p;
    while (at->p < at->end && ws_deflate_is_token(*at->p)) {
        at->p++;
    }
    return (struct slice){start, (size_t)(at->p - start)};
}

static void ws_deflate_value_add(struct param *param, char c)
{
    if (param->len < VALUE_MAX) {
        param->value[param->len++] = c;
    } else {
        param->too_long = true;
    }
}

/* A token, or one in quotes. False: neither. */
static bool ws_deflate_read_value(struct cursor *at, struct param *param)
{
    param->has_value = true;
    if (!ws_deflate_next_is(at, '"')) {
        struct slice value = ws_deflate_token(at);
        for (size_t i = 0; i < value.len; i++) {
            ws_deflate_value_add(param, value.p[i]);
        }
        return value.len > 0;
    }
    while (at->p < at->end && *at->p != '"') {
        if (*at->p == '\\' && ++at->p == at->end) {
            return false;
        }
        if (!ws_deflate_is_token(*at->p)) {
            return false;
        }
        ws_deflate_value_add(param, *at->p++);
    }
    if (at->p == at->end) {
        return false;
    }
    at->p++;
    return param->len > 0;
}

static bool ws_deflate_is_word(struct slice s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

/* 8 to 15 without leading zeros; 0: anything else. */
static uint8_t ws_deflate_window_bits(const struct param *param)
{
    if (!param->has_value || param->too_long) {
        return 0;
    }
    const char *v = param->value;
    if (param->len == 1 && (v[0] == '8' || v[0] == '9')) {
        return (uint8_t)(v[0] - '0');
    }
    if (param->len == 2 && v[0] == '1' && v[1] >= '0' && v[1] <= '5') {
        return (uint8_t)(10 + v[1] - '0');
    }
    return 0;
}

enum seen {
    SERVER_NO_CONTEXT = 1,
    CLIENT_NO_CONTEXT = 2,
    SERVER_BITS = 4,
    CLIENT_BITS = 8,
};

/* False: the offer cannot be taken. */
static bool ws_deflate_take_param(const struct param *param, unsigned int *seen,
                                  struct ws_deflate *out)
{
    unsigned int which = 0;
    bool fits = false;
    if (ws_deflate_is_word(param->name, "server_no_context_takeover")) {
        which = SERVER_NO_CONTEXT;
        fits = !param->has_value;
    } else if (ws_deflate_is_word(param->name, "client_no_context_takeover")) {
        which = CLIENT_NO_CONTEXT;
        fits = !param->has_value;
    } else if (ws_deflate_is_word(param->name, "server_max_window_bits")) {
        which = SERVER_BITS;
        out->server_bits = ws_deflate_window_bits(param);
        out->limited = true;
        fits = out->server_bits != 0;
    } else if (ws_deflate_is_word(param->name, "client_max_window_bits")) {
        /* It may always use less than what we can read, so there is nothing to answer. */
        which = CLIENT_BITS;
        fits = !param->has_value || ws_deflate_window_bits(param) != 0;
    }
    bool doubled = (*seen & which) != 0;
    *seen |= which;
    return fits && !doubled;
}

bool ws_deflate_accept(struct slice header, struct ws_deflate *out)
{
    struct cursor at = {header.p, header.p + header.len};
    while (header.p != NULL) {
        while (ws_deflate_next_is(&at, ',')) {
        }
        struct slice name = ws_deflate_token(&at);
        if (name.len == 0) {
            return false; /* the end, or nothing that the grammar knows */
        }
        bool fits = ws_deflate_is_word(name, "permessage-deflate");
        unsigned int seen = 0;
        *out = (struct ws_deflate){.server_bits = 15};
        while (ws_deflate_next_is(&at, ';')) {
            struct param param = {.name = ws_deflate_token(&at)};
            if (param.name.len == 0 ||
                (ws_deflate_next_is(&at, '=') && !ws_deflate_read_value(&at, &param))) {
                return false;
            }
            fits = fits && ws_deflate_take_param(&param, &seen, out);
        }
        bool more = ws_deflate_next_is(&at, ',');
        if (!more && at.p != at.end) {
            return false;
        }
        if (fits) {
            return true;
        }
        if (!more) {
            return false;
        }
    }
    return false;
}

size_t ws_deflate_answer(const struct ws_deflate *deflate, char out[WS_DEFLATE_ANSWER_MAX])
{
    static const char text[] = "Sec-WebSocket-Extensions: permessage-deflate; "
                               "server_no_context_takeover; client_no_context_takeover";
    int len = deflate->limited
                  ? snprintf(out, WS_DEFLATE_ANSWER_MAX, "%s; server_max_window_bits=%u\r\n", text,
                             deflate->server_bits)
                  : snprintf(out, WS_DEFLATE_ANSWER_MAX, "%s\r\n", text);
    check(len > 0 && (size_t)len < WS_DEFLATE_ANSWER_MAX);
    return (size_t)len;
}
