#include "pubsub/presence.h"

#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

/* What one source has told of a user: this node the number of connections, another one a stamp. */
struct share {
    uint32_t source, value; /* value 0: none */
};

/* Nearly everybody is known from one source: the first share is here, the others, if there are
 * any, in `more`. */
struct member {
    struct member *prev, *next;
    struct share first; /* none only while the member is made or goes */
    struct share *more; /* none of them is empty */
    uint32_t nmore;
    uint32_t user_len, id_len, info_len;
    char bytes[]; /* user id, its JSON, user_info's JSON */
};

struct presence {
    struct strmap users;
    struct member *first, *last;
    struct member *gone; /* the last that left, kept for who was told of it */
    struct presence_pager *pagers;
};

static void presence_user_of(const void *value, const char **key, size_t *len)
{
    const struct member *member = value;
    *key = member->bytes;
    *len = member->user_len;
}

static void presence_member_free(struct member *member)
{
    if (member != NULL) {
        mem_free(member->more);
        mem_free(member);
    }
}

static struct member *presence_find(const struct presence *presence, struct slice user_id)
{
    return strmap_get(&presence->users, user_id.p, user_id.len);
}

/* ---- shares ---- */

/* NULL: this source knows nothing of the user. */
static struct share *presence_share(const struct member *member, uint32_t source)
{
    if (member->first.value != 0 && member->first.source == source) {
        return (struct share *)(uintptr_t)&member->first;
    }
    for (uint32_t i = 0; i < member->nmore; i++) {
        if (member->more[i].source == source) {
            return &member->more[i];
        }
    }
    return NULL;
}

static void presence_share_add(struct member *member, uint32_t source, uint32_t value)
{
    if (member->first.value == 0) {
        member->first = (struct share){source, value};
        return;
    }
    member->more = mem_realloc(member->more, (member->nmore + 1) * sizeof(*member->more));
    member->more[member->nmore++] = (struct share){source, value};
}

static void presence_share_remove(struct member *member, struct share *share)
{
    struct share last = {0, 0};
    if (member->nmore > 0) {
        last = member->more[--member->nmore];
    }
    if (member->nmore == 0) {
        mem_free(member->more);
        member->more = NULL;
        if (share != &member->first) {
            return; /* it was the last one itself */
        }
    }
    *share = last;
}

/* ---- members ---- */

struct presence *presence_new(void)
{
    struct presence *presence = mem_zalloc(sizeof(*presence));
    strmap_init(&presence->users, presence_user_of);
    return presence;
}

void presence_free(struct presence *presence)
{
    if (presence == NULL) {
        return;
    }
    while (presence->first != NULL) {
        struct member *next = presence->first->next;
        presence_member_free(presence->first);
        presence->first = next;
    }
    while (presence->pagers != NULL) {
        presence_page_end(presence->pagers);
    }
    presence_member_free(presence->gone);
    strmap_free(&presence->users);
    mem_free(presence);
}

static struct member *presence_add(struct presence *presence, const struct pusher_member *member)
{
    size_t extra = member->user_id.len + member->id_json.len + member->info_json.len;
    struct member *joined = mem_alloc(sizeof(*joined) + extra);
    *joined = (struct member){
        .prev = presence->last,
        .user_len = (uint32_t)member->user_id.len,
        .id_len = (uint32_t)member->id_json.len,
        .info_len = (uint32_t)member->info_json.len,
    };
    char *at = mempcpy(joined->bytes, member->user_id.p, member->user_id.len);
    at = mempcpy(at, member->id_json.p, member->id_json.len);
    if (member->info_json.len > 0) {
        memcpy(at, member->info_json.p, member->info_json.len);
    }
    if (presence->last != NULL) {
        presence->last->next = joined;
    } else {
        presence->first = joined;
    }
    presence->last = joined;
    strmap_put(&presence->users, joined);
    return joined;
}

/* Of the user whose last share has gone. */
static void presence_remove(struct presence *presence, struct member *member, struct slice *id_json)
{
    strmap_del(&presence->users, member->bytes, member->user_len);
    for (struct presence_pager *pager = presence->pagers; pager != NULL; pager = pager->next) {
        pager->at = pager->at == member ? member->next : pager->at;
    }
    if (member->prev != NULL) {
        member->prev->next = member->next;
    } else {
        presence->first = member->next;
    }
    if (member->next != NULL) {
        member->next->prev = member->prev;
    } else {
        presence->last = member->prev;
    }
    presence_member_free(presence->gone);
    presence->gone = member;
    *id_json = (struct slice){member->bytes + member->user_len, member->id_len};
}

static unsigned int presence_lose(struct presence *presence, struct member *member,
                                  struct share *share, struct slice *id_json)
{
    presence_share_remove(member, share);
    if (member->first.value != 0) {
        return PRESENCE_SOURCE;
    }
    presence_remove(presence, member, id_json);
    return PRESENCE_SOURCE | PRESENCE_USER;
}

unsigned int presence_join(struct presence *presence, const struct pusher_member *member)
{
    struct member *known = presence_find(presence, member->user_id);
    struct share *share = known != NULL ? presence_share(known, PRESENCE_HERE) : NULL;
    if (share != NULL) {
        share->value++;
        return 0;
    }
    presence_share_add(known != NULL ? known : presence_add(presence, member), PRESENCE_HERE, 1);
    return known != NULL ? PRESENCE_SOURCE : PRESENCE_SOURCE | PRESENCE_USER;
}

unsigned int presence_leave(struct presence *presence, struct slice user_id, struct slice *id_json)
{
    struct member *member = presence_find(presence, user_id);
    struct share *share = member != NULL ? presence_share(member, PRESENCE_HERE) : NULL;
    if (share == NULL || --share->value > 0) {
        return 0;
    }
    return presence_lose(presence, member, share, id_json);
}

unsigned int presence_hold(struct presence *presence, uint32_t source, uint32_t stamp,
                           const struct pusher_member *member)
{
    struct member *known = presence_find(presence, member->user_id);
    struct share *share = known != NULL ? presence_share(known, source) : NULL;
    if (share != NULL) {
        share->value = stamp;
        return 0;
    }
    presence_share_add(known != NULL ? known : presence_add(presence, member), source, stamp);
    return known != NULL ? PRESENCE_SOURCE : PRESENCE_SOURCE | PRESENCE_USER;
}

unsigned int presence_drop(struct presence *presence, uint32_t source, struct slice user_id,
                           struct slice *id_json)
{
    struct member *member = presence_find(presence, user_id);
    struct share *share = member != NULL ? presence_share(member, source) : NULL;
    return share != NULL ? presence_lose(presence, member, share, id_json) : 0;
}

/* ---- questions ---- */

bool presence_has(const struct presence *presence, struct slice user_id)
{
    return presence_find(presence, user_id) != NULL;
}

struct slice presence_info(const struct presence *presence, struct slice user_id)
{
    const struct member *member = presence_find(presence, user_id);
    if (member == NULL || member->info_len == 0) {
        return (struct slice){NULL, 0};
    }
    return (struct slice){member->bytes + member->user_len + member->id_len, member->info_len};
}

bool presence_here(const struct presence *presence, struct slice user_id)
{
    const struct member *member = presence_find(presence, user_id);
    return member != NULL && presence_share(member, PRESENCE_HERE) != NULL;
}

bool presence_elsewhere(const struct presence *presence, struct slice user_id)
{
    const struct member *member = presence_find(presence, user_id);
    return member != NULL && (member->nmore > 0 || member->first.source != PRESENCE_HERE);
}

size_t presence_count(const struct presence *presence)
{
    return presence->users.count;
}

static void presence_show(const struct member *member, struct pusher_member *out)
{
    const char *at = member->bytes;
    out->user_id = (struct slice){at, member->user_len};
    out->id_json = (struct slice){at + member->user_len, member->id_len};
    out->info_json = (struct slice){
        member->info_len > 0 ? at + member->user_len + member->id_len : NULL, member->info_len};
}

static void presence_walk_rewind(void *arg)
{
    struct presence_walk *walk = arg;
    walk->at = walk->presence->first;
}

static bool presence_walk_next(void *arg, struct pusher_member *out)
{
    struct presence_walk *walk = arg;
    const struct member *member = walk->at;
    if (member == NULL) {
        return false;
    }
    presence_show(member, out);
    walk->at = member->next;
    return true;
}

struct pusher_members presence_members(struct presence_walk *walk, const struct presence *presence)
{
    *walk = (struct presence_walk){.presence = presence, .at = presence->first};
    return (struct pusher_members){.arg = walk,
                                   .count = presence->users.count,
                                   .rewind = presence_walk_rewind,
                                   .next = presence_walk_next};
}

bool presence_next_here(const struct presence *presence, const void **cursor,
                        struct pusher_member *out)
{
    const struct member *member =
        *cursor != NULL ? ((const struct member *)*cursor)->next : presence->first;
    while (member != NULL && presence_share(member, PRESENCE_HERE) == NULL) {
        member = member->next;
    }
    *cursor = member;
    if (member != NULL) {
        presence_show(member, out);
    }
    return member != NULL;
}

bool presence_next_stale(const struct presence *presence, uint32_t source, uint32_t stamp,
                         const void **cursor, struct slice *user_id)
{
    /* The cursor is one further on, since what is returned may go. WHY: the end is not NULL, which
     * is the beginning. */
    static const char end;
    const struct member *member = *cursor == NULL ? presence->first : *cursor;
    if (*cursor == &end) {
        return false;
    }
    for (; member != NULL; member = member->next) {
        const struct share *share = presence_share(member, source);
        if (share != NULL && (stamp == 0 || share->value != stamp)) {
            *user_id = (struct slice){member->bytes, member->user_len};
            *cursor = member->next != NULL ? (const void *)member->next : &end;
            return true;
        }
    }
    *cursor = &end;
    return false;
}

void presence_page_begin(struct presence *presence, struct presence_pager *pager)
{
    *pager = (struct presence_pager){
        .presence = presence, .at = presence->first, .next = presence->pagers};
    presence->pagers = pager;
}

bool presence_page_next(struct presence_pager *pager, struct pusher_member *out)
{
    const struct member *member = pager->at;
    if (pager->presence == NULL || member == NULL) {
        return false;
    }
    presence_show(member, out);
    pager->at = member->next;
    return true;
}

void presence_page_end(struct presence_pager *pager)
{
    if (pager->presence == NULL) {
        return;
    }
    struct presence_pager **at = &pager->presence->pagers;
    while (*at != pager) {
        at = &(*at)->next;
    }
    *at = pager->next;
    *pager = (struct presence_pager){0};
}
