#include "pubsub/share.h"
#include "pubsub/joins.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "pubsub/broadcast.h"
#include "pubsub/inorder.h"
#include "pubsub/occupancy.h"
#include "pubsub/presence.h"
#include "pubsub/room.h"
#include "pubsub/wire.h"
#include "shared/channel.h"

#define STALE_MAX (32u << 20) /* bytes of lists that are out of date and on their way */
#define LIST_MS   5000u       /* a list that nobody asked for so long is made anew when need be */
#define LOOK      16u         /* joins let in between two looks at the flow */
#define PACE      200u        /* members for each millisecond between two services of a room */
#define PACE_MAX  200u        /* ms */

/* ---- rooms ---- */

static struct room *joins_room_get(struct dirent *entry, const struct mail_channel *channel)
{
    if (entry->room == NULL) {
        entry->room = mem_alloc(sizeof(*entry->room));
        *entry->room = (struct room){
            .members = presence_new(), .entry = entry, .app = channel->app, .hash = channel->hash};
    }
    return entry->room;
}

static void joins_room_queue(struct hub *hub, struct room *room)
{
    struct rooms *rooms = &hub->rooms;
    room->prev = rooms->last;
    room->next = NULL;
    if (rooms->last != NULL) {
        rooms->last->next = room;
    } else {
        rooms->first = room;
    }
    rooms->last = room;
}

static void joins_room_unqueue(struct hub *hub, struct room *room)
{
    struct rooms *rooms = &hub->rooms;
    *(room->prev != NULL ? &room->prev->next : &rooms->first) = room->next;
    *(room->next != NULL ? &room->next->prev : &rooms->last) = room->prev;
}

static void joins_room_line_up(struct hub *hub, struct room *room, struct mail *mail)
{
    uint64_t lined = ++hub->rooms.lined;
    if (mail->type == MAIL_LEAVE) {
        ((struct mail_leave *)mail)->lined = lined;
    } else {
        ((struct mail_join *)mail)->lined = lined;
    }
    mail->next = NULL;
    if (room->line.head == NULL) {
        room->line.head = mail;
        joins_room_queue(hub, room);
    } else {
        room->line.tail->next = mail;
    }
    room->line.tail = mail;
    if (hub->rooms.waited_since == 0) {
        hub->rooms.waited_since = hub->loop->now;
    }
}

static struct mail *joins_room_next(struct room *room)
{
    struct mail *mail = room->line.head;
    if (mail != NULL) {
        room->line.head = mail->next;
    }
    return mail;
}

/* ---- lists of members ---- */

static void joins_list_unlink(struct hub *hub, struct room *room)
{
    struct rooms *rooms = &hub->rooms;
    *(room->listed_prev != NULL ? &room->listed_prev->listed_next : &rooms->listed) =
        room->listed_next;
    *(room->listed_next != NULL ? &room->listed_next->listed_prev : &rooms->listed_last) =
        room->listed_prev;
}

static void joins_list_link(struct hub *hub, struct room *room)
{
    struct rooms *rooms = &hub->rooms;
    room->listed_at = hub->loop->now;
    room->listed_prev = rooms->listed_last;
    room->listed_next = NULL;
    *(rooms->listed_last != NULL ? &rooms->listed_last->listed_next : &rooms->listed) = room;
    rooms->listed_last = room;
}

/* The members are others from now on. One that somebody has still to be sent is remembered. */
static void joins_list_drop(struct hub *hub, struct room *room)
{
    struct rooms *rooms = &hub->rooms;
    if (room->list == NULL) {
        return;
    }
    joins_list_unlink(hub, room);
    if (frame_shared(room->list) &&
        rooms->nstale < sizeof(rooms->stale) / sizeof(rooms->stale[0])) {
        rooms->stale[rooms->nstale++] = room->list;
    } else {
        frame_unref(room->list);
    }
    room->list = NULL;
}

/* NULL: no memory. */
static struct frame *joins_list_get(struct hub *hub, struct room *room)
{
    if (room->list != NULL) {
        joins_list_unlink(hub, room);
        joins_list_link(hub, room);
        return room->list;
    }
    struct presence_walk walk;
    struct pusher_members members = presence_members(&walk, room->members);
    struct buf json = wire_json();
    room->list =
        wire_message(&json, pusher_presence_subscribed(&json, dirent_name(room->entry), &members));
    if (room->list != NULL) {
        joins_list_link(hub, room);
    }
    return room->list;
}

/* Whether too much is on its way that nobody needs any more. */
static bool joins_list_stale(struct hub *hub)
{
    struct rooms *rooms = &hub->rooms;
    size_t bytes = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rooms->nstale; i++) {
        if (frame_shared(rooms->stale[i])) {
            bytes += rooms->stale[i]->len;
            rooms->stale[kept++] = rooms->stale[i];
        } else {
            frame_unref(rooms->stale[i]);
        }
    }
    rooms->nstale = kept;
    return bytes > STALE_MAX || kept == sizeof(rooms->stale) / sizeof(rooms->stale[0]);
}

void joins_expire(struct hub *hub)
{
    joins_list_stale(hub);
    while (hub->rooms.listed != NULL && hub->loop->now - hub->rooms.listed->listed_at >= LIST_MS) {
        joins_list_drop(hub, hub->rooms.listed);
    }
}

/* ---- answers ---- */

/* Takes over the references. */
static void joins_answer(struct hub *hub, const struct mail_join *mail, bool refused, bool shared,
                         struct frame **frames, size_t count)
{
    size_t extra = mail->channel.len + mail->user_len;
    size_t bytes = 0;
    struct mail_joined *answer = mem_alloc(sizeof(*answer) + extra);
    *answer = (struct mail_joined){
        .slot = mail->slot,
        .gen = mail->gen,
        .number = mail->number,
        .refused = refused,
        .shared = shared,
        .channel = mail->channel,
        .user_len = mail->user_len,
    };
    for (size_t i = 0; i < count; i++) {
        answer->frames[i] = frames[i];
        bytes += frames[i]->len;
    }
    answer->count = (uint8_t)count;
    /* A frame that many get is not many times the memory, but it is to be written as often. */
    answer->mail.type = MAIL_JOINED;
    answer->mail.weight = flow_weight(sizeof(*answer) + extra + (shared ? 0 : bytes), bytes, 1);
    memcpy(answer->bytes, mail->bytes, extra);
    mailbox_post(hub->flow->workers[mail->worker], &answer->mail);
}

/* The history of a cache channel, or the word that there is none. Returns how many frames, with
 * references; a frame for which there is no memory is left out. */
static size_t joins_history(struct hub *hub, uint32_t app, uint32_t hash,
                            const struct dirent *entry, struct frame **out)
{
    struct slice name = dirent_name(entry);
    size_t n = cache_get(&hub->caches[app], name, hash, hub->loop->now, out, NULL);
    for (size_t i = 0; i < n; i++) {
        frame_ref(out[i]);
    }
    if (n > 0) {
        return n;
    }
    struct announcement miss = {.kind = ANNOUNCE_CACHE_MISS, .app = app, .channel = name};
    announce(&hub->announcer, &miss);
    struct buf json = wire_json();
    out[0] = wire_message(&json, pusher_cache_miss(&json, name));
    return out[0] != NULL ? 1 : 0;
}

/* Confirmed with `first` (takes over the reference; NULL: no memory), and what follows it. */
static void joins_welcome(struct hub *hub, const struct mail_join *mail, const struct dirent *entry,
                          bool shared, struct frame *first)
{
    struct frame *frames[MAIL_JOINED_FRAMES] = {first};
    size_t count = first != NULL ? 1 : 0;
    if (first != NULL && (ff_channel_type(entry->name, entry->len) & FF_CHANNEL_CACHE)) {
        count += joins_history(hub, mail->channel.app, mail->channel.hash, entry, frames + 1);
    }
    joins_answer(hub, mail, false, shared, frames, count);
}

static void joins_refuse(struct hub *hub, const struct mail_join *mail, const struct dirent *entry)
{
    struct buf json = wire_json();
    struct frame *frame =
        wire_message(&json, pusher_subscription_error(&json, dirent_name(entry), "LimitReached",
                                                      "Too many members on this channel", 403));
    joins_answer(hub, mail, true, false, &frame, frame != NULL ? 1 : 0);
}

/* ---- members ---- */

static struct slice joins_user(const struct mail_join *mail)
{
    return (struct slice){mail->bytes + mail->channel.len, mail->user_len};
}

static struct pusher_member joins_member(const struct mail_join *mail)
{
    const char *at = mail->bytes + mail->channel.len;
    return (struct pusher_member){
        .user_id = {at, mail->user_len},
        .id_json = {at + mail->user_len, mail->id_len},
        .info_json = {mail->info_len > 0 ? at + mail->user_len + mail->id_len : NULL,
                      mail->info_len},
    };
}

/* Tells everybody who is on the channel; takes over the reference. A message that cannot be made
 * for lack of memory is left out. */
static void joins_tell(struct hub *hub, struct room *room, struct frame *frame)
{
    struct broadcast broadcast = {.kind = BROADCAST_SYSTEM,
                                  .app = room->app,
                                  .hash = room->hash,
                                  .channel = dirent_name(room->entry),
                                  .entry = room->entry,
                                  .frame = frame};
    if (frame != NULL) {
        broadcast_send(hub, &broadcast);
        frame_unref(frame);
    }
}

static bool joins_full(const struct hub *hub, const struct room *room, struct slice user)
{
    uint64_t max = hub->apps->items[room->app].settings->max_presence_members;
    return max != 0 && presence_count(room->members) >= max && !presence_has(room->members, user);
}

static void joins_tell_added(struct hub *hub, struct room *room, const struct pusher_member *member)
{
    hub->rooms.members++;
    joins_list_drop(hub, room);
    if (room->entry->here > 0) {
        struct buf json = wire_json();
        joins_tell(
            hub, room,
            wire_message(&json, pusher_member_added(&json, dirent_name(room->entry), member)));
    }
}

static void joins_tell_removed(struct hub *hub, struct room *room, struct slice id_json)
{
    hub->rooms.members--;
    joins_list_drop(hub, room);
    if (room->entry->here > 0 && presence_count(room->members) > 0) {
        struct buf json = wire_json();
        joins_tell(
            hub, room,
            wire_message(&json, pusher_member_removed(&json, dirent_name(room->entry), id_json)));
    }
}

/* The others hear of the member before the joiner is answered. The joiner is no subscriber yet and
 * hears nothing. */
static void joins_let_in(struct hub *hub, struct room *room, const struct mail_join *mail)
{
    struct pusher_member member = joins_member(mail);
    unsigned int changed = presence_join(room->members, &member);
    if (changed & PRESENCE_USER) {
        joins_tell_added(hub, room, &member);
    }
    if (changed & PRESENCE_SOURCE) {
        inorder_member(hub, room->app, dirent_name(room->entry), member.user_id, true);
        share_joined(hub, room->app, dirent_name(room->entry), &member);
    }
}

static void joins_let_out(struct hub *hub, struct room *room, const struct mail_leave *mail)
{
    struct slice user_id = {mail->bytes + mail->channel.len, mail->user_len}, id_json;
    unsigned int changed = presence_leave(room->members, user_id, &id_json);
    if (changed & PRESENCE_USER) {
        joins_tell_removed(hub, room, id_json);
    }
    if (changed & PRESENCE_SOURCE) {
        inorder_member(hub, room->app, dirent_name(room->entry), user_id, false);
        share_left(hub, room->app, dirent_name(room->entry), user_id);
    }
}

/* ---- from the mail to the answer ---- */

void joins_ask(struct hub *hub, struct dirent *entry, struct mail_join *mail)
{
    if (ff_channel_type(entry->name, entry->len) & FF_CHANNEL_PRESENCE) {
        joins_room_line_up(hub, joins_room_get(entry, &mail->channel), &mail->mail);
        return;
    }
    struct buf json = wire_json();
    joins_welcome(hub, mail, entry, false,
                  wire_message(&json, pusher_subscribed(&json, dirent_name(entry))));
    mailbox_done(&hub->box, &mail->mail);
}

void joins_leave(struct hub *hub, struct dirent *entry, struct mail_leave *mail)
{
    struct room *room = entry != NULL ? entry->room : NULL;
    if (room != NULL && (room->line.head != NULL || hub->loop->now < room->due)) {
        /* Behind the joins that came before it: one of them may be the same user's. */
        joins_room_line_up(hub, room, &mail->mail);
        return;
    }
    if (room != NULL) {
        joins_let_out(hub, room, mail);
        joins_release(hub, mail->channel.app, entry);
    }
    mailbox_done(&hub->box, &mail->mail);
}

/* ---- other nodes ---- */

void joins_hold(struct hub *hub, const struct mail_channel *channel, struct dirent *entry,
                uint32_t source, uint32_t stamp, const struct pusher_member *member)
{
    struct room *room = joins_room_get(entry, channel);
    bool elsewhere = presence_elsewhere(room->members, member->user_id);
    unsigned int changed = presence_hold(room->members, source, stamp, member);
    if (changed & PRESENCE_USER) {
        joins_tell_added(hub, room, member);
    }
    if ((changed & PRESENCE_SOURCE) && !elsewhere) {
        inorder_member_elsewhere(hub, room->app, entry, member->user_id, true, source);
    }
}

void joins_drop(struct hub *hub, struct dirent *entry, uint32_t source, struct slice user_id,
                bool theirs)
{
    struct room *room = entry->room;
    struct slice id_json;
    unsigned int changed =
        room != NULL ? presence_drop(room->members, source, user_id, &id_json) : 0;
    if (changed & PRESENCE_USER) {
        joins_tell_removed(hub, room, id_json);
    }
    if ((changed & PRESENCE_SOURCE) && !presence_elsewhere(room->members, user_id)) {
        inorder_member_elsewhere(hub, room->app, entry, user_id, false, theirs ? source : 0);
    }
}

void joins_drop_stale(struct hub *hub, struct dirent *entry, uint32_t source, uint32_t stamp,
                      bool theirs)
{
    const void *cursor = NULL;
    struct slice user_id;
    while (entry->room != NULL &&
           presence_next_stale(entry->room->members, source, stamp, &cursor, &user_id)) {
        joins_drop(hub, entry, source, user_id, theirs);
    }
}

/* ---- the line ---- */

/* Lets in as many of a line as there is room for. False: some still wait. */
static bool joins_serve(struct hub *hub, struct room *room)
{
    struct mail_list let_in = {NULL, NULL};
    struct mail *mail;
    bool open = true;
    for (uint32_t n = 1; open && (mail = joins_room_next(room)) != NULL; n++) {
        if (mail->type == MAIL_LEAVE) {
            joins_let_out(hub, room, (struct mail_leave *)mail);
            mailbox_done(&hub->box, mail);
            continue;
        }
        struct mail_join *join = (struct mail_join *)mail;
        if (join->number != 0 && joins_full(hub, room, joins_user(join))) {
            joins_refuse(hub, join, room->entry);
            mailbox_done(&hub->box, mail);
            continue;
        }
        if (join->number != 0) {
            joins_let_in(hub, room, join);
        }
        mail->next = NULL;
        *(let_in.head != NULL ? &let_in.tail->next : &let_in.head) = mail;
        let_in.tail = mail;
        open = n % LOOK != 0 || hub_open(hub);
    }
    while (let_in.head != NULL) {
        struct mail_join *join = (struct mail_join *)let_in.head;
        struct frame *list = joins_list_get(hub, room);
        let_in.head = let_in.head->next;
        joins_welcome(hub, join, room->entry, true, list != NULL ? frame_ref(list) : NULL);
        mailbox_done(&hub->box, &join->mail);
    }
    return room->line.head == NULL;
}

void joins_settle(struct hub *hub, struct dirent *entry)
{
    struct room *room = entry->room;
    if (room != NULL && room->line.head != NULL) {
        joins_room_unqueue(hub, room);
        while (!joins_serve(hub, room)) {
        }
    }
}

uint64_t joins_waiting(const struct hub *hub)
{
    uint64_t first = UINT64_MAX;
    for (const struct room *room = hub->rooms.first; room != NULL; room = room->next) {
        const struct mail *head = room->line.head;
        uint64_t lined = head->type == MAIL_LEAVE ? ((const struct mail_leave *)head)->lined
                                                  : ((const struct mail_join *)head)->lined;
        first = lined < first ? lined : first;
    }
    return first;
}

static bool joins_open(struct hub *hub)
{
    struct rooms *rooms = &hub->rooms;
    const struct limits *limits = hub->limits;
    bool stale = joins_list_stale(hub);
    if (!stale && flow_joins_open(&hub->gate, limits->mailbox_high, limits->output_total)) {
        return true;
    }
    /* Slow readers do not lock the door, but threads that are behind with their mail do. */
    if (hub_open(hub) && hub->loop->now - rooms->waited_since >= FLOW_JOIN_MS) {
        rooms->waited_since = hub->loop->now;
        return true;
    }
    return false;
}

void joins_run(struct hub *hub)
{
    struct rooms *rooms = &hub->rooms;
    struct room *next, *last = rooms->last;
    for (struct room *room = rooms->first; room != NULL; room = next) {
        next = room != last ? room->next : NULL; /* those that are put off stand behind it */
        if (hub->loop->now < room->due) {
            continue;
        }
        if (!joins_open(hub)) {
            counter_add(hub->loop->counters, COUNTER_HELD_JOIN, 1);
            break;
        }
        joins_room_unqueue(hub, room);
        bool all = joins_serve(hub, room);
        uint64_t pace = presence_count(room->members) / PACE;
        room->due = hub->loop->now + (pace < PACE_MAX ? pace : PACE_MAX);
        if (!all) {
            joins_room_queue(hub, room);
        } else {
            joins_release(hub, room->app, room->entry);
        }
    }
    if (rooms->first != NULL) {
        loop_look_again(hub->loop);
    } else {
        rooms->waited_since = 0;
    }
}

/* ---- ends ---- */

static void joins_room_free(struct hub *hub, struct room *room)
{
    joins_list_drop(hub, room);
    presence_free(room->members);
    mem_free(room);
}

void joins_release(struct hub *hub, uint32_t app, struct dirent *entry)
{
    struct room *room = entry->room;
    if (dirent_total(entry) > 0 ||
        (room != NULL && (room->line.head != NULL || presence_count(room->members) > 0))) {
        return;
    }
    if (room != NULL) {
        joins_room_free(hub, room);
    }
    occupancy_forget(entry);
    directory_remove(&hub->channels[app], entry);
}

void joins_free(struct hub *hub)
{
    for (size_t i = 0; i < hub->napps; i++) {
        size_t cursor = 0;
        void *value;
        while (strmap_next(&hub->channels[i].entries, &cursor, &value)) {
            struct dirent *entry = value;
            occupancy_forget(entry);
            if (entry->room != NULL) {
                struct mail *mail;
                while ((mail = joins_room_next(entry->room)) != NULL) {
                    mailbox_done(&hub->box, mail);
                }
                joins_room_free(hub, entry->room);
            }
        }
    }
    while (hub->rooms.nstale > 0) {
        frame_unref(hub->rooms.stale[--hub->rooms.nstale]);
    }
}
