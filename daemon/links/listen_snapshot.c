#include "links/listen_snapshot.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pubsub/presence.h"
#include "pubsub/query.h"
#include "pubsub/room.h"
#include "shared/channel.h"
#include "shared/ipc_listen.h"

#define PIECE   64u   /* channels looked up at once */
#define STEP_US 2000u /* of a turn */
#define LOOK    64u   /* entries between two looks at the clock */

struct listen_snapshot {
    struct hub *hub;
    uint32_t app;
    uint64_t seq, order;
    struct strmap_scan scan;
    bool scanned; /* to the end */
    /* Names of channels that were found and are not told yet: each behind its length (4 bytes). */
    struct buf names;
    size_t at;
    char *channel; /* the one whose members are being told; NULL: none */
    size_t channel_len;
    uint64_t subscriptions;
    struct presence_pager pager;
    msgpack_sbuffer out;
    struct ff_ipc_snapshot frame;
};

struct listen_snapshot *listen_snapshot_new(struct hub *hub, uint32_t app, uint64_t seq)
{
    struct listen_snapshot *snapshot = mem_zalloc(sizeof(*snapshot));
    snapshot->hub = hub;
    snapshot->app = app;
    snapshot->seq = seq;
    buf_init(&snapshot->names, SIZE_MAX);
    msgpack_sbuffer_init(&snapshot->out);
    return snapshot;
}

void listen_snapshot_begin(struct listen_snapshot *snapshot, uint64_t order)
{
    snapshot->order = order;
}

void listen_snapshot_free(struct listen_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    presence_page_end(&snapshot->pager);
    mem_free(snapshot->channel);
    buf_free(&snapshot->names);
    msgpack_sbuffer_destroy(&snapshot->out);
    mem_free(snapshot);
}

static void snapshot_on_entry(void *arg, void *value)
{
    struct listen_snapshot *snapshot = arg;
    const struct dirent *entry = value;
    if (ff_channel_type(entry->name, entry->len) & FF_CHANNEL_HIDDEN) {
        return;
    }
    if (buf_append(&snapshot->names, &entry->len, sizeof(entry->len)) != 0 ||
        buf_append(&snapshot->names, entry->name, entry->len) != 0) {
        check(false); /* it has no limit */
    }
}

/* The next channel that is still there. False: there is none. */
static bool snapshot_next_channel(struct listen_snapshot *snapshot, struct slice *name,
                                  struct channel_info *info)
{
    struct hub *hub = snapshot->hub;
    const struct app *app = &hub->apps->items[snapshot->app];
    for (;;) {
        while (snapshot->at < snapshot->names.len) {
            uint32_t len;
            memcpy(&len, snapshot->names.data + snapshot->at, sizeof(len));
            snapshot->at += sizeof(len);
            *name = (struct slice){(const char *)snapshot->names.data + snapshot->at, len};
            snapshot->at += len;
            *info = query_channel(hub, app, *name);
            if (info->occupied) {
                return true;
            }
        }
        if (snapshot->scanned) {
            return false;
        }
        snapshot->names.len = 0;
        snapshot->at = 0;
        snapshot->scanned = !strmap_scan(&hub->channels[snapshot->app].entries, &snapshot->scan,
                                         PIECE, snapshot_on_entry, snapshot);
    }
}

/* -1: no memory. */
static int snapshot_open_channel(struct listen_snapshot *snapshot, struct slice name,
                                 const struct channel_info *info)
{
    struct hub *hub = snapshot->hub;
    const struct dirent *entry = hub_find(hub, snapshot->app, strmap_hash(name.p, name.len), name);
    bool members = (info->type & FF_CHANNEL_PRESENCE) != 0;
    if (members && entry != NULL && entry->room != NULL) {
        presence_page_begin(entry->room->members, &snapshot->pager);
        snapshot->channel = mem_strndup(name.p, name.len);
        snapshot->channel_len = name.len;
        snapshot->subscriptions = info->subscriptions;
    }
    return ff_ipc_pack_snapshot_channel(&snapshot->out, &snapshot->frame,
                                        (struct ff_slice){name.p, (unsigned int)name.len},
                                        info->subscriptions, members);
}

static int snapshot_add_member(struct listen_snapshot *snapshot, const struct pusher_member *member)
{
    struct ff_ipc_member packed = {
        .user_id = {member->user_id.p, (unsigned int)member->user_id.len},
        .info = {member->info_json.p, (unsigned int)member->info_json.len}};
    return ff_ipc_pack_snapshot_member(&snapshot->out, &snapshot->frame, &packed);
}

static void snapshot_close_channel(struct listen_snapshot *snapshot)
{
    presence_page_end(&snapshot->pager);
    mem_free(snapshot->channel);
    snapshot->channel = NULL;
}

/* Adds one entry to the frame. 1: there is none left, -1: no memory. */
static int snapshot_add(struct listen_snapshot *snapshot)
{
    struct pusher_member member;
    struct slice name;
    struct channel_info info;
    if (snapshot->channel != NULL) {
        if (presence_page_next(&snapshot->pager, &member)) {
            return snapshot_add_member(snapshot, &member);
        }
        snapshot_close_channel(snapshot);
    }
    if (!snapshot_next_channel(snapshot, &name, &info)) {
        return 1;
    }
    return snapshot_open_channel(snapshot, name, &info);
}

/* One frame. 1: the last one, -1: no memory. */
static int snapshot_pack(struct listen_snapshot *snapshot, uint64_t until_us)
{
    int result = ff_ipc_pack_snapshot_begin(&snapshot->out, snapshot->seq, snapshot->order,
                                            &snapshot->frame);
    if (result == 0 && snapshot->channel != NULL) { /* the frame before had some of its members */
        struct ff_slice name = {snapshot->channel, (unsigned int)snapshot->channel_len};
        result = ff_ipc_pack_snapshot_channel(&snapshot->out, &snapshot->frame, name,
                                              snapshot->subscriptions, true);
    }
    for (uint32_t n = 1; result == 0 && snapshot->out.size < SNAPSHOT_FRAME; n++) {
        if (n % LOOK == 0 && clock_mono_ns() / 1000 >= until_us) {
            break;
        }
        result = snapshot_add(snapshot);
    }
    if (result < 0 ||
        ff_ipc_pack_snapshot_end(&snapshot->out, &snapshot->frame, result == 1) != 0) {
        return -1;
    }
    return result;
}

bool listen_snapshot_step(struct listen_snapshot *snapshot, struct conn *conn)
{
    uint64_t until = clock_mono_ns() / 1000 + STEP_US;
    while (conn_weight(conn) < SNAPSHOT_QUEUED) {
        int result = snapshot_pack(snapshot, until);
        if (result < 0) {
            conn_doom(conn);
            return false;
        }
        conn_send(conn, frame_copy(snapshot->out.data, snapshot->out.size));
        snapshot->out.size = 0;
        if (result == 1) {
            return false;
        }
        if (clock_mono_ns() / 1000 >= until) {
            break;
        }
    }
    return true;
}
