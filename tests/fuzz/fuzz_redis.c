/*
 * The bytes as every text about Redis: a URL, an address, a redirection, an error, an id, a key.
 *
 * Holds: what was accepted fits its limits and has its NUL; an address that is printed reads the
 * same; so does an id; the slot of a key is one of the 16,384, and that of "{key}" is the key's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/redis_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct redis_place *place)
{
    char text[REDIS_PLACE];
    struct redis_place again;
    check(memchr(place->host, '\0', sizeof(place->host)) != NULL);
    redis_place_print(place, text);
    if (place->port != 0 && place->host[0] != '\0') {
        check(redis_place_read(text, strlen(text), 0, &again));
        check(redis_place_equal(place, &again));
    }
}

static void check_url(const char *text, size_t len)
{
    struct redis_url url;
    if (!redis_url_read(text, len, &url)) {
        return;
    }
    check_place(&url.place);
    check(memchr(url.user, '\0', sizeof(url.user)) != NULL);
    check(memchr(url.password, '\0', sizeof(url.password)) != NULL);
    check(url.user[0] == '\0' || url.password[0] != '\0');
    check(url.db <= REDIS_DB_MAX);
    check(url.place.port != 0 || (url.place.host[0] == '/' && strlen(url.place.host) <= 107));
}

static void check_key(const char *text, size_t len)
{
    char *tagged = malloc(len + 2);
    check(tagged != NULL);
    tagged[0] = '{';
    if (len != 0) {
        memcpy(tagged + 1, text, len);
    }
    tagged[len + 1] = '}';
    check(redis_slot(text, len) < REDIS_SLOTS);
    if (len != 0 && memchr(text, '{', len) == NULL && memchr(text, '}', len) == NULL) {
        check(redis_slot(tagged, len + 2) == redis_slot(text, len));
    }
    free(tagged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_place place;
    struct redis_redirect redirect;
    struct redis_id id, again;
    char room[REDIS_ID];
    char *text = malloc(size + 1); /* of which the bytes are the last */

    check(text != NULL);
    if (size != 0) {
        memcpy(text + 1, data, size);
    }
    check_url(text + 1, size);
    if (redis_place_read(text + 1, size, REDIS_PORT, &place)) {
        check_place(&place);
    }
    if (redis_redirect_read(text + 1, size, &redirect)) {
        check(redirect.slot < REDIS_SLOTS && redirect.place.port != 0);
        check(redis_trouble_of(text + 1, size) ==
              (redirect.ask ? REDIS_TROUBLE_ASK : REDIS_TROUBLE_MOVED));
    }
    check(redis_trouble_of(text + 1, size) < REDIS_TROUBLE_MAX);
    if (redis_id_read(text + 1, size, &id)) {
        redis_id_print(id, room);
        check(redis_id_read(room, strlen(room), &again) && redis_id_compare(id, again) == 0);
    }
    check_key(text + 1, size);
    free(text);
    return 0;
}
