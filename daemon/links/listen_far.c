#include "links/listen_far.h"

#include <string.h>

#include "base/mem.h"
#include "pubsub/cluster.h"

#define NAME(named) ((struct slice){(named)->name, strlen((named)->name)})

static const struct cluster_ops *far_ops(const struct listen_app *app)
{
    return app->all->hub->cluster_ops;
}

/* ---- members ---- */

/* Where it is, or belongs. */
static uint32_t far_place(const struct listen_members *members, uint64_t node)
{
    uint32_t i = 0;
    while (i < members->n && members->items[i].node < node) {
        i++;
    }
    return i;
}

static bool far_has(const struct listen_members *members, uint64_t node)
{
    uint32_t i = far_place(members, node);
    return i < members->n && members->items[i].node == node;
}

/* True: it was not there before. */
static bool far_put(struct listen_members *members, const struct listen_member *member)
{
    uint32_t i = far_place(members, member->node);
    if (i < members->n && members->items[i].node == member->node) {
        members->items[i] = *member;
        return false;
    }
    if (members->n == members->cap) {
        members->cap = members->cap != 0 ? members->cap * 2 : 4;
        members->items = mem_realloc(members->items, members->cap * sizeof(*members->items));
    }
    memmove(members->items + i + 1, members->items + i, (members->n - i) * sizeof(*member));
    members->items[i] = *member;
    members->n++;
    return true;
}

static bool far_remove(struct listen_members *members, uint32_t i)
{
    members->n--;
    memmove(members->items + i, members->items + i + 1, (members->n - i) * sizeof(*members->items));
    return true;
}

static bool far_take_out(struct listen_members *members, uint64_t node)
{
    return far_has(members, node) && far_remove(members, far_place(members, node));
}

/* Removes those of a source that carry another stamp. True: there were any. */
static bool far_sweep_members(struct listen_members *members, uint32_t source, uint32_t stamp)
{
    bool any = false;
    for (uint32_t i = members->n; i > 0; i--) {
        const struct listen_member *member = &members->items[i - 1];
        if (member->source == source && (stamp == 0 || member->stamp != stamp)) {
            any = far_remove(members, i - 1);
        }
    }
    return any;
}

/* ---- whose an event is ---- */

/* FNV-1a: the same on every node. */
static uint64_t far_hash(struct ff_slice id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned int i = 0; i < id.len; i++) {
        hash = (hash ^ (uint8_t)id.p[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

/* 0: nobody's. */
static uint64_t far_pick(const struct listen_members *members, struct ff_slice id)
{
    return members->n > 0 ? members->items[far_hash(id) % members->n].node : 0;
}

static uint64_t far_owner_of(void *arg, const struct group_item *item)
{
    const struct listen_members *members = arg;
    return item->owner != 0 && far_has(members, item->owner)
               ? item->owner
               : far_pick(members, item->event->view.id);
}

/* The members are others than before. */
static void far_assign(struct listen_named *named)
{
    uint64_t self = named->app->all->node;
    named->ours = far_has(&named->members, self);
    listen_group_assign(&named->group, self, far_owner_of, &named->members);
    if (named->members.n > 0 && !named->ours) {
        named->group.lost = 0; /* somebody else tells it */
    }
    listen_named_soil(named);
}

uint64_t listen_far_add(struct listen_named *named, struct listen_event *event, uint64_t order)
{
    struct listens *listens = named->app->all;
    if (listens->hub->cluster_ops == NULL || !named->named) {
        return listen_group_add(&named->group, event, order, 0);
    }
    uint64_t owner = far_pick(&named->members, event->view.id);
    return owner != 0 && owner == listens->node
               ? listen_group_add(&named->group, event, order, owner)
               : listen_group_keep(&named->group, event, order, owner);
}

bool listen_far_delivers(const struct listen_named *named)
{
    return far_ops(named->app) == NULL || !named->named || (named->ours && named->flying == 0);
}

/* ---- saying ---- */

void listen_far_tell(struct listen_app *app, const struct ff_ipc_event *view)
{
    struct listens *listens = app->all;
    listens->out.size = 0;
    if (ff_ipc_pack_event(&listens->out, view) == 0) {
        struct slice bytes = {listens->out.data, listens->out.size};
        far_ops(app)->told(listens->hub->cluster, app->index, bytes);
    }
}

static uint32_t far_types_of(const struct listen_members *members)
{
    uint32_t types = 0;
    for (uint32_t i = 0; i < members->n; i++) {
        types |= members->items[i].types;
    }
    return types;
}

uint32_t listen_far_types(const struct listen_app *app)
{
    return far_types_of(&app->without);
}

static bool far_may_say(const struct listen_app *app)
{
    return far_ops(app) != NULL && far_ops(app)->joined_all(app->all->hub->cluster);
}

void listen_far_changed(struct listen_named *named)
{
    struct listen_app *app = named->app;
    bool there = listen_group_listeners(&named->group) > 0;
    if (!named->named) {
        listen_far_changed_without(app);
        return;
    }
    if (!far_may_say(app) || (there == named->said && named->types == named->said_types)) {
        return;
    }
    listen_far_say(named); /* what it has settled stands before that it is gone */
    named->said = there;
    named->said_types = named->types;
    named->flying++;
    far_ops(app)->group(app->all->hub->cluster, app->index, NAME(named), there, named->types);
}

static uint32_t far_without_here(const struct listen_app *app)
{
    uint32_t types = 0;
    for (const struct listen_named *named = app->groups; named != NULL; named = named->next) {
        types |= named->named ? 0 : named->types;
    }
    return types;
}

void listen_far_changed_without(struct listen_app *app)
{
    if (!far_may_say(app)) {
        return;
    }
    uint32_t types = far_without_here(app);
    if (types != app->said_without) {
        app->said_without = types;
        far_ops(app)->group(app->all->hub->cluster, app->index, (struct slice){"", 0}, types != 0,
                            types);
    }
}

void listen_far_settle(struct listener *listener, uint64_t number)
{
    struct listen_named *named = listener->of;
    if (far_ops(named->app) == NULL || !named->named) {
        return;
    }
    const struct group_item *item = listen_group_held(&listener->member, number);
    if (item != NULL && item->event->view.id.len <= UINT8_MAX) {
        uint8_t len = (uint8_t)item->event->view.id.len;
        if (buf_append(&named->settled, &len, 1) != 0 ||
            buf_append(&named->settled, item->event->view.id.p, len) != 0) {
            check(false); /* it has no limit */
        }
    }
}

void listen_far_say(struct listen_named *named)
{
    struct listen_app *app = named->app;
    if (named->settled.len > 0 && far_ops(app) != NULL) {
        struct slice ids = {(const char *)named->settled.data, named->settled.len};
        far_ops(app)->settled(app->all->hub->cluster, app->index, NAME(named), ids);
        buf_clear(&named->settled);
    }
}

/* ---- hearing ---- */

static struct ff_slice far_slice(struct slice text)
{
    return (struct ff_slice){text.p, (unsigned int)text.len};
}

/* NULL: what somebody has written there is no name. */
static struct listen_named *far_named(struct listens *listens, uint32_t app, struct slice name,
                                      bool make)
{
    if (name.len == 0 || name.len > FF_IPC_MAX_GROUP || memchr(name.p, '\0', name.len) != NULL) {
        return NULL;
    }
    struct listen_app *of = listens_app(listens, app);
    struct listen_named *named = listen_app_find(of, far_slice(name));
    return named == NULL && make ? listen_named_new(of, far_slice(name)) : named;
}

void listens_heard_group(struct listens *listens, const struct listen_word *word, struct slice name,
                         bool there, uint32_t types)
{
    struct listen_app *app = listens_app(listens, word->app);
    struct listen_member member = {.node = word->node,
                                   .source = word->source,
                                   .stamp = word->stamp,
                                   .types = types & FF_IPC_EVENTS_ALL,
                                   .listeners = there};
    if (name.len == 0) {
        if (word->source != 0 && there) {
            (void)far_put(&app->without, &member);
        } else {
            (void)far_take_out(&app->without, word->node);
        }
        listen_app_want(app);
        return;
    }
    struct listen_named *named = far_named(listens, word->app, name, true);
    if (named == NULL) {
        return;
    }
    if (word->source == 0 && !word->restated) {
        named->flying -= named->flying > 0 ? 1 : 0;
    }
    named->types = types & FF_IPC_EVENTS_ALL;
    bool changed =
        there ? far_put(&named->members, &member) : far_take_out(&named->members, word->node);
    if (changed || word->source == 0) {
        far_assign(named);
    }
    listen_app_want(app);
}

/* False: it is no event. */
static bool far_read(struct listens *listens, struct slice bytes, struct ff_ipc_frame *frame)
{
    const char *why;
    if (bytes.len <= FF_IPC_HEADER ||
        ff_ipc_unpack(&listens->unpacker, (const uint8_t *)bytes.p + FF_IPC_HEADER,
                      bytes.len - FF_IPC_HEADER, frame, &why) != 0) {
        return false;
    }
    return frame->type == FF_IPC_EVENT && frame->listening.event.type < FF_IPC_EVENTS_LOST;
}

void listens_heard_told(struct listens *listens, const struct listen_word *word, struct slice event)
{
    struct ff_ipc_frame frame;
    struct listen_app *app = listens_app(listens, word->app);
    if (app->groups != NULL && far_read(listens, event, &frame)) {
        listen_app_queue(app, &frame.listening.event);
    }
}

void listens_heard_settled(struct listens *listens, const struct listen_word *word,
                           struct slice name, struct slice ids)
{
    struct listen_named *named = far_named(listens, word->app, name, false);
    if (named == NULL || word->source == 0) {
        return; /* what is settled here was so at once */
    }
    for (size_t at = 0; at < ids.len;) {
        uint8_t len = (uint8_t)ids.p[at++];
        if (len > ids.len - at) {
            return;
        }
        (void)listen_group_settle_id(&named->group, (struct ff_slice){ids.p + at, len});
        at += len;
    }
}

void listens_heard_queued(struct listens *listens, const struct listen_word *word,
                          struct slice name, uint64_t owner, struct slice event)
{
    struct ff_ipc_frame frame;
    struct listen_named *named = far_named(listens, word->app, name, true);
    if (named == NULL || word->source == 0 || !far_read(listens, event, &frame)) {
        return;
    }
    struct listen_event *copy = listen_event_new(&frame.listening.event);
    named->app->order++;
    (void)listen_group_keep(&named->group, copy, named->app->order, owner);
    listen_event_unref(copy);
}

void listens_sweep(struct listens *listens, uint32_t source, uint32_t stamp)
{
    for (uint32_t i = 0; i < listens->napps; i++) {
        struct listen_app *app = listens->apps[i];
        if (app == NULL) {
            continue;
        }
        (void)far_sweep_members(&app->without, source, stamp);
        for (struct listen_named *named = app->groups; named != NULL; named = named->next) {
            if (far_sweep_members(&named->members, source, stamp)) {
                far_assign(named);
            }
        }
        listen_app_want(app);
    }
}

/* Says anew what has listeners here, whatever was said of it before. */
static void far_say_again(struct listens *listens)
{
    listens_sweep(listens, 0, 0);
    for (uint32_t i = 0; i < listens->napps; i++) {
        struct listen_app *app = listens->apps[i];
        if (app == NULL) {
            continue;
        }
        app->said_without = 0;
        for (struct listen_named *named = app->groups; named != NULL; named = named->next) {
            named->flying = 0;
            named->said = false;
            if (listen_group_listeners(&named->group) > 0) {
                listen_far_changed(named);
            }
        }
    }
}

void listens_ready(struct listens *listens, uint64_t node)
{
    listens->node = node;
    far_say_again(listens);
}

void listens_dropped(struct listens *listens)
{
    if (listens->node != 0) {
        far_say_again(listens);
    }
}

/* ---- what this node knows ---- */

static void far_read_list(struct listens *listens, const struct listen_named *named,
                          const struct group_list *list, const struct listen_reader *reader)
{
    for (const struct group_item *item = list->first; item != NULL; item = item->next) {
        listens->out.size = 0;
        if (item->event->view.type != FF_IPC_EVENTS_LOST &&
            ff_ipc_pack_event(&listens->out, &item->event->view) == 0) {
            reader->queued(reader->arg, named->app->index, NAME(named), item->owner,
                           (struct slice){listens->out.data, listens->out.size});
        }
    }
}

void listens_read(struct listens *listens, const struct listen_reader *reader)
{
    for (uint32_t i = 0; i < listens->napps; i++) {
        struct listen_app *app = listens->apps[i];
        if (app == NULL) {
            continue;
        }
        if (app->said_without != 0) {
            reader->group(reader->arg, i, (struct slice){"", 0}, true, app->said_without);
        }
        for (const struct listen_named *named = app->groups; named != NULL; named = named->next) {
            if (!named->named) {
                continue;
            }
            reader->group(reader->arg, i, NAME(named), named->said, named->types);
            if (reader->queued != NULL) {
                far_read_list(listens, named, &named->group.again, reader);
                far_read_list(listens, named, &named->group.waiting, reader);
                far_read_list(listens, named, &named->group.kept, reader);
            }
        }
    }
}
