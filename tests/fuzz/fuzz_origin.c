/*
 * The bytes as an Origin, a line feed, and a Host, for applications with one entry of each kind in
 * allowed_origins.
 *
 * Holds: an Origin passes as the page's own only when its host and port are those of Host; one that
 * passes an exact entry is that entry but for case and a default port; one that passes for a
 * subdomain has nothing but a name in front of it.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "pubsub/apps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OWN, EXACT, BELOW, WHOLE, APPS };

static const char *const entries[APPS] = {"self", "https://a.example", "*.a.example", "file://"};

static struct apps *apps_once(void)
{
    static struct app_registry registry;
    static struct app_settings settings[APPS];
    static struct limits limits;
    static char *items[APPS], names[APPS][4];
    static struct apps *apps;
    if (apps != NULL) {
        return apps;
    }
    app_registry_init(&registry);
    for (int i = 0; i < APPS; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", i);
        items[i] = mem_strndup(entries[i], strlen(entries[i]));
        settings[i] = (struct app_settings){.id = names[i],
                                            .key = names[i],
                                            .secret = names[i],
                                            .enabled = true,
                                            .allowed_origins = {&items[i], 1}};
    }
    apps = apps_new(&registry, settings, APPS, &limits);
    return apps;
}

static bool is_one_of(struct slice origin, const char *a, const char *b)
{
    return (origin.len == strlen(a) && strncasecmp(origin.p, a, origin.len) == 0) ||
           (origin.len == strlen(b) && strncasecmp(origin.p, b, origin.len) == 0);
}

/* What is behind the scheme, without a default port that either may have left out. */
static struct slice host_of(struct slice text, const char *port)
{
    size_t len = strlen(port);
    if (text.len > len && memcmp(text.p + text.len - len, port, len) == 0) {
        text.len -= len;
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct apps *apps = apps_once();
    const uint8_t *feed = size > 0 ? memchr(data, '\n', size) : NULL;
    if (feed == NULL) {
        return 0;
    }
    struct slice origin = {(const char *)data, (size_t)(feed - data)};
    struct slice host = {(const char *)feed + 1, size - origin.len - 1};
    struct slice none = {NULL, 0};
    if (app_allows_origin(&apps->items[OWN], origin, host)) {
        bool tls = strncasecmp(origin.p, "https://", 8) == 0;
        check(tls || strncasecmp(origin.p, "http://", 7) == 0);
        size_t scheme = tls ? 8 : 7;
        const char *port = tls ? ":443" : ":80";
        struct slice from = host_of((struct slice){origin.p + scheme, origin.len - scheme}, port);
        struct slice to = host_of(host, port);
        check(from.len == to.len && strncasecmp(from.p, to.p, to.len) == 0);
    }
    check(!app_allows_origin(&apps->items[OWN], origin, none));
    if (app_allows_origin(&apps->items[EXACT], origin, host)) {
        check(is_one_of(origin, entries[EXACT], "https://a.example:443"));
    }
    if (app_allows_origin(&apps->items[BELOW], origin, host)) {
        const char *name = (const char *)memmem(origin.p, origin.len, "://", 3) + 3;
        for (const char *c = name; c < origin.p + origin.len; c++) {
            check(strchr("/\\@?# ", *c) == NULL);
        }
    }
    if (app_allows_origin(&apps->items[WHOLE], origin, host)) {
        check(is_one_of(origin, entries[WHOLE], entries[WHOLE]));
    }
    return 0;
}
