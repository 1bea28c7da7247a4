#include "links/listen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "links/listen_far.h"
#include "links/listen_snapshot.h"
#include "links/listen_state.h"
#include "proto/json.h"
#include "pubsub/cluster.h"
#include "pubsub/worker.h"

#define SNAPSHOT_ASKS 2u
#define TELL_MS       3u    /* of a turn, for all snapshots */
#define PUMP          512u  /* deliveries of a group in a turn before the others have theirs */
#define PUMP_ALL      2048u /* of all groups */
#define LOOK_MS       50u   /* how exactly ack_ms is kept */
#define IDLE_MS       1000u

/* The kinds of announcements are the types of events, one by one. */
_Static_assert((int)ANNOUNCE_OCCUPIED == (int)FF_IPC_CHANNEL_OCCUPIED, "kinds");
_Static_assert((int)ANNOUNCE_CLIENT_EVENT == (int)FF_IPC_CLIENT_EVENT, "kinds");
_Static_assert((int)ANNOUNCE_COUNT == (int)FF_IPC_COUNT_CHANGED, "kinds");
_Static_assert((int)ANNOUNCE_CLOSED == (int)FF_IPC_CONNECTION_CLOSED, "kinds");
_Static_assert((int)ANNOUNCE_OFFLINE == (int)FF_IPC_USER_OFFLINE, "kinds");
_Static_assert((int)ANNOUNCE_KINDS == (int)FF_IPC_EVENTS_LOST, "kinds");

static void listens_count(struct listens *listens, enum counter counter, uint64_t n)
{
    if (n > 0) {
        counter_add(listens->hub->loop->counters, counter, n);
    }
}

/* ---- time ---- */

static void listens_arm(struct listens *listens, uint32_t ms)
{
    if (listens->armed_ms != 0 && listens->armed_ms <= ms) {
        return;
    }
    struct timeval in = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    event_add(&listens->timer, &in);
    listens->armed_ms = ms;
}

/* ---- groups ---- */

void listen_named_soil(struct listen_named *named)
{
    struct listens *listens = named->app->all;
    if (named->dirty) {
        return;
    }
    named->dirty = true;
    named->dirty_next = NULL;
    *(listens->dirty_last != NULL ? &listens->dirty_last->dirty_next : &listens->dirty) = named;
    listens->dirty_last = named;
}

static void named_clean(struct listen_named *named)
{
    struct listens *listens = named->app->all;
    struct listen_named **at = &listens->dirty, *before = NULL;
    if (!named->dirty) {
        return;
    }
    while (*at != named) {
        before = *at;
        at = &(*at)->dirty_next;
    }
    *at = named->dirty_next;
    if (listens->dirty_last == named) {
        listens->dirty_last = before;
    }
    named->dirty = false;
}

/* What its groups want, the hub is asked for. */
void listen_app_want(struct listen_app *app)
{
    struct hub *hub = app->all->hub;
    uint32_t types = 0;
    for (const struct listen_named *named = app->groups; named != NULL; named = named->next) {
        types |= named->types;
    }
    types |= listen_far_types(app);
    if (types == app->types) {
        return;
    }
    app->types = types;
    announce_want(&hub->announcer, app->all->consumer, app->index, types);
    atomic_store_explicit(&hub->apps->items[app->index].record->sessions,
                          announce_wanted(&hub->announcer, app->index, ANNOUNCE_OPENED) ||
                              announce_wanted(&hub->announcer, app->index, ANNOUNCE_CLOSED),
                          memory_order_relaxed);
    atomic_store_explicit(&hub->apps->items[app->index].record->heard, types != 0,
                          memory_order_relaxed);
    if (hub->cluster_ops != NULL) {
        hub->cluster_ops->wanted(hub->cluster);
    }
}

static bool listener_takes(const struct group_listener *member)
{
    const struct listener *listener = (const struct listener *)member;
    return listener->snapshot == NULL && !listener->broken && conn_live(listener->conn) &&
           conn_weight(listener->conn) < LISTEN_QUEUED;
}

static void named_bound(struct listen_named *named)
{
    const struct limits *limits = named->app->all->hub->limits;
    listens_count(
        named->app->all, COUNTER_LISTEN_LOST,
        listen_group_bound(&named->group, limits->listen_queue, limits->listen_queue_size));
}

struct listen_named *listen_named_new(struct listen_app *app, struct ff_slice name)
{
    struct listen_named *named = mem_zalloc(sizeof(*named));
    named->app = app;
    named->named = name.p != NULL;
    if (named->named) {
        memcpy(named->name, name.p, name.len);
    }
    buf_init(&named->settled, SIZE_MAX);
    listen_group_init(&named->group, app->all->hub->cluster_ops != NULL, listener_takes);
    named_bound(named);
    named->next = app->groups;
    app->groups = named;
    app->ngroups++;
    named->away_since = app->all->hub->loop->now;
    listens_arm(app->all, IDLE_MS); /* others may have made it, and nobody comes */
    return named;
}

/* Without listeners. What waits is lost. */
static void named_drop(struct listen_named *named)
{
    struct listen_app *app = named->app;
    struct listen_named **at = &app->groups;
    listens_count(app->all, COUNTER_LISTEN_LOST, named->group.events);
    named_clean(named);
    while (*at != named) {
        at = &(*at)->next;
    }
    *at = named->next;
    app->ngroups--;
    listen_group_free(&named->group);
    buf_free(&named->settled);
    mem_free(named->members.items);
    mem_free(named);
    listen_far_changed_without(app);
    listen_app_want(app);
}

struct listen_named *listen_app_find(const struct listen_app *app, struct ff_slice name)
{
    struct listen_named *named = app->groups;
    while (named != NULL && (!named->named || strlen(named->name) != name.len ||
                             memcmp(named->name, name.p, name.len) != 0)) {
        named = named->next;
    }
    return named;
}

/* ---- events ---- */

static struct ff_slice listens_id(struct listens *listens, char room[LISTEN_ID_MAX])
{
    int len =
        snprintf(room, LISTEN_ID_MAX, "%016" PRIx64 "-%" PRIx64, listens->boot, ++listens->events);
    return (struct ff_slice){room, (unsigned int)len};
}

static struct ff_slice listen_slice(struct slice text)
{
    return (struct ff_slice){text.p, (unsigned int)text.len};
}

/* A value of a client's message, as text: a string's content, or the JSON of anything else. */
static struct ff_slice listen_value(struct slice value, char **room)
{
    if (json_type(value) != JSON_STRING) {
        return listen_slice(value);
    }
    struct slice text = json_unescape(value, *room);
    *room += text.len;
    return listen_slice(text);
}

/* -1: no memory. */
static int listens_read_message(struct listens *listens, struct slice message,
                                struct ff_ipc_event *view)
{
    struct slice key, value;
    size_t cursor = 0;
    buf_clear(&listens->text);
    if (buf_reserve(&listens->text, message.len + 1) != 0) {
        return -1;
    }
    char *room = (char *)listens->text.data;
    while (json_next(message, &cursor, &key, &value)) {
        if (json_string_is(key, "event")) {
            view->event = listen_value(value, &room);
        } else if (json_string_is(key, "data")) {
            view->data = listen_value(value, &room);
        } else if (json_string_is(key, "user_id")) {
            view->user_id = listen_value(value, &room);
        }
    }
    return 0;
}

void listen_app_queue(struct listen_app *app, const struct ff_ipc_event *view)
{
    struct listens *listens = app->all;
    struct listen_event *event = listen_event_new(view);
    app->order++;
    listens_count(listens, COUNTER_LISTEN_EVENTS, 1);
    for (struct listen_named *named = app->groups; named != NULL; named = named->next) {
        if (named->types & FF_IPC_EVENT_BIT(view->type)) {
            listens_count(listens, COUNTER_LISTEN_LOST, listen_far_add(named, event, app->order));
            listen_named_soil(named);
        }
    }
    listen_event_unref(event);
}

static void listens_on_announcement(void *arg, const struct announcement *announcement)
{
    struct listens *listens = arg;
    struct listen_app *app = listens->apps[announcement->app];
    char id[LISTEN_ID_MAX], socket[SOCKET_ID_MAX];
    if (announcement->theirs) {
        return;
    }
    struct ff_ipc_event view = {.id = listens_id(listens, id),
                                .type = (enum ff_ipc_event_type)announcement->kind,
                                .unix_ms = clock_wall_ms(),
                                .channel = listen_slice(announcement->channel),
                                .user_id = listen_slice(announcement->user_id),
                                .data = listen_slice(announcement->info)};
    if (announcement->sender != NULL && announcement->sender->random != 0) {
        view.socket_id =
            (struct ff_slice){socket, (unsigned int)socket_id_write(socket, announcement->sender)};
    }
    if (announcement->kind == ANNOUNCE_COUNT) {
        view.has_count = true;
        view.count = announcement->count;
    }
    if (announcement->kind == ANNOUNCE_CLIENT_EVENT &&
        listens_read_message(listens, announcement->message, &view) != 0) {
        for (struct listen_named *named = app->groups; named != NULL; named = named->next) {
            named->group.lost++;
        }
        return;
    }
    if (listens->hub->cluster_ops != NULL) {
        listen_far_tell(app, &view);
    } else {
        listen_app_queue(app, &view);
    }
}

/* ---- delivery ---- */

static void listens_deliver(struct listens *listens, const struct group_item *item)
{
    struct listener *listener = (struct listener *)item->holder;
    struct ff_ipc_event view = item->event->view;
    struct frame *frame = NULL;
    view.number = item->number;
    view.attempt = item->attempts;
    view.order = item->order;
    listens->out.size = 0;
    if (ff_ipc_pack_event(&listens->out, &view) == 0) {
        frame = frame_copy(listens->out.data, listens->out.size);
    }
    if (frame != NULL) {
        conn_send(listener->conn, frame);
    } else if (!listener->broken) {
        /* Not now: its end would take the group away under the hands of who delivers. */
        listener->broken = true;
        listener->broken_next = listens->broken;
        listens->broken = listener;
    }
}

static void listens_end_broken(struct listens *listens)
{
    while (listens->broken != NULL) {
        struct listener *listener = listens->broken;
        listens->broken = listener->broken_next;
        conn_doom(listener->conn);
    }
}

/* The group hears first of what it has lost. */
static void named_tell_lost(struct listen_named *named)
{
    char id[LISTEN_ID_MAX];
    struct listens *listens = named->app->all;
    struct ff_ipc_event view = {.id = listens_id(listens, id),
                                .type = FF_IPC_EVENTS_LOST,
                                .unix_ms = clock_wall_ms(),
                                .has_count = true,
                                .count = named->group.lost};
    struct listen_event *event = listen_event_new(&view);
    named->group.lost = 0;
    listen_group_add_first(&named->group, event, named->app->order, listens->node);
    listen_event_unref(event);
}

/* True: there is more, and it is somebody else's turn. */
static bool named_pump(struct listen_named *named, uint32_t *left)
{
    struct listens *listens = named->app->all;
    uint64_t now = listens->hub->loop->now;
    uint32_t n = 0, max = *left < PUMP ? *left : PUMP;
    if (!listen_far_delivers(named)) {
        return false;
    }
    if (named->group.lost > 0 && listen_group_ready(&named->group)) {
        named_tell_lost(named);
    }
    while (n < max) {
        const struct group_item *item = listen_group_next(&named->group, now);
        if (item == NULL) {
            break;
        }
        if (item->attempts > 1) {
            listens_count(listens, COUNTER_LISTEN_REDELIVERED, 1);
        }
        listens_deliver(listens, item);
        n++;
    }
    listens_count(listens, COUNTER_LISTEN_DELIVERED, n);
    if (n > 0) {
        listens_arm(listens, LOOK_MS);
    }
    *left -= n;
    return n == max && listen_group_ready(&named->group);
}

static void listener_told(struct listener *listener)
{
    struct listens *listens = listener->of->app->all;
    if (listener->snapshot == NULL) {
        return;
    }
    *(listener->telling_prev != NULL ? &listener->telling_prev->telling_next : &listens->telling) =
        listener->telling_next;
    if (listener->telling_next != NULL) {
        listener->telling_next->telling_prev = listener->telling_prev;
    }
    listen_snapshot_free(listener->snapshot);
    listener->snapshot = NULL;
}

/* ---- what others have ---- */

/* A listener whose snapshot waits until the others have told of their counts: they are kept on
 * every node once somebody wants them. Whoever answers the second question has read the first one,
 * and what this node wants before that. */
struct listen_question {
    struct listens *listens;
    uint32_t slot, gen;
};

static void listener_on_answer(void *arg, const struct gathered *gathered);

static void listener_ask(struct listener *listener)
{
    struct listens *listens = listener->of->app->all;
    struct hub *hub = listens->hub;
    if (hub->cluster_ops != NULL && listener->asks > 0) {
        struct listen_question *question = mem_alloc(sizeof(*question));
        *question = (struct listen_question){listens, listener->conn->slot, listener->conn->gen};
        if (hub->cluster_ops->ask(hub->cluster, CLUSTER_ASK_CONNECTIONS, listener->of->app->index,
                                  NULL, 0, listener_on_answer, question) == CLUSTER_ASKED) {
            return;
        }
        mem_free(question);
    }
    listener->asks = 0;
    listen_snapshot_begin(listener->snapshot, listener->of->app->order);
}

static void listener_on_answer(void *arg, const struct gathered *gathered)
{
    struct listen_question *question = arg;
    struct listens *listens = question->listens;
    (void)gathered;
    for (struct listener *listener = listens->telling; listener != NULL;
         listener = listener->telling_next) {
        if (listener->conn->slot == question->slot && listener->conn->gen == question->gen) {
            listener->asks--;
            listener_ask(listener);
            break;
        }
    }
    mem_free(question);
}

static void listens_on_turn(struct hub *hub)
{
    struct listens *listens = hub->listens;
    bool again = false;
    uint64_t until = listens->telling != NULL ? clock_mono_ms() + TELL_MS : 0;
    for (struct listener *listener = listens->telling, *next; listener != NULL; listener = next) {
        next = listener->telling_next;
        if (listener->asks > 0) {
            continue; /* others are asked first */
        }
        if (clock_mono_ms() > until) {
            again = true;
            break;
        }
        struct conn *conn = listener->conn; /* it outlives the listener, if that ends in this */
        bool more = listen_snapshot_step(listener->snapshot, conn);
        if (!more && conn_live(conn)) {
            listener_told(listener);
            listen_group_revive(&listener->member);
            listen_named_soil(listener->of);
        }
        again |= more && conn_weight(conn) < SNAPSHOT_QUEUED;
    }
    struct listen_named *named = listens->dirty;
    uint32_t left = PUMP_ALL;
    listens->dirty = listens->dirty_last = NULL;
    while (named != NULL) {
        struct listen_named *next = named->dirty_next;
        named->dirty = false;
        listen_far_say(named);
        if (named_pump(named, &left)) {
            listen_named_soil(named);
            again = true;
        }
        named = next;
    }
    listens_end_broken(listens);
    if (again) {
        loop_look_again(hub->loop);
    }
}

/* ---- time ---- */

/* Returns when to look again, 0: not. */
static uint32_t named_tick(struct listen_named *named)
{
    struct listens *listens = named->app->all;
    uint64_t now = listens->hub->loop->now, ttl = listens->hub->limits->listen_group_ttl;
    if (listen_group_listeners(&named->group) > 0) {
        if (listen_group_expire(&named->group, now) > 0) {
            listen_named_soil(named);
        }
        return listen_group_holds(&named->group) ? LOOK_MS : 0;
    }
    if (named->members.n > 0) {
        named->away_since = now; /* there are listeners elsewhere */
    }
    if (ttl != 0 && now - named->away_since >= ttl * 1000) {
        log_info("listen",
                 "group %s of application %s was away for %" PRIu64 " s and is forgotten; %" PRIu64
                 " events waited",
                 named->name, listens->hub->apps->items[named->app->index].record->id, ttl,
                 named->group.events);
        named_drop(named);
        return 0;
    }
    return ttl != 0 ? IDLE_MS : 0;
}

static void listens_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct listens *listens = arg;
    uint32_t again = 0;
    (void)fd;
    (void)what;
    listens->armed_ms = 0;
    for (uint32_t i = 0; i < listens->napps; i++) {
        struct listen_named *named = listens->apps[i] != NULL ? listens->apps[i]->groups : NULL;
        while (named != NULL) {
            struct listen_named *next = named->next;
            uint32_t ms = named_tick(named);
            again = again == 0 || (ms != 0 && ms < again) ? ms : again;
            named = next;
        }
    }
    if (again != 0) {
        listens_arm(listens, again);
    }
}

/* ---- listeners ---- */

struct listen_app *listens_app(struct listens *listens, uint32_t index)
{
    if (index >= listens->napps) {
        listens->apps = mem_realloc(listens->apps, (index + 1) * sizeof(struct listen_app *));
        for (; listens->napps <= index; listens->napps++) {
            listens->apps[listens->napps] = NULL;
        }
    }
    if (listens->apps[index] == NULL) {
        listens->apps[index] = mem_zalloc(sizeof(struct listen_app));
        listens->apps[index]->all = listens;
        listens->apps[index]->index = index;
    }
    return listens->apps[index];
}

static bool listen_name_good(struct ff_slice name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (name.len == 0 || name.len > FF_IPC_MAX_GROUP) {
        return false;
    }
    for (unsigned int i = 0; i < name.len; i++) {
        if (name.p[i] == '\0' || strchr(allowed, name.p[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool listen_judge(const struct ff_ipc_listen *asked, char *why, size_t size)
{
    if (asked->unknown.p != NULL) {
        snprintf(why, size, "there is no event type \"%.*s\"",
                 (int)(asked->unknown.len < 64 ? asked->unknown.len : 64), asked->unknown.p);
    } else if (asked->group.p != NULL && !listen_name_good(asked->group)) {
        snprintf(why, size, "a group's name must be 1 to %u of A-Z a-z 0-9 . _ -",
                 FF_IPC_MAX_GROUP);
    } else if (asked->window < 1 || asked->window > FF_IPC_MAX_WINDOW) {
        snprintf(why, size, "the window must be 1 to %u events", FF_IPC_MAX_WINDOW);
    } else if (asked->ack_ms < FF_IPC_MIN_ACK_MS || asked->ack_ms > FF_IPC_MAX_ACK_MS) {
        snprintf(why, size, "the time to settle an event must be %u to %u ms", FF_IPC_MIN_ACK_MS,
                 FF_IPC_MAX_ACK_MS);
    } else {
        return true;
    }
    return false;
}

struct listener *listen_begin(struct listens *listens, struct conn *conn, uint32_t app_index,
                              uint64_t seq, const struct ff_ipc_listen *asked,
                              struct listening *answer, char *why, size_t size)
{
    uint64_t max = listens->hub->limits->listen_groups;
    if (!listen_judge(asked, why, size)) {
        return NULL;
    }
    struct listen_app *app = listens_app(listens, app_index);
    struct listen_named *named = asked->group.p != NULL ? listen_app_find(app, asked->group) : NULL;
    answer->created = named == NULL;
    if (named == NULL && max != 0 && app->ngroups >= max) {
        snprintf(why, size,
                 "the application has %" PRIu64 " groups of listeners already: raise [limits] "
                 "listen_groups, or use fewer names",
                 max);
        return NULL;
    }
    if (named == NULL) {
        named = listen_named_new(app, asked->group);
    }
    named->types = asked->types;
    listen_app_want(app);
    struct listener *listener = mem_zalloc(sizeof(*listener));
    listener->of = named;
    listener->conn = conn;
    listener->member.window = asked->window;
    listener->member.ack_ms = asked->ack_ms;
    answer->waiting =
        listen_group_waiting(&named->group) + (named->members.n == 0 ? named->group.kept.count : 0);
    answer->order = app->order;
    if (asked->snapshot) {
        listener->snapshot = listen_snapshot_new(listens->hub, app_index, seq);
        listener->telling_next = listens->telling;
        if (listens->telling != NULL) {
            listens->telling->telling_prev = listener;
        }
        listens->telling = listener;
        listener->asks = SNAPSHOT_ASKS;
        listener_ask(listener);
    }
    listen_group_join(&named->group, &listener->member);
    listen_named_soil(named);
    listen_far_changed(named);
    listens->listeners++;
    return listener;
}

void listen_settle(struct listener *listener, const uint64_t *numbers, uint32_t n, bool done)
{
    uint64_t settled = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (done) {
            listen_far_settle(listener, numbers[i]);
        }
        settled += listen_group_settle(&listener->member, numbers[i], done) ? 1 : 0;
    }
    listens_count(listener->of->app->all, COUNTER_LISTEN_SETTLED, done ? settled : 0);
    listen_alive(listener);
}

void listen_alive(struct listener *listener)
{
    listen_group_revive(&listener->member);
    listen_named_soil(listener->of);
}

void listen_end(struct listener *listener)
{
    struct listen_named *named = listener->of;
    struct listens *listens = named->app->all;
    listener_told(listener);
    listen_group_leave(&listener->member);
    mem_free(listener);
    listens->listeners--;
    listen_far_changed(named);
    if (listen_group_listeners(&named->group) > 0) {
        listen_named_soil(named);
    } else if (named->named && app_serves(&listens->hub->apps->items[named->app->index])) {
        named->away_since = listens->hub->loop->now;
        listens_arm(listens, IDLE_MS);
    } else {
        named_drop(named);
    }
}

/* ---- from beginning to end ---- */

struct listens *listens_new(struct hub *hub)
{
    struct listens *listens = mem_zalloc(sizeof(*listens));
    listens->hub = hub;
    listens->boot = rnd_u64();
    listens->consumer = announce_register(&hub->announcer, listens_on_announcement, listens, false);
    msgpack_sbuffer_init(&listens->out);
    buf_init(&listens->text, SIZE_MAX);
    ff_ipc_unpacker_init(&listens->unpacker);
    check(event_assign(&listens->timer, hub->loop->base, -1, 0, listens_on_timer, listens) == 0);
    hub->listens = listens;
    hub->turned = listens_on_turn;
    return listens;
}

static void listen_app_clear(struct listen_app *app)
{
    struct listen_named *named = app->groups;
    while (named != NULL) {
        struct listen_named *next = named->next;
        if (listen_group_listeners(&named->group) == 0) {
            named_drop(named);
        }
        named = next;
    }
}

void listens_configure(struct listens *listens)
{
    for (uint32_t i = 0; i < listens->napps; i++) {
        struct listen_app *app = listens->apps[i];
        if (app == NULL) {
            continue;
        }
        if (!app_serves(&listens->hub->apps->items[i])) {
            /* Whoever listens is about to be sent away, and takes an unnamed group along. */
            listen_app_clear(app);
        }
        for (struct listen_named *named = app->groups; named != NULL; named = named->next) {
            named_bound(named);
        }
    }
}

void listens_free(struct listens *listens)
{
    for (uint32_t i = 0; i < listens->napps; i++) {
        if (listens->apps[i] != NULL) {
            listen_app_clear(listens->apps[i]);
            mem_free(listens->apps[i]->without.items);
            mem_free(listens->apps[i]);
        }
    }
    event_del(&listens->timer);
    listens->hub->turned = NULL;
    listens->hub->listens = NULL;
    msgpack_sbuffer_destroy(&listens->out);
    buf_free(&listens->text);
    ff_ipc_unpacker_free(&listens->unpacker);
    mem_free(listens->apps);
    mem_free(listens);
}
