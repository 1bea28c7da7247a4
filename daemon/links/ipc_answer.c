#include "links/ipc_answer.h"

#include "base/mem.h"
#include "links/ipc_stats.h"
#include "proto/json.h"
#include "pubsub/presence.h"
#include "pubsub/query.h"
#include "shared/channel.h"

#define FULL_CHANNELS "the answer would be over 16 MiB; ask for a longer prefix or fewer attributes"
#define FULL_CHANNEL  "the answer would be over 16 MiB; ask without the cached event"
#define FULL_MEMBERS  "the answer would be over 16 MiB; the channel has too many members"

#define MAX_PREFIX 65535u /* bytes that other nodes are asked for, where names have no limit */

static enum ipc_answer ipc_answer_refused(struct ipc_refusal *refusal, const char *reason,
                                          const char *why)
{
    *refusal = (struct ipc_refusal){reason, why};
    return IPC_REFUSED;
}

/* What a function of shared/ipc_pack has returned, as an answer. */
static enum ipc_answer ipc_answer_packed(int result, struct ipc_refusal *refusal, const char *full)
{
    if (result == FF_IPC_FULL) {
        return ipc_answer_refused(refusal, FF_IPC_REASON_TOO_LARGE, full);
    }
    return result == 0 ? IPC_ANSWERED : IPC_NO_MEMORY;
}

/* The same for a list, which goes as a whole. */
static enum ipc_answer ipc_answer_listed(int result, bool partial, msgpack_sbuffer *out,
                                         struct ff_ipc_list *list, struct ipc_refusal *refusal,
                                         const char *full)
{
    if (result == 0) {
        result = ff_ipc_pack_list_end(out, list, partial);
    } else {
        ff_ipc_pack_list_drop(out, list);
    }
    return ipc_answer_packed(result, refusal, full);
}

/* ---- channels ---- */

/* What is known of a channel, as far as it was asked for. *room is for the cached event's text and
 * is the caller's to free. -1: no memory. */
static int ipc_answer_describe(struct hub *hub, const struct app *app, struct slice name,
                               const struct channel_info *info, unsigned int wanted,
                               struct ff_ipc_channel *out, char **room)
{
    struct slice raw, data;
    *room = NULL;
    *out = (struct ff_ipc_channel){
        .name = {name.p, (unsigned int)name.len},
        .occupied = info->occupied,
        .has_subscriptions = (wanted & FF_IPC_SUBSCRIPTION_COUNT) != 0,
        .has_users = (wanted & FF_IPC_USER_COUNT) && (info->type & FF_CHANNEL_PRESENCE),
        .subscriptions = info->subscriptions,
        .users = info->users,
    };
    if ((wanted & FF_IPC_CACHE) && (info->type & FF_CHANNEL_CACHE) &&
        query_cached(hub, app, name, &raw, &out->ttl)) {
        *room = mem_try_alloc(raw.len + 1);
        if (*room == NULL) {
            return -1;
        }
        data = json_unescape(raw, *room);
        out->data = (struct ff_slice){data.p, (unsigned int)data.len};
    }
    return 0;
}

static enum ipc_answer ipc_answer_channels(struct hub *hub, const struct app *app,
                                           const struct ff_ipc_frame *frame, bool partial,
                                           msgpack_sbuffer *out, struct ipc_refusal *refusal)
{
    struct slice prefix = {frame->name.p, frame->name.len}, name;
    struct channel_info info;
    struct ff_ipc_list list;
    struct query_cursor cursor = {0};
    int result = 0;
    if (ff_ipc_pack_list_begin(out, FF_IPC_CHANNELS_REPLY, frame->seq, &list) != 0) {
        return IPC_NO_MEMORY;
    }
    while (result == 0 && query_next(hub, app, prefix, &cursor, &name, &info)) {
        struct ff_ipc_channel channel;
        char *room;
        result = ipc_answer_describe(hub, app, name, &info, frame->wanted, &channel, &room);
        if (result == 0) {
            result = ff_ipc_pack_list_channel(out, &list, &channel);
        }
        mem_free(room);
    }
    return ipc_answer_listed(result, partial, out, &list, refusal, FULL_CHANNELS);
}

bool ipc_answer_name_fits(const struct hub *hub, const struct app *app, struct ff_slice name)
{
    return ff_channel_publishable(
        name.p, name.len,
        (size_t)app_limit(hub->limits->max_channel_name, app->settings->max_channel_name));
}

bool ipc_answer_prefix_fits(const struct hub *hub, const struct app *app, struct ff_slice prefix)
{
    uint64_t max = app_limit(hub->limits->max_channel_name, app->settings->max_channel_name);
    return prefix.len <= (max != 0 ? max : MAX_PREFIX);
}

static enum ipc_answer ipc_answer_channel(struct hub *hub, const struct app *app,
                                          const struct ff_ipc_frame *frame, bool partial,
                                          msgpack_sbuffer *out, struct ipc_refusal *refusal)
{
    struct slice name = {frame->name.p, frame->name.len};
    struct ff_ipc_channel channel;
    char *room;
    if (!ipc_answer_name_fits(hub, app, frame->name)) {
        return ipc_answer_refused(refusal, FF_IPC_REASON_INVALID_CHANNEL,
                                  "the channel name is invalid");
    }
    struct channel_info info = query_channel(hub, app, name);
    int result = ipc_answer_describe(hub, app, name, &info, frame->wanted, &channel, &room);
    if (result == 0) {
        result = ff_ipc_pack_channel_reply(out, frame->seq, &channel, partial);
    }
    mem_free(room);
    return ipc_answer_packed(result, refusal, FULL_CHANNEL);
}

static enum ipc_answer ipc_answer_members(struct hub *hub, const struct app *app,
                                          const struct ff_ipc_frame *frame, msgpack_sbuffer *out,
                                          struct ipc_refusal *refusal)
{
    struct slice name = {frame->name.p, frame->name.len};
    struct ff_ipc_list list;
    int result = 0;
    if (!ipc_answer_name_fits(hub, app, frame->name)) {
        return ipc_answer_refused(refusal, FF_IPC_REASON_INVALID_CHANNEL,
                                  "the channel name is invalid");
    }
    if (!(ff_channel_type(name.p, name.len) & FF_CHANNEL_PRESENCE)) {
        return ipc_answer_refused(refusal, FF_IPC_REASON_INVALID_CHANNEL,
                                  "members are known of presence channels only");
    }
    if (ff_ipc_pack_list_begin(out, FF_IPC_MEMBERS_REPLY, frame->seq, &list) != 0) {
        return IPC_NO_MEMORY;
    }
    const struct presence *presence = query_presence(hub, app, name);
    if (presence != NULL) {
        struct presence_walk walk;
        struct pusher_members members = presence_members(&walk, presence);
        struct pusher_member member;
        while (result == 0 && members.next(members.arg, &member)) {
            struct ff_ipc_member packable = {
                .user_id = {member.user_id.p, (unsigned int)member.user_id.len},
                .info = {member.info_json.p, (unsigned int)member.info_json.len}};
            result = ff_ipc_pack_list_member(out, &list, &packable);
        }
    }
    return ipc_answer_listed(result, false, out, &list, refusal, FULL_MEMBERS);
}

enum ipc_answer ipc_answer(struct hub *hub, const struct app *app, const struct ff_ipc_frame *frame,
                           bool partial, msgpack_sbuffer *out, struct ipc_refusal *refusal)
{
    switch (frame->type) {
    case FF_IPC_CHANNELS:
        return ipc_answer_channels(hub, app, frame, partial, out, refusal);
    case FF_IPC_CHANNEL:
        return ipc_answer_channel(hub, app, frame, partial, out, refusal);
    case FF_IPC_MEMBERS:
        return ipc_answer_members(hub, app, frame, out, refusal);
    case FF_IPC_CONNECTIONS:
        return ipc_answer_packed(
            ff_ipc_pack_connections_reply(out, frame->seq, query_connections(hub, app), partial),
            refusal, "");
    default:
        return ipc_stats(hub, app, frame->seq, out) == 0 ? IPC_ANSWERED : IPC_NO_MEMORY;
    }
}
