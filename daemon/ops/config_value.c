#include "ops/config_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/address.h"
#include "base/mem.h"
#include "links/admin_auth.h"
#include "proto/redis_text.h"

static char *value_copy(const char *text)
{
    return mem_strndup(text, strlen(text));
}

/* True when the text is not empty, not over `most` bytes and made of letters, digits and the
 * characters in `more`. */
static bool value_made_of(const char *text, size_t most, const char *more)
{
    size_t len = strlen(text);

    if (len == 0 || len > most) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || (!isalnum(c) && strchr(more, c) == NULL)) {
            return false;
        }
    }
    return true;
}

bool value_bool(const char *text, bool *out)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"yes", true},    {"no", false}, {"true", true},
                 {"false", false}, {"on", true},  {"off", false}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(words[i].text, text) == 0) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

bool value_number(const char *text, uint64_t *out)
{
    uint64_t number = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number)) {
            return false;
        }
    }
    *out = number;
    return true;
}

bool value_size(const char *text, uint64_t *out)
{
    char digits[24];
    size_t len = strlen(text);
    uint64_t unit = 1;

    if (len == 0 || len >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, text, len + 1);
    if (digits[len - 1] == 'K' || digits[len - 1] == 'k') {
        unit = 1024;
    } else if (digits[len - 1] == 'M' || digits[len - 1] == 'm') {
        unit = 1024 * 1024;
    }
    if (unit > 1) {
        digits[len - 1] = '\0';
    }
    return value_number(digits, out) && !__builtin_mul_overflow(*out, unit, out);
}

bool value_moment(const char *text, uint64_t *out)
{
    size_t whole = strcspn(text, "."), decimals = text[whole] == '.' ? strlen(text + whole + 1) : 0;
    uint64_t part = 0, number;
    char digits[24];

    if (whole == 0 || whole >= sizeof(digits) || decimals > 3 ||
        (text[whole] == '.' && !value_number(text + whole + 1, &part))) {
        return false;
    }
    memcpy(digits, text, whole);
    digits[whole] = '\0';
    for (; decimals < 3; decimals++) {
        part *= 10;
    }
    return value_number(digits, &number) && !__builtin_mul_overflow(number, 1000, &number) &&
           !__builtin_add_overflow(number, part, out);
}

bool value_mode(const char *text, uint32_t *out)
{
    uint32_t mode = 0;
    size_t len = strlen(text);

    if (len == 0 || len > 4) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '7') {
            return false;
        }
        mode = mode * 8 + (uint32_t)(*text - '0');
    }
    if (mode > 0777) {
        return false;
    }
    *out = mode;
    return true;
}

bool value_choice(const char *text, const char *const *choices, unsigned int *out)
{
    for (unsigned int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool value_is_app_id(const char *text, size_t len)
{
    if (len == 0 || len > 40) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || (!isalnum(c) && c != '.' && c != '_' && c != '-')) {
            return false;
        }
    }
    return true;
}

void list_add(struct text_list *list, char *item)
{
    list->items = mem_realloc(list->items, (list->count + 1) * sizeof(char *));
    list->items[list->count++] = item;
}

void list_clear(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i]);
    }
    mem_free(list->items);
    list->items = NULL;
    list->count = 0;
}

static bool value_port_valid(const char *text)
{
    uint64_t port;
    return strlen(text) <= 5 && value_number(text, &port) && port >= 1 && port <= 65535;
}

/* Splits "host:port" and "[host]:port". False: not of that form. */
static bool value_split_address(const char *text, char *host, size_t size, const char **port,
                                bool *v6)
{
    const char *colon = strrchr(text, ':');
    size_t len;

    if (colon == NULL || !value_port_valid(colon + 1)) {
        return false;
    }
    *port = colon + 1;
    len = (size_t)(colon - text);
    *v6 = text[0] == '[';
    if (*v6) {
        if (len < 2 || text[len - 1] != ']') {
            return false;
        }
        text++;
        len -= 2;
    }
    if (len >= size) {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    return true;
}

static char *value_take_address(const char *text)
{
    char host[INET6_ADDRSTRLEN], normal[INET6_ADDRSTRLEN + 16];
    const char *port;
    uint64_t number;
    bool v6;
    unsigned char raw[16];

    if (!value_split_address(text, host, sizeof(host), &port, &v6) ||
        !value_number(port, &number)) {
        return NULL;
    }
    if (!v6 && strcasecmp(host, "localhost") == 0) {
        snprintf(host, sizeof(host), "127.0.0.1");
    } else if (!v6 && (host[0] == '\0' || strcmp(host, "*") == 0)) {
        snprintf(host, sizeof(host), "0.0.0.0");
    }
    if (inet_pton(v6 ? AF_INET6 : AF_INET, host, raw) != 1 ||
        inet_ntop(v6 ? AF_INET6 : AF_INET, raw, host, sizeof(host)) == NULL) {
        return NULL;
    }
    snprintf(normal, sizeof(normal), v6 ? "[%s]:%u" : "%s:%u", host, (unsigned int)number);
    return value_copy(normal);
}

static char *value_take_listen(const char *text)
{
    return strcmp(text, LISTEN_NONE) == 0 ? value_copy(text) : value_take_address(text);
}

static char *value_take_proxy(const char *text)
{
    struct network network;

    return network_read(text, strlen(text), &network) ? value_copy(text) : NULL;
}

static char *value_take_webhook_event(const char *text)
{
    static const char *const events[] = {"channel_occupied",  "channel_vacated", "member_added",
                                         "member_removed",    "client_event",    "cache_miss",
                                         "subscription_count"};

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (strcmp(text, events[i]) == 0) {
            return value_copy(text);
        }
    }
    return NULL;
}

static char *value_take_prefix(const char *text)
{
    size_t len = strlen(text);

    if (text[0] != '/' || strstr(text, "//") != NULL || !value_made_of(text, 100, "/._~-")) {
        return NULL;
    }
    return mem_strndup(text, text[len - 1] == '/' ? len - 1 : len);
}

static char *value_take_socket(const char *text)
{
    size_t len = strlen(text);

    if (len >= sizeof(((struct sockaddr_un *)0)->sun_path) || text[len - 1] == '/') {
        return NULL;
    }
    return value_copy(text);
}

/* At least as long as nobody guesses, and nothing that a header could not carry. */
static char *value_take_admin_token(const char *text)
{
    size_t len = strlen(text);

    if (strcmp(text, ADMIN_TOKEN_NONE) == 0) {
        return value_copy(text);
    }
    if (len < 16 || len > 256) {
        return NULL;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~') {
            return NULL;
        }
    }
    return value_copy(text);
}

static char *value_take_group(const char *text)
{
    return value_made_of(text, 64, "._-") ? value_copy(text) : NULL;
}

static char *value_take_any(const char *text)
{
    return value_copy(text);
}

static bool value_starts_with(const char *text, const char *start)
{
    size_t len = strlen(start);
    return strncmp(text, start, len) == 0 && text[len] != '\0';
}

static char *value_take_redis_url(const char *text)
{
    struct redis_url url;
    char *taken = redis_url_read(text, strlen(text), &url) ? value_copy(text) : NULL;
    explicit_bzero(&url, sizeof(url)); /* it holds the password */
    return taken;
}

/* Of a URL: the host, and a port that exists if there is one. The rest is for libcurl. */
static bool value_has_host(const char *url)
{
    const char *authority = strstr(url, "://") + 3;
    const char *end = authority + strcspn(authority, "/?#");
    const char *host = authority;
    char port[8];

    for (const char *p = authority; p < end; p++) {
        if (*p == '@') {
            host = p + 1; /* behind a name and a password */
        }
    }
    const char *close = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : host;
    if (close == NULL) {
        return false;
    }
    const char *colon = memchr(close, ':', (size_t)(end - close));
    if (colon == NULL) {
        return host < end;
    }
    size_t len = (size_t)(end - colon - 1);
    if (host == colon || len >= sizeof(port)) {
        return false;
    }
    memcpy(port, colon + 1, len);
    port[len] = '\0';
    return value_port_valid(port);
}

static char *value_take_webhook(const char *text)
{
    bool fine = value_starts_with(text, "https://") || value_starts_with(text, "http://");
    return fine && strchr(text, ' ') == NULL && value_has_host(text) ? value_copy(text) : NULL;
}

/* Without a path it is the base that OTEL_EXPORTER_OTLP_ENDPOINT is, too. It is logged, so there
 * are no credentials in it. */
static char *value_take_trace_endpoint(const char *text)
{
    char *url = value_take_webhook(text);

    if (url == NULL) {
        return NULL;
    }
    if (strpbrk(strstr(url, "://") + 3, "@?#") != NULL) {
        mem_free(url);
        return NULL;
    }
    const char *path = strchr(strstr(url, "://") + 3, '/');
    if (path != NULL && path[1] != '\0') {
        return url;
    }
    size_t len = path != NULL ? (size_t)(path - url) : strlen(url);
    char *whole = mem_alloc(len + sizeof("/v1/traces"));
    memcpy(whole, url, len);
    memcpy(whole + len, "/v1/traces", sizeof("/v1/traces"));
    mem_free(url);
    return whole;
}

/* "Name: value", or "name=value" as in OTEL_EXPORTER_OTLP_HEADERS. What the exporter sets itself is
 * not to be set twice. */
static char *value_take_trace_header(const char *text)
{
    static const char *const own[] = {"content-type", "content-length",    "content-encoding",
                                      "host",         "transfer-encoding", "connection"};
    size_t name = strcspn(text, ":=");
    const char *value = text + name;

    if (name == 0 || name > 64 || *value == '\0' ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != name) {
        return NULL;
    }
    value += 1 + strspn(value + 1, " ");
    size_t len = strlen(value);
    if (len == 0 || len > 4096) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return NULL;
        }
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (strlen(own[i]) == name && strncasecmp(own[i], text, name) == 0) {
            return NULL;
        }
    }
    char *line = mem_alloc(name + len + 3);
    memcpy(line, text, name);
    memcpy(line + name, ": ", 2);
    memcpy(line + name + 2, value, len + 1);
    return line;
}

/* Host and port in one form, whether the port was written or not. */
static char *value_take_redis_place(const char *text, uint16_t port)
{
    struct redis_place place;
    char normal[REDIS_PLACE];

    return redis_place_read(text, strlen(text), port, &place)
               ? value_copy(redis_place_print(&place, normal))
               : NULL;
}

static char *value_take_sentinel(const char *text)
{
    return value_take_redis_place(text, 26379);
}

static char *value_take_cluster_node(const char *text)
{
    return value_take_redis_place(text, REDIS_PORT);
}

static char *value_take_redis_master(const char *text)
{
    return value_made_of(text, 64, "._-") ? value_copy(text) : NULL;
}

static char *value_take_node(const char *text)
{
    return value_made_of(text, 64, "._-") ? value_copy(text) : NULL;
}

static char *value_take_redis_prefix(const char *text)
{
    return value_made_of(text, 64, "._:-") ? value_copy(text) : NULL;
}

/* A host name or address, with or without a port; lower case, as browsers send it. */
static bool value_origin_host(const char *host, bool port_allowed)
{
    const char *end = host + strlen(host);

    if (host[0] == '[') {
        const char *close = strchr(host, ']');
        char literal[INET6_ADDRSTRLEN];
        unsigned char raw[16];
        if (close == NULL || (size_t)(close - host - 1) >= sizeof(literal)) {
            return false;
        }
        memcpy(literal, host + 1, (size_t)(close - host - 1));
        literal[close - host - 1] = '\0';
        if (inet_pton(AF_INET6, literal, raw) != 1) {
            return false;
        }
        return close + 1 == end || (port_allowed && close[1] == ':' && value_port_valid(close + 2));
    }
    const char *colon = strchr(host, ':');
    if (colon != NULL && (!port_allowed || !value_port_valid(colon + 1))) {
        return false;
    }
    char *name = mem_strndup(host, (size_t)((colon == NULL ? end : colon) - host));
    bool fine = value_made_of(name, 253, ".-_") && name[0] != '.' && strstr(name, "..") == NULL;
    mem_free(name);
    return fine;
}

static char *value_take_origin(const char *text)
{
    char *lower = value_copy(text);
    const char *scheme = strstr(lower, "://");
    bool fine;

    for (char *c = lower; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    if (scheme != NULL) {
        /* "https://example.com/" is what people copy from the address bar; a browser never sends
         * the slash. */
        size_t len = strlen(lower);
        if (lower[len - 1] == '/' && scheme + 3 <= lower + len - 1) {
            lower[len - 1] = '\0';
        }
        char *name = mem_strndup(lower, (size_t)(scheme - lower));
        const char *host = scheme + 3;
        bool below = host[0] == '*' && host[1] == '.' && host[2] != '[';
        if (strcmp(name, "http") == 0 || strcmp(name, "https") == 0) {
            fine = value_origin_host(below ? host + 2 : host, true);
        } else {
            /* Of apps: file:// has no host, and that of app://. is a dot. */
            fine = value_made_of(name, 32, "+-.") &&
                   (*host == '\0' || strcmp(host, ".") == 0 ||
                    value_origin_host(below ? host + 2 : host, true));
        }
        mem_free(name);
    } else if (lower[0] == '*') {
        fine = lower[1] == '\0' || (lower[1] == '.' && value_origin_host(lower + 2, false));
    } else {
        fine = value_origin_host(lower, false);
    }
    if (!fine) {
        mem_free(lower);
        return NULL;
    }
    return lower;
}

static char *value_take_app_key(const char *text)
{
    return value_made_of(text, 128, "._~=@+-") ? value_copy(text) : NULL;
}

#define ADDRESSES                                                                                  \
    "addresses such as 127.0.0.1:8080, 0.0.0.0:8080 (all of IPv4), [::1]:8080, "                   \
    "[::]:8080 (all of IPv6) or localhost:8080, with a port from 1 to 65535"

const struct text_kind kind_listen = {ADDRESSES ", or none", value_take_listen};
const struct text_kind kind_address = {ADDRESSES, value_take_address};
const struct text_kind kind_proxy = {
    "addresses or networks such as 10.0.0.1, 10.0.0.0/8 or fd00::/8", value_take_proxy};
const struct text_kind kind_prefix = {"a path such as /ws, of at most 100 letters, digits, dots, "
                                      "dashes, underscores, tildes and single slashes",
                                      value_take_prefix};
const struct text_kind kind_socket = {"the path of a file, of at most 107 bytes",
                                      value_take_socket};
const struct text_kind kind_admin_socket = {
    "auto, none, or the path of a file, of at most 107 bytes", value_take_socket};
const struct text_kind kind_admin_token = {
    "none, or 16 to 256 printable characters of ASCII without spaces, such as `openssl rand -hex "
    "32` prints",
    value_take_admin_token};
const struct text_kind kind_group = {"the name of a group", value_take_group};
const struct text_kind kind_file = {"paths of PEM files", value_take_any};
const struct text_kind kind_redis_url = {
    "a URL such as redis://user:password@host:6379/0, redis://:password@host, rediss://host (TLS) "
    "or unix:///path?db=0, with %40 and the like for special characters",
    value_take_redis_url};
const struct text_kind kind_sentinel = {"Sentinels such as host or host:26379",
                                        value_take_sentinel};
const struct text_kind kind_cluster_node = {"nodes such as host or host:6379",
                                            value_take_cluster_node};
const struct text_kind kind_redis_master = {
    "a name of at most 64 letters, digits, dots, dashes and underscores", value_take_redis_master};
const struct text_kind kind_node = {
    "a name of at most 64 letters, digits, dots, dashes and underscores", value_take_node};
const struct text_kind kind_redis_prefix = {
    "at most 64 letters, digits, dots, colons, dashes and underscores", value_take_redis_prefix};
const struct text_kind kind_origin = {
    "*, host names such as example.com or *.example.com (any scheme and port), origins such as "
    "https://example.com:8443 (exactly this one) or https://*.example.com, those of apps such as "
    "capacitor://localhost or file://, null (pages without an origin), or self (the host that the "
    "client connects to)",
    value_take_origin};
const struct text_kind kind_webhook = {"a URL that starts with https:// or http://",
                                       value_take_webhook};
const struct text_kind kind_trace_endpoint = {
    "a URL that starts with http:// or https://, without a password or a query (credentials stand "
    "in headers)",
    value_take_trace_endpoint};
const struct text_kind kind_trace_header = {
    "headers such as Authorization: Bearer TOKEN or x-api-key=TOKEN, in printable ASCII, and none "
    "of those that HTTP itself needs",
    value_take_trace_header};
const struct text_kind kind_webhook_event = {
    "names of events: channel_occupied, channel_vacated, member_added, member_removed, "
    "client_event, cache_miss and subscription_count",
    value_take_webhook_event};
const struct text_kind kind_app_key = {"1 to 128 letters, digits and characters of . _ ~ = @ + -",
                                       value_take_app_key};
const struct text_kind kind_secret = {"a text that is not empty", value_take_any};
