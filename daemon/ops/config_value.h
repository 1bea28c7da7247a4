/*
 * Texts of the configuration to values: one function per type, and one per kind of text that has a
 * form of its own.
 *
 * Owns nothing; runs on the thread that loads. Never reports: says what would be allowed, its
 * caller says where.
 */
#ifndef FF_OPS_CONFIG_VALUE_H
#define FF_OPS_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/settings.h"

/* A form that a text must have. */
struct text_kind {
    /* What stands behind "must be" in an error and in the reference. */
    const char *allowed;
    /* A copy in normal form, freed with mem_free; NULL: not of this form. `text` is valid UTF-8
     * without control characters and without space at its ends. */
    char *(*take)(const char *text);
};

extern const struct text_kind kind_listen, kind_address, kind_proxy, kind_prefix, kind_socket,
    kind_admin_socket, kind_admin_token, kind_group, kind_file, kind_redis_url, kind_redis_prefix,
    kind_redis_master, kind_sentinel, kind_cluster_node, kind_node, kind_trace_endpoint,
    kind_trace_header, kind_origin, kind_webhook, kind_webhook_event, kind_app_key, kind_secret;

#define LISTEN_NONE "none" /* of kind_listen, in place of an address */
#define SOCKET_NONE "none" /* of kind_admin_socket, in place of a path */
#define SOCKET_AUTO "auto" /* the same: beside the publishers' socket */

bool value_bool(const char *text, bool *out) MUST_CHECK;       /* yes no true false on off */
bool value_number(const char *text, uint64_t *out) MUST_CHECK; /* digits */
bool value_size(const char *text, uint64_t *out) MUST_CHECK;   /* digits, and K or M */
/* Seconds with up to three decimals, as milliseconds. */
bool value_moment(const char *text, uint64_t *out) MUST_CHECK;
bool value_mode(const char *text, uint32_t *out) MUST_CHECK; /* 0 to 0777, octal */
bool value_choice(const char *text, const char *const *choices, unsigned int *out) MUST_CHECK;

/* 1..40 of letters, digits, dot, underscore, dash. */
bool value_is_app_id(const char *text, size_t len);

void list_add(struct text_list *list, char *item); /* takes the item */
void list_clear(struct text_list *list);           /* frees the items, usable again */

#endif
