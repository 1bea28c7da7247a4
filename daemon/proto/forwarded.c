#include "proto/forwarded.h"

#include <string.h>
#include <strings.h>

static bool forwarded_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* An address with or without a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80. */
static bool forwarded_read_hop(struct slice text, struct address *out)
{
    while (text.len > 0 && forwarded_is_blank(text.p[0])) {
        text.p++;
        text.len--;
    }
    while (text.len > 0 && forwarded_is_blank(text.p[text.len - 1])) {
        text.len--;
    }
    if (text.len == 0) {
        return false;
    }
    const char *end = text.p + text.len, *port = NULL;
    if (text.p[0] == '[') {
        const char *close = memchr(text.p, ']', text.len);
        if (close == NULL || memchr(text.p, ':', (size_t)(close - text.p)) == NULL) {
            return false;
        }
        if (close + 1 < end) {
            port = close + 1;
        }
        text = (struct slice){text.p + 1, (size_t)(close - text.p) - 1};
    } else {
        const char *colon = memchr(text.p, ':', text.len);
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon) - 1) == NULL) {
            port = colon;
            text.len = (size_t)(colon - text.p);
        }
    }
    if (port != NULL) {
        if (*port != ':' || end - port < 2 || end - port > 6) {
            return false;
        }
        for (const char *c = port + 1; c < end; c++) {
            if (*c < '0' || *c > '9') {
                return false;
            }
        }
    }
    return address_read(text.p, text.len, out);
}

struct address forwarded_for(const struct http_request *request, const struct networks *trusted,
                             const struct address *peer)
{
    struct address client = *peer;
    if (!networks_have(trusted, peer)) {
        return client;
    }
    for (size_t i = request->nheaders; i-- > 0;) {
        struct slice name = request->headers[i].name, value = request->headers[i].value;
        if (name.len != 15 || strncasecmp(name.p, "X-Forwarded-For", 15) != 0) {
            continue;
        }
        for (bool more = true; more;) {
            const char *comma = value.len > 0 ? memrchr(value.p, ',', value.len) : NULL;
            size_t before = comma != NULL ? (size_t)(comma - value.p) : 0;
            struct slice hop = value;
            if (comma != NULL) {
                hop = (struct slice){comma + 1, value.len - before - 1};
            }
            if (!forwarded_read_hop(hop, &client)) {
                return *peer;
            }
            if (!networks_have(trusted, &client)) {
                return client;
            }
            more = comma != NULL;
            value.len = before;
        }
    }
    return client;
}
