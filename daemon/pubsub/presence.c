#include "pubsub/presence.h"

#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

/* The connections of a user that one source has told of. */
struct share {
    uint32_t source, connections;
};

/* Nearly everybody is known from one source: the first share is here, the others, if there are
 * any, in `more`. */
struct member {
    struct member *prev, *next;
    struct share first;
    struct share *more; /* none of them is empty */
    uint32_t nmore;
    uint32_t user_len, id_len, info_len;
    char bytes[]; /* user id, its JSON, user_info's JSON */
};

struct presence {
    struct strmap users;
    struct member *first, *last;
    struct member *gone; /* the last that left, kept for who was told of it */
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

static void presence_share_add(struct member *member, uint32_t source)
{
    if (member->first.connections == 0) {
        member->first.source = source;
    }
    if (member->first.source == source) {
        member->first.connections++;
        return;
    }
    for (uint32_t i = 0; i < member->nmore; i++) {
        if (member->more[i].source == source) {
            member->more[i].connections++;
            return;
        }
    }
    member->more = mem_realloc(member->more, (member->nmore + 1) * sizeof(*member->more));
    member->more[member->nmore++] = (struct share){source, 1};
}

/* False: this source knows nothing of the user. */
static bool presence_share_remove(struct member *member, uint32_t source)
{
    if (member->first.source == source && member->first.connections > 0) {
        if (--member->first.connections == 0 && member->nmore > 0) {
            member->first = member->more[--member->nmore];
        }
        return true;
    }
    for (uint32_t i = 0; i < member->nmore; i++) {
        if (member->more[i].source == source) {
            if (--member->more[i].connections == 0) {
                member->more[i] = member->more[--member->nmore];
            }
            return true;
        }
    }
    return false;
}

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
    presence_member_free(presence->gone);
    strmap_free(&presence->users);
    mem_free(presence);
}

bool presence_join(struct presence *presence, uint32_t source, const struct pusher_member *member)
{
    struct member *known = strmap_get(&presence->users, member->user_id.p, member->user_id.len);
    if (known != NULL) {
        presence_share_add(known, source);
        return false;
    }
    size_t extra = member->user_id.len + member->id_json.len + member->info_json.len;
    struct member *joined = mem_alloc(sizeof(*joined) + extra);
    *joined = (struct member){
        .prev = presence->last,
        .first = {source, 1},
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
    return true;
}

bool presence_leave(struct presence *presence, uint32_t source, struct slice user_id,
                    struct slice *id_json)
{
    struct member *member = strmap_get(&presence->users, user_id.p, user_id.len);
    if (member == NULL || !presence_share_remove(member, source) || member->first.connections > 0) {
        return false;
    }
    strmap_del(&presence->users, user_id.p, user_id.len);
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
    return true;
}

bool presence_has(const struct presence *presence, struct slice user_id)
{
    return strmap_get(&presence->users, user_id.p, user_id.len) != NULL;
}

size_t presence_count(const struct presence *presence)
{
    return presence->users.count;
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
    const char *at = member->bytes;
    out->user_id = (struct slice){at, member->user_len};
    out->id_json = (struct slice){at + member->user_len, member->id_len};
    out->info_json = (struct slice){
        member->info_len > 0 ? at + member->user_len + member->id_len : NULL, member->info_len};
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
