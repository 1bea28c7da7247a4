#include "pubsub/inorder.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "pubsub/cluster.h"
#include "pubsub/presence.h"
#include "pubsub/room.h"
#include "shared/channel.h"

#define KEY_MAX 4096u

/* Something that this node has said and that has not come back. */
struct flying {
    uint32_t logged; /* by the log: whether the user is here, or how many subscribers are */
    uint32_t n;      /* records on their way */
    bool reborn;     /* it will be restated, and counts then */
    uint32_t app, channel_len, len;
    char key[]; /* application (4 bytes), kind, channel, line feed, user id */
};

struct inflight {
    struct strmap map;
    bool doubt;
};

#define KIND_AT   4u
#define NAME_AT   5u
#define KIND_USER 'u'
#define KIND_NONE 'n'

static void inorder_key_of(const void *value, const char **key, size_t *len)
{
    const struct flying *flying = value;
    *key = flying->key;
    *len = flying->len;
}

void inorder_begin(struct hub *hub)
{
    hub->inflight = mem_zalloc(sizeof(*hub->inflight));
    strmap_init(&hub->inflight->map, inorder_key_of);
}

static void inorder_clear(struct inflight *inflight)
{
    size_t cursor = 0;
    void *value;
    while (strmap_next(&inflight->map, &cursor, &value)) {
        mem_free(value);
    }
    strmap_free(&inflight->map);
}

void inorder_end(struct hub *hub)
{
    if (hub->inflight != NULL) {
        inorder_clear(hub->inflight);
        mem_free(hub->inflight);
        hub->inflight = NULL;
    }
}

/* ---- telling ---- */

void inorder_doubt(struct hub *hub, bool doubt)
{
    hub->inflight->doubt = doubt;
}

static uint32_t inorder_teller(const struct hub *hub, uint32_t teller)
{
    return hub->inflight != NULL && hub->inflight->doubt ? 0 : teller;
}

static bool inorder_wanted(const struct hub *hub, uint32_t app)
{
    return app < hub->announcer.napps && hub->announcer.wanted[app] != 0;
}

static const struct dirent *inorder_entry(const struct hub *hub, uint32_t app, struct slice channel)
{
    return hub_find(hub, app, strmap_hash(channel.p, channel.len), channel);
}

static const struct presence *inorder_members(const struct dirent *entry)
{
    return entry != NULL ? room_members(entry) : NULL;
}

/* Looked up only where somebody wants to hear it. A user who has left again has none. */
static struct slice inorder_info(const struct hub *hub, uint32_t app, struct slice channel,
                                 struct slice user_id)
{
    const struct presence *members = NULL;
    if (announce_wanted(&hub->announcer, app, ANNOUNCE_MEMBER_ADDED)) {
        members = inorder_members(inorder_entry(hub, app, channel));
    }
    return members != NULL ? presence_info(members, user_id) : (struct slice){NULL, 0};
}

static void inorder_tell_member(struct hub *hub, uint32_t app, struct slice channel,
                                struct slice user_id, bool in, uint32_t teller)
{
    teller = inorder_teller(hub, teller);
    struct announcement announcement = {.kind =
                                            in ? ANNOUNCE_MEMBER_ADDED : ANNOUNCE_MEMBER_REMOVED,
                                        .theirs = teller != 0,
                                        .teller = teller,
                                        .app = app,
                                        .channel = channel,
                                        .user_id = user_id};
    if (in) {
        announcement.info = inorder_info(hub, app, channel, user_id);
    }
    announce(&hub->announcer, &announcement);
}

/* Whoever has signed in is on the user's own channel. */
static void inorder_tell_user(struct hub *hub, uint32_t app, struct slice channel, uint32_t before,
                              uint32_t count, uint32_t teller)
{
    const size_t prefix = sizeof(FF_USER_CHANNEL_PREFIX) - 1;
    if (before != 0 && count != 0) {
        return;
    }
    struct announcement announcement = {.kind = before == 0 ? ANNOUNCE_ONLINE : ANNOUNCE_OFFLINE,
                                        .theirs = teller != 0,
                                        .teller = teller,
                                        .app = app,
                                        .user_id = {channel.p + prefix, channel.len - prefix}};
    announce(&hub->announcer, &announcement);
}

static void inorder_tell_count(struct hub *hub, uint32_t app, struct slice channel, uint32_t before,
                               uint32_t count, uint32_t teller)
{
    unsigned int type = ff_channel_type(channel.p, channel.len);
    if (before == count || ((type & FF_CHANNEL_HIDDEN) && !(type & FF_CHANNEL_USER))) {
        return;
    }
    teller = inorder_teller(hub, teller);
    if (type & FF_CHANNEL_USER) {
        inorder_tell_user(hub, app, channel, before, count, teller);
        return;
    }
    struct announcement announcement = {.theirs = teller != 0,
                                        .teller = teller,
                                        .app = app,
                                        .channel = channel,
                                        .before = before,
                                        .count = count};
    if (before == 0 || count == 0) {
        announcement.kind = before == 0 ? ANNOUNCE_OCCUPIED : ANNOUNCE_VACATED;
        announce(&hub->announcer, &announcement);
    }
    if (!(type & FF_CHANNEL_PRESENCE)) {
        announcement.kind = ANNOUNCE_COUNT;
        announce(&hub->announcer, &announcement);
    }
}

/* ---- what is in flight ---- */

static size_t inorder_key(char *room, uint32_t app, char kind, struct slice channel,
                          struct slice user_id)
{
    memcpy(room, &app, sizeof(app));
    room[KIND_AT] = kind;
    char *at = mempcpy(room + NAME_AT, channel.p, channel.len);
    *at++ = '\n'; /* no channel has one in its name */
    if (user_id.len > 0) {
        at = mempcpy(at, user_id.p, user_id.len);
    }
    return (size_t)(at - room);
}

/* NULL: there is none, and `logged` was NULL. Names are short: the protocol has limits for them. */
static struct flying *inorder_flying(struct hub *hub, uint32_t app, char kind, struct slice channel,
                                     struct slice user_id, const uint32_t *logged)
{
    char room[KEY_MAX];
    if (NAME_AT + channel.len + 1 + user_id.len > sizeof(room)) {
        return NULL;
    }
    size_t len = inorder_key(room, app, kind, channel, user_id);
    struct flying *flying = strmap_get(&hub->inflight->map, room, len);
    if (flying == NULL && logged != NULL) {
        flying = mem_alloc(sizeof(*flying) + len);
        *flying = (struct flying){.logged = *logged,
                                  .app = app,
                                  .channel_len = (uint32_t)channel.len,
                                  .len = (uint32_t)len};
        memcpy(flying->key, room, len);
        strmap_put(&hub->inflight->map, flying);
    }
    return flying;
}

/* What it says now has its place. Returns what was so before; false: it does not count. */
static bool inorder_land(struct hub *hub, struct flying *flying, uint32_t now, bool restated,
                         uint32_t *before)
{
    if (flying == NULL || (restated && !flying->reborn)) {
        return false;
    }
    *before = flying->logged;
    flying->logged = now;
    if (restated) {
        flying->reborn = false;
    } else {
        flying->n -= flying->n > 0 ? 1 : 0;
    }
    if (flying->n == 0 && !flying->reborn) {
        strmap_del(&hub->inflight->map, flying->key, flying->len);
        mem_free(flying);
    }
    return true;
}

/* ---- members ---- */

void inorder_member(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id,
                    bool in)
{
    uint32_t before = in ? 0 : 1;
    if (!inorder_wanted(hub, app)) {
        return;
    }
    if (hub->cluster_ops == NULL) {
        inorder_tell_member(hub, app, channel, user_id, in, 0);
        return;
    }
    struct flying *flying = inorder_flying(hub, app, KIND_USER, channel, user_id, &before);
    if (flying != NULL) {
        flying->n++;
    }
}

void inorder_member_back(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id,
                         bool in, bool restated)
{
    uint32_t before;
    struct flying *flying = inorder_flying(hub, app, KIND_USER, channel, user_id, NULL);
    if (!inorder_land(hub, flying, in ? 1 : 0, restated, &before) || (before != 0) == in) {
        return;
    }
    const struct presence *members = inorder_members(inorder_entry(hub, app, channel));
    if (members == NULL || !presence_elsewhere(members, user_id)) {
        inorder_tell_member(hub, app, channel, user_id, in, 0);
    }
}

void inorder_member_elsewhere(struct hub *hub, uint32_t app, const struct dirent *entry,
                              struct slice user_id, bool in, uint32_t teller)
{
    if (!inorder_wanted(hub, app)) {
        return;
    }
    struct slice channel = dirent_name(entry);
    const struct flying *flying = inorder_flying(hub, app, KIND_USER, channel, user_id, NULL);
    const struct presence *members = room_members(entry);
    bool here =
        flying != NULL ? flying->logged != 0 : members != NULL && presence_here(members, user_id);
    if (!here) {
        inorder_tell_member(hub, app, channel, user_id, in, teller);
    }
}

void inorder_void_member(struct hub *hub, uint32_t app, struct slice channel, struct slice user_id)
{
    uint32_t none = 0;
    if (!inorder_wanted(hub, app)) {
        return;
    }
    struct flying *flying = inorder_flying(hub, app, KIND_USER, channel, user_id, &none);
    if (flying != NULL) {
        flying->logged = 0;
        flying->reborn = true;
    }
}

/* ---- counts ---- */

void inorder_count(struct hub *hub, uint32_t app, const struct dirent *entry, uint32_t before)
{
    if (!inorder_wanted(hub, app)) {
        return;
    }
    if (hub->cluster_ops == NULL) {
        inorder_tell_count(hub, app, dirent_name(entry), before, entry->here, 0);
        return;
    }
    struct flying *flying =
        inorder_flying(hub, app, KIND_NONE, dirent_name(entry), (struct slice){NULL, 0}, &before);
    if (flying != NULL) {
        flying->n++;
    }
}

void inorder_count_here(struct hub *hub, uint32_t app, const struct dirent *entry, uint32_t before)
{
    if (inorder_wanted(hub, app)) {
        inorder_tell_count(hub, app, dirent_name(entry), before, entry->here, 0);
    }
}

void inorder_count_back(struct hub *hub, uint32_t app, struct slice channel, uint32_t n,
                        bool restated)
{
    uint32_t before;
    struct flying *flying =
        inorder_flying(hub, app, KIND_NONE, channel, (struct slice){NULL, 0}, NULL);
    if (inorder_land(hub, flying, n, restated, &before)) {
        const struct dirent *entry = inorder_entry(hub, app, channel);
        uint32_t away = entry != NULL && entry->away != NULL ? entry->away->sum : 0;
        inorder_tell_count(hub, app, channel, before + away, n + away, 0);
    }
}

void inorder_count_elsewhere(struct hub *hub, uint32_t app, const struct dirent *entry,
                             uint32_t before, uint32_t teller)
{
    if (!inorder_wanted(hub, app)) {
        return;
    }
    const struct flying *flying =
        inorder_flying(hub, app, KIND_NONE, dirent_name(entry), (struct slice){NULL, 0}, NULL);
    uint32_t here = flying != NULL ? flying->logged : entry->here;
    uint32_t away = entry->away != NULL ? entry->away->sum : 0;
    inorder_tell_count(hub, app, dirent_name(entry), here + before, here + away, teller);
}

void inorder_void_count(struct hub *hub, uint32_t app, struct slice channel, uint32_t n)
{
    uint32_t none = 0;
    if (!inorder_wanted(hub, app) || n == 0) {
        return;
    }
    struct flying *flying =
        inorder_flying(hub, app, KIND_NONE, channel, (struct slice){NULL, 0}, &none);
    if (flying != NULL) {
        flying->logged = 0;
        flying->reborn = true;
    }
}

/* ---- losses ---- */

static void inorder_drop_member(struct hub *hub, const struct flying *flying, struct slice channel)
{
    struct slice user_id = {flying->key + NAME_AT + flying->channel_len + 1,
                            flying->len - NAME_AT - flying->channel_len - 1};
    const struct presence *members = inorder_members(inorder_entry(hub, flying->app, channel));
    bool here = members != NULL && presence_here(members, user_id);
    bool elsewhere = members != NULL && presence_elsewhere(members, user_id);
    if (here != (flying->logged != 0) && !elsewhere) {
        inorder_tell_member(hub, flying->app, channel, user_id, here, 0);
    }
}

void inorder_dropped(struct hub *hub)
{
    struct inflight lost = *hub->inflight;
    size_t cursor = 0;
    void *value;
    strmap_init(&hub->inflight->map, inorder_key_of);
    while (strmap_next(&lost.map, &cursor, &value)) {
        const struct flying *flying = value;
        struct slice channel = {flying->key + NAME_AT, flying->channel_len};
        if (flying->key[KIND_AT] == KIND_USER) {
            inorder_drop_member(hub, flying, channel);
            continue;
        }
        const struct dirent *entry = inorder_entry(hub, flying->app, channel);
        uint32_t here = entry != NULL ? entry->here : 0;
        uint32_t away = entry != NULL && entry->away != NULL ? entry->away->sum : 0;
        inorder_tell_count(hub, flying->app, channel, flying->logged + away, here + away, 0);
    }
    inorder_clear(&lost);
}
