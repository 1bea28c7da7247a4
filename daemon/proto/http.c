#include "proto/http.h"

#include "shared/hex.h"

#define MAX_METHOD 32u
#define MAX_DIGITS 18u /* of a Content-Length: stays below 2^63 */
#define KEY_LEN    24u /* of a Sec-WebSocket-Key: base64 of 16 bytes */

enum { TOKEN = 1, HOST = 2 }; /* what a byte may be part of */

/* clang-format off */
static const uint8_t classes[256] = {
    ['!'] = TOKEN | HOST, ['#'] = TOKEN, ['$'] = TOKEN | HOST, ['%'] = TOKEN | HOST,
    ['&'] = TOKEN | HOST, ['\''] = TOKEN | HOST, ['('] = HOST, [')'] = HOST,
    ['*'] = TOKEN | HOST, ['+'] = TOKEN | HOST, [','] = HOST, ['-'] = TOKEN | HOST,
    ['.'] = TOKEN | HOST, ['0' ... '9'] = TOKEN | HOST, [':'] = HOST, [';'] = HOST, ['='] = HOST,
    ['A' ... 'Z'] = TOKEN | HOST, ['['] = HOST, [']'] = HOST, ['^'] = TOKEN, ['_'] = TOKEN | HOST,
    ['`'] = TOKEN, ['a' ... 'z'] = TOKEN | HOST, ['|'] = TOKEN, ['~'] = TOKEN | HOST,
};
/* clang-format on */

static bool http_is_class(char c, int class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

static bool http_is_target(char c)
{
    return c > ' ' && c < 0x7F && c != '#'; /* signed or not, bytes from 0x80 on are outside */
}

static bool http_is_value(char c)
{
    return ((unsigned char)c >= ' ' && c != 0x7F) || c == '\t';
}

static bool http_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool http_same_word(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (http_lower(a[i]) != http_lower(b[i])) {
            return false;
        }
    }
    return true;
}

static bool http_is_word(struct slice s, const char *word)
{
    return s.len == strlen(word) && http_same_word(s.p, word, s.len);
}

static struct slice http_trim(const char *p, const char *end)
{
    while (p < end && http_is_blank(*p)) {
        p++;
    }
    while (end > p && http_is_blank(end[-1])) {
        end--;
    }
    return (struct slice){p, (size_t)(end - p)};
}

struct parser {
    const char *p, *end;
    int status;
    const char *why;
    bool has_length;
};

static enum http_result http_bad(struct parser *parser, int status, const char *why)
{
    parser->status = status;
    parser->why = why;
    return HTTP_BAD;
}

/* Exactly CR LF. */
static enum http_result http_parse_line_end(struct parser *parser)
{
    if (parser->p == parser->end) {
        return HTTP_MORE;
    }
    if (*parser->p != '\r') {
        return http_bad(parser, 400, "A line does not end in CR LF");
    }
    if (parser->p + 1 == parser->end) {
        return HTTP_MORE;
    }
    if (parser->p[1] != '\n') {
        return http_bad(parser, 400, "A line does not end in CR LF");
    }
    parser->p += 2;
    return HTTP_DONE;
}

/* "HTTP/1.x": any x above 0 is handled as 1, as RFC 9110 section 2.5 wants it. */
static enum http_result http_parse_version(struct parser *parser, struct http_request *out)
{
    const char *shape = "HTTP/d.d";
    const char *start = parser->p;

    for (; *shape != '\0'; shape++, parser->p++) {
        if (parser->p == parser->end) {
            return HTTP_MORE;
        }
        if (*shape == 'd' ? !http_is_digit(*parser->p) : *parser->p != *shape) {
            return http_bad(parser, 400, "Malformed HTTP version");
        }
        if (parser->p - start == 5 && *parser->p != '1') {
            return http_bad(parser, 505, "Only HTTP/1.0 and HTTP/1.1 are supported");
        }
    }
    out->minor = start[7] == '0' ? 0 : 1;
    return http_parse_line_end(parser);
}

/* origin-form, absolute-form (whose authority is skipped) or "*". */
static bool http_split_target(struct http_request *out)
{
    const char *p = out->target.p;
    const char *end = p + out->target.len;
    const char *mark;

    if (*p != '/' && !slice_is(out->target, "*")) {
        if (out->target.len > 7 && http_same_word(p, "http://", 7)) {
            p += 7;
        } else if (out->target.len > 8 && http_same_word(p, "https://", 8)) {
            p += 8;
        } else {
            return false;
        }
        const char *authority = p;
        while (p < end && http_is_class(*p, HOST)) {
            p++;
        }
        if (p == authority || (p < end && *p != '/' && *p != '?')) {
            return false;
        }
    }
    mark = p < end ? memchr(p, '?', (size_t)(end - p)) : NULL;
    out->query = (struct slice){NULL, 0};
    if (mark != NULL) {
        out->query = (struct slice){mark + 1, (size_t)(end - mark - 1)};
        end = mark;
    }
    out->path = end > p ? (struct slice){p, (size_t)(end - p)} : SLICE("/");
    return true;
}

static enum http_result http_parse_request_line(struct parser *parser, struct http_request *out)
{
    const char *start = parser->p;

    if (start < parser->end && *start == '\r') {
        enum http_result result = http_parse_line_end(parser);
        if (result != HTTP_DONE) {
            return result;
        }
        start = parser->p;
    }
    for (; parser->p < parser->end && http_is_class(*parser->p, TOKEN); parser->p++) {
        if (parser->p - start >= (int)MAX_METHOD) {
            return http_bad(parser, 501, "The method is too long");
        }
    }
    if (parser->p == parser->end) {
        return HTTP_MORE;
    }
    out->method = (struct slice){start, (size_t)(parser->p - start)};
    if (*parser->p != ' ' || out->method.len == 0) {
        return http_bad(parser, 400, "Malformed method");
    }
    start = ++parser->p;
    for (; parser->p < parser->end && http_is_target(*parser->p); parser->p++) {
        if (parser->p - start >= HTTP_MAX_TARGET) {
            return http_bad(parser, 414, "The request target is too long");
        }
    }
    if (parser->p == parser->end) {
        return HTTP_MORE;
    }
    out->target = (struct slice){start, (size_t)(parser->p - start)};
    if (*parser->p != ' ' || out->target.len == 0 || !http_split_target(out)) {
        return http_bad(parser, 400, "Malformed request target");
    }
    parser->p++;
    return http_parse_version(parser, out);
}

/* The headers that say where the message ends and whom it is for; everything else is only kept. */
static enum http_result http_take_header(struct parser *parser, struct http_request *out,
                                         struct slice name, struct slice value)
{
    if (http_is_word(name, "host")) {
        if (http_header_count(out, "host") != 0) {
            return http_bad(parser, 400, "More than one Host");
        }
        for (size_t i = 0; i < value.len; i++) {
            if (!http_is_class(value.p[i], HOST)) {
                return http_bad(parser, 400, "Malformed Host");
            }
        }
    } else if (http_is_word(name, "content-length")) {
        if (parser->has_length) {
            return http_bad(parser, 400, "More than one Content-Length");
        }
        if (out->chunked) {
            return http_bad(parser, 400, "Content-Length together with Transfer-Encoding");
        }
        if (value.len == 0 || value.len > MAX_DIGITS) {
            return http_bad(parser, 400, "Malformed Content-Length");
        }
        for (size_t i = 0; i < value.len; i++) {
            if (!http_is_digit(value.p[i])) {
                return http_bad(parser, 400, "Malformed Content-Length");
            }
            out->body_len = out->body_len * 10 + (uint64_t)(value.p[i] - '0');
        }
        parser->has_length = true;
    } else if (http_is_word(name, "transfer-encoding")) {
        if (out->chunked) {
            return http_bad(parser, 400, "More than one Transfer-Encoding");
        }
        if (parser->has_length) {
            return http_bad(parser, 400, "Content-Length together with Transfer-Encoding");
        }
        if (out->minor == 0) {
            return http_bad(parser, 400, "Transfer-Encoding in HTTP/1.0");
        }
        if (!http_is_word(value, "chunked")) {
            return http_bad(parser, 501, "Only Transfer-Encoding: chunked is supported");
        }
        out->chunked = true;
    }
    if (out->nheaders == HTTP_MAX_HEADERS) {
        return http_bad(parser, 431, "Too many headers");
    }
    out->headers[out->nheaders++] = (struct http_header){name, value};
    return HTTP_DONE;
}

static enum http_result http_parse_header(struct parser *parser, struct http_request *out)
{
    const char *start = parser->p;
    struct slice name;

    while (parser->p < parser->end && http_is_class(*parser->p, TOKEN)) {
        parser->p++;
    }
    if (parser->p == parser->end) {
        return HTTP_MORE;
    }
    name = (struct slice){start, (size_t)(parser->p - start)};
    if (*parser->p != ':' || name.len == 0) {
        return http_bad(parser, 400, "Malformed header name");
    }
    start = ++parser->p;
    while (parser->p < parser->end && http_is_value(*parser->p)) {
        parser->p++;
    }
    if (parser->p == parser->end) {
        return HTTP_MORE;
    }
    struct slice value = http_trim(start, parser->p);
    if (*parser->p != '\r') {
        return http_bad(parser, 400, "Control byte in a header");
    }
    enum http_result result = http_parse_line_end(parser);
    return result == HTTP_DONE ? http_take_header(parser, out, name, value) : result;
}

static enum http_result http_parse_headers(struct parser *parser, struct http_request *out)
{
    for (;;) {
        enum http_result result;

        if (parser->p == parser->end) {
            return HTTP_MORE;
        }
        if (*parser->p == '\r') {
            return http_parse_line_end(parser);
        }
        result = http_parse_header(parser, out);
        if (result != HTTP_DONE) {
            return result;
        }
    }
}

static enum http_result http_parse_finish(struct parser *parser, struct http_request *out)
{
    if (out->minor == 1 && http_header_count(out, "host") == 0) {
        return http_bad(parser, 400, "Host is missing");
    }
    if (out->minor == 0) {
        out->keep_alive = http_header_has(out, "connection", "keep-alive") &&
                          !http_header_has(out, "connection", "close");
    } else {
        out->keep_alive = !http_header_has(out, "connection", "close");
        out->expect_continue = http_header_has(out, "expect", "100-continue");
    }
    return HTTP_DONE;
}

enum http_result http_parse(const char *bytes, size_t len, struct http_request *out, int *status,
                            const char **why)
{
    size_t most = len < HTTP_MAX_HEAD ? len : HTTP_MAX_HEAD;
    struct parser parser = {.p = bytes, .end = bytes + most};
    enum http_result result;
    bool in_headers = false;

    /* Not the whole struct: 2 KB of headers need no zeroes. */
    out->nheaders = 0;
    out->head_len = 0;
    out->body_len = 0;
    out->chunked = out->keep_alive = out->expect_continue = false;

    result = http_parse_request_line(&parser, out);
    if (result == HTTP_DONE) {
        in_headers = true;
        result = http_parse_headers(&parser, out);
    }
    if (result == HTTP_DONE) {
        result = http_parse_finish(&parser, out);
    }
    if (result == HTTP_MORE && most == HTTP_MAX_HEAD) {
        result = in_headers ? http_bad(&parser, 431, "The request head is too long")
                            : http_bad(&parser, 414, "The request target is too long");
    }
    if (result == HTTP_BAD) {
        *status = parser.status;
        *why = parser.why;
    } else if (result == HTTP_DONE) {
        out->head_len = (size_t)(parser.p - bytes);
    }
    return result;
}

struct slice http_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->nheaders; i++) {
        if (http_is_word(request->headers[i].name, name)) {
            return request->headers[i].value;
        }
    }
    return (struct slice){NULL, 0};
}

size_t http_header_count(const struct http_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->nheaders; i++) {
        count += http_is_word(request->headers[i].name, name);
    }
    return count;
}

bool http_header_has(const struct http_request *request, const char *name, const char *token)
{
    for (size_t i = 0; i < request->nheaders; i++) {
        if (!http_is_word(request->headers[i].name, name)) {
            continue;
        }
        const char *p = request->headers[i].value.p;
        const char *end = p + request->headers[i].value.len;
        for (;;) {
            const char *comma = memchr(p, ',', (size_t)(end - p));
            if (http_is_word(http_trim(p, comma != NULL ? comma : end), token)) {
                return true;
            }
            if (comma == NULL) {
                break;
            }
            p = comma + 1;
        }
    }
    return false;
}

struct slice http_query(struct slice query, const char *name)
{
    size_t name_len = strlen(name);
    const char *p = query.p;

    while (p != NULL) {
        const char *end = query.p + query.len;
        const char *amp = memchr(p, '&', (size_t)(end - p));
        const char *stop = amp != NULL ? amp : end;
        const char *equals = memchr(p, '=', (size_t)(stop - p));
        const char *name_end = equals != NULL ? equals : stop;

        if ((size_t)(name_end - p) == name_len && memcmp(p, name, name_len) == 0) {
            const char *value = equals != NULL ? equals + 1 : stop;
            return (struct slice){value, (size_t)(stop - value)};
        }
        p = amp != NULL ? amp + 1 : NULL;
    }
    return (struct slice){NULL, 0};
}

static bool http_is_unreserved(char c)
{
    char l = http_lower(c);
    return (l >= 'a' && l <= 'z') || http_is_digit(c) || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/* The byte that an escape at `i` stands for. -1: it is broken. */
static int http_escape_at(struct slice text, size_t i)
{
    if (text.len - i < 3) {
        return -1;
    }
    int high = ff_hex_value((unsigned char)text.p[i + 1]);
    int low = ff_hex_value((unsigned char)text.p[i + 2]);
    return high >= 0 && low >= 0 ? high << 4 | low : -1;
}

struct slice http_plain_path(struct slice path, char *room)
{
    size_t n = 0;
    if (memchr(path.p, '%', path.len) == NULL) {
        return path;
    }
    for (size_t i = 0; i < path.len; i++) {
        room[n++] = path.p[i];
        if (path.p[i] != '%') {
            continue;
        }
        int c = http_escape_at(path, i);
        if (c < 0) {
            return path; /* what is undone behind a lone % would become an escape with it */
        }
        if (http_is_unreserved((char)c)) {
            room[n - 1] = (char)c;
            i += 2;
        }
    }
    return (struct slice){room, n};
}

struct slice http_path_below(struct slice path, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!slice_starts(path, prefix) || (path.len > len && path.p[len] != '/')) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){path.p + len, path.len - len};
}

static bool http_is_key(struct slice key)
{
    if (key.len != KEY_LEN || memcmp(key.p + KEY_LEN - 2, "==", 2) != 0) {
        return false;
    }
    for (size_t i = 0; i < KEY_LEN - 2; i++) {
        char c = http_lower(key.p[i]);
        if (!(c >= 'a' && c <= 'z') && !http_is_digit(c) && c != '+' && c != '/') {
            return false;
        }
    }
    return true;
}

static int http_no_websocket(const char **why, int status, const char *reason)
{
    *why = reason;
    return status;
}

int http_websocket(const struct http_request *request, struct slice *key, const char **why)
{
    if (!slice_is(request->method, "GET")) {
        return http_no_websocket(why, 405, "A WebSocket handshake is a GET request");
    }
    if (!http_header_has(request, "upgrade", "websocket")) {
        return http_no_websocket(why, 426, "This path speaks WebSocket only");
    }
    if (request->minor != 1) {
        return http_no_websocket(why, 505, "A WebSocket handshake needs HTTP/1.1");
    }
    if (!http_header_has(request, "connection", "upgrade")) {
        return http_no_websocket(why, 400, "Connection does not contain upgrade");
    }
    /* Bytes behind the head are frames; a body would make two readers disagree about where they
     * start. */
    if (request->body_len != 0 || request->chunked) {
        return http_no_websocket(why, 400, "A WebSocket handshake has no body");
    }
    if (http_header_count(request, "sec-websocket-version") > 1) {
        return http_no_websocket(why, 400, "More than one Sec-WebSocket-Version");
    }
    if (!slice_is(http_header(request, "sec-websocket-version"), "13")) {
        return http_no_websocket(why, 426, "Only version 13 of WebSocket is supported");
    }
    *key = http_header(request, "sec-websocket-key");
    if (http_header_count(request, "sec-websocket-key") != 1 || !http_is_key(*key)) {
        return http_no_websocket(why, 400, "Malformed Sec-WebSocket-Key");
    }
    return 0;
}

const char *http_reason(int status)
{
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 302:
        return "Found";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Unknown";
    }
}

static int http_respond_head(struct buf *out, int status, const char *type, const char *extra,
                             size_t len, bool keep_alive)
{
    if (buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status)) != 0) {
        return -1;
    }
    if (type != NULL &&
        buf_printf(out, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", type) != 0) {
        return -1;
    }
    if (buf_printf(out, "Content-Length: %zu\r\nConnection: %s\r\n", len,
                   keep_alive ? "keep-alive" : "close") != 0) {
        return -1;
    }
    if (extra != NULL && buf_text(out, extra) != 0) {
        return -1;
    }
    return buf_append(out, "\r\n", 2);
}

int http_respond(struct buf *out, int status, const char *type, const char *extra, const char *body,
                 size_t len, bool keep_alive, bool head_only)
{
    size_t mark = out->len;

    if (http_respond_head(out, status, type, extra, len, keep_alive) != 0 ||
        (!head_only && buf_append(out, body, len) != 0)) {
        out->len = mark; /* half an answer is worse than none */
        return -1;
    }
    return 0;
}
