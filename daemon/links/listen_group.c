#include "links/listen_group.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define FIRST_OUTS 16u
#define ITEM_COST  (sizeof(struct group_item) + 16u) /* with the allocator's share */

/* ---- events ---- */

static struct ff_slice listen_event_copy(char **at, struct ff_slice text)
{
    if (text.p == NULL) {
        return text;
    }
    struct ff_slice copy = {*at, text.len};
    if (text.len > 0) {
        memcpy(*at, text.p, text.len);
    }
    *at += text.len;
    return copy;
}

struct listen_event *listen_event_new(const struct ff_ipc_event *view)
{
    size_t bytes = (size_t)view->id.len + view->channel.len + view->user_id.len +
                   view->socket_id.len + view->event.len + view->data.len;
    struct listen_event *event = mem_alloc(sizeof(*event) + bytes + 1);
    event->refs = 1;
    event->size = (uint32_t)(sizeof(*event) + bytes);
    event->view = *view;
    char *at = event->bytes;
    event->view.id = listen_event_copy(&at, view->id);
    event->view.channel = listen_event_copy(&at, view->channel);
    event->view.user_id = listen_event_copy(&at, view->user_id);
    event->view.socket_id = listen_event_copy(&at, view->socket_id);
    event->view.event = listen_event_copy(&at, view->event);
    event->view.data = listen_event_copy(&at, view->data);
    return event;
}

struct listen_event *listen_event_ref(struct listen_event *event)
{
    event->refs++;
    return event;
}

void listen_event_unref(struct listen_event *event)
{
    if (--event->refs == 0) {
        mem_free(event);
    }
}

/* ---- lists ---- */

static void group_list_append(struct group_list *list, struct group_item *item)
{
    item->list = list;
    item->prev = list->last;
    item->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = item;
    list->last = item;
    list->count++;
}

static void group_list_prepend(struct group_list *list, struct group_item *item)
{
    item->list = list;
    item->prev = NULL;
    item->next = list->first;
    *(list->first != NULL ? &list->first->prev : &list->last) = item;
    list->first = item;
    list->count++;
}

static void group_list_remove(struct group_item *item)
{
    struct group_list *list = item->list;
    *(item->prev != NULL ? &item->prev->next : &list->first) = item->next;
    *(item->next != NULL ? &item->next->prev : &list->last) = item->prev;
    list->count--;
    item->list = NULL;
}

static struct listener_list *group_place(struct group_listener *listener)
{
    struct listen_group *group = listener->group;
    return listener->place == LISTENER_READY  ? &group->ready
           : listener->place == LISTENER_FULL ? &group->full
                                              : &group->lapsed;
}

static void group_listener_link(struct group_listener *listener)
{
    struct listener_list *list = group_place(listener);
    listener->prev = list->last;
    listener->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = listener;
    list->last = listener;
    list->count++;
}

static void group_listener_unlink(struct group_listener *listener)
{
    struct listener_list *list = group_place(listener);
    *(listener->prev != NULL ? &listener->prev->next : &list->first) = listener->next;
    *(listener->next != NULL ? &listener->next->prev : &list->last) = listener->prev;
    list->count--;
}

/* At the end of that list, also when it is on it already. */
static void group_listener_move(struct group_listener *listener, int place)
{
    group_listener_unlink(listener);
    listener->place = place;
    group_listener_link(listener);
}

/* ---- items ---- */

static void group_id_of(const void *value, const char **key, size_t *len)
{
    const struct group_item *item = value;
    *key = item->event->view.id.p;
    *len = item->event->view.id.len;
}

void listen_group_init(struct listen_group *group, bool indexed,
                       bool (*takes)(const struct group_listener *listener))
{
    *group = (struct listen_group){.indexed = indexed, .takes = takes};
    strmap_init(&group->by_id, group_id_of);
}

static void group_item_free(struct listen_group *group, struct group_item *item)
{
    group->events--;
    group->bytes -= item->event->size + ITEM_COST;
    if (group->indexed) {
        strmap_del(&group->by_id, item->event->view.id.p, item->event->view.id.len);
    }
    listen_event_unref(item->event);
    mem_free(item);
}

static void group_list_clear(struct listen_group *group, struct group_list *list)
{
    while (list->first != NULL) {
        struct group_item *item = list->first;
        group_list_remove(item);
        group_item_free(group, item);
    }
}

void listen_group_free(struct listen_group *group)
{
    check(listen_group_listeners(group) == 0);
    group_list_clear(group, &group->again);
    group_list_clear(group, &group->waiting);
    group_list_clear(group, &group->kept);
    strmap_free(&group->by_id);
}

static bool group_over(const struct listen_group *group)
{
    return (group->max_events != 0 && group->events > group->max_events) ||
           (group->max_bytes != 0 && group->bytes > group->max_bytes);
}

/* The oldest first. What was to tell of losses tells of them again, later. */
static uint64_t group_trim(struct listen_group *group)
{
    uint64_t dropped = 0;
    while (group_over(group)) {
        struct group_item *item = group->again.first, *kept = group->kept.first;
        if (item == NULL) {
            item = group->waiting.first;
            item = item == NULL || (kept != NULL && kept->order < item->order) ? kept : item;
        }
        if (item == NULL) {
            break;
        }
        bool counted = item->list != &group->kept || item->owner == 0; /* else by its owner */
        if (counted && item->event->view.type == FF_IPC_EVENTS_LOST) {
            group->lost += item->event->view.count;
        } else if (counted) {
            group->lost++;
            dropped++;
        }
        group_list_remove(item);
        group_item_free(group, item);
    }
    return dropped;
}

uint64_t listen_group_bound(struct listen_group *group, uint64_t max_events, uint64_t max_bytes)
{
    group->max_events = max_events;
    group->max_bytes = max_bytes;
    return group_trim(group);
}

static struct group_item *group_item_new(struct listen_group *group, struct listen_event *event,
                                         uint64_t order)
{
    struct group_item *item = mem_zalloc(sizeof(*item));
    item->event = listen_event_ref(event);
    item->order = order;
    group->events++;
    group->bytes += event->size + ITEM_COST;
    if (group->indexed) {
        strmap_put(&group->by_id, item);
    }
    return item;
}

static uint64_t group_add_to(struct listen_group *group, struct group_list *list,
                             struct listen_event *event, uint64_t order, uint64_t owner)
{
    const struct ff_slice *id = &event->view.id;
    if (group->indexed && strmap_get(&group->by_id, id->p, id->len) != NULL) {
        return 0; /* it was told twice */
    }
    struct group_item *item = group_item_new(group, event, order);
    item->owner = owner;
    group_list_append(list, item);
    return group_trim(group);
}

uint64_t listen_group_add(struct listen_group *group, struct listen_event *event, uint64_t order,
                          uint64_t self)
{
    return group_add_to(group, &group->waiting, event, order, self);
}

uint64_t listen_group_keep(struct listen_group *group, struct listen_event *event, uint64_t order,
                           uint64_t owner)
{
    return group_add_to(group, &group->kept, event, order, owner);
}

static void group_assign_list(struct listen_group *group, struct group_list *list, uint64_t self,
                              group_owner_fn *owner, void *arg)
{
    struct group_item *item = list->first;
    for (uint64_t left = list->count; left > 0; left--) {
        struct group_item *next = item->next;
        uint64_t now = owner(arg, item), was = item->owner;
        if (now != self && item->event->view.type == FF_IPC_EVENTS_LOST) {
            group->lost += item->event->view.count; /* no other node knows of it */
            group_list_remove(item);
            group_item_free(group, item);
            item = next;
            continue;
        }
        item->owner = now;
        if (now == self && list == &group->kept) {
            group_list_remove(item);
            /* Whoever had it may have delivered it. */
            item->attempts += was != 0 && item->attempts == 0 ? 1 : 0;
            group_list_append(&group->waiting, item);
        } else if (now != self && list != &group->kept) {
            group_list_remove(item);
            group_list_append(&group->kept, item);
        }
        item = next;
    }
}

void listen_group_assign(struct listen_group *group, uint64_t self, group_owner_fn *owner,
                         void *arg)
{
    group_assign_list(group, &group->kept, self, owner, arg);
    group_assign_list(group, &group->again, self, owner, arg);
    group_assign_list(group, &group->waiting, self, owner, arg);
}

void listen_group_add_first(struct listen_group *group, struct listen_event *event, uint64_t order,
                            uint64_t self)
{
    struct group_item *item = group_item_new(group, event, order);
    item->owner = self;
    group_list_prepend(&group->again, item);
}

bool listen_group_ready(const struct listen_group *group)
{
    return (group->again.count > 0 || group->waiting.count > 0 || group->lost > 0) &&
           (group->ready.count > 0 || (group->full.count == 0 && group->lapsed.count > 0));
}

/* ---- what a listener holds ---- */

static void group_outs_squeeze(struct group_listener *listener)
{
    uint32_t n = 0;
    for (uint32_t i = listener->at; i < listener->n; i++) {
        if (listener->outs[i].item != NULL) {
            listener->outs[n++] = listener->outs[i];
        }
    }
    listener->at = 0;
    listener->n = n;
}

static void group_hold(struct group_listener *listener, struct group_item *item, uint64_t now)
{
    if (listener->n == listener->cap) {
        group_outs_squeeze(listener);
        if (listener->n * 2 >= listener->cap) {
            listener->cap = listener->cap != 0 ? listener->cap * 2 : FIRST_OUTS;
            listener->outs = mem_realloc(listener->outs, listener->cap * sizeof(struct group_out));
        }
    }
    item->holder = listener;
    item->last = listener;
    item->number = ++listener->number;
    item->attempts++;
    listener->outs[listener->n++] =
        (struct group_out){.item = item, .number = item->number, .due = now + listener->ack_ms};
    listener->live++;
}

/* NULL: it is not among them. */
static struct group_out *group_find_out(struct group_listener *listener, uint64_t number)
{
    uint32_t low = listener->at, high = listener->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (listener->outs[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < listener->n && listener->outs[low].number == number &&
                   listener->outs[low].item != NULL
               ? &listener->outs[low]
               : NULL;
}

static struct group_item *group_release(struct group_listener *listener, struct group_out *out)
{
    struct group_item *item = out->item;
    out->item = NULL;
    listener->live--;
    while (listener->at < listener->n && listener->outs[listener->at].item == NULL) {
        listener->at++;
    }
    if (listener->at == listener->n) {
        listener->at = listener->n = 0;
    }
    item->holder = NULL;
    return item;
}

/* ---- listeners ---- */

void listen_group_join(struct listen_group *group, struct group_listener *listener)
{
    listener->group = group;
    listener->place = LISTENER_READY;
    group_listener_link(listener);
}

/* Nobody may take it for its last listener's any more: that one goes. */
static void group_forget_last(struct group_list *list, const struct group_listener *listener)
{
    for (struct group_item *item = list->first; item != NULL; item = item->next) {
        if (item->last == listener) {
            item->last = NULL;
        }
    }
}

uint32_t listen_group_leave(struct group_listener *listener)
{
    struct listen_group *group = listener->group;
    uint32_t back = 0;
    for (uint32_t i = listener->at; i < listener->n; i++) {
        struct group_item *item = listener->outs[i].item;
        if (item != NULL) {
            item->holder = NULL;
            group_list_append(&group->again, item);
            back++;
        }
    }
    group_listener_unlink(listener);
    group_forget_last(&group->again, listener);
    mem_free(listener->outs);
    listener->outs = NULL;
    listener->at = listener->n = listener->cap = listener->live = 0;
    listener->group = NULL;
    return back;
}

static bool group_has_room(const struct group_listener *listener)
{
    return listener->live < listener->window && listener->group->takes(listener);
}

void listen_group_revive(struct group_listener *listener)
{
    if (listener->place != LISTENER_READY && group_has_room(listener)) {
        group_listener_move(listener, LISTENER_READY);
    } else if (listener->place == LISTENER_LAPSED) {
        group_listener_move(listener, LISTENER_FULL);
    }
}

/* Whoever has room, in turns; somebody else than who has let it lie, if there is anybody. NULL:
 * nobody. */
static struct group_listener *group_pick(struct listen_group *group, const struct group_item *item)
{
    struct group_listener *same = NULL;
    while (group->ready.first != NULL && group->ready.first != same) {
        struct group_listener *listener = group->ready.first;
        if (!group_has_room(listener)) {
            group_listener_move(listener, LISTENER_FULL);
            continue;
        }
        group_listener_move(listener, LISTENER_READY);
        if (listener != item->last) {
            return listener;
        }
        same = listener;
    }
    if (same != NULL || group->full.count > 0) {
        return same;
    }
    for (uint32_t left = group->lapsed.count; left > 0; left--) {
        struct group_listener *listener = group->lapsed.first;
        group_listener_move(listener, LISTENER_LAPSED);
        if (group_has_room(listener)) {
            return listener;
        }
    }
    return NULL;
}

struct group_item *listen_group_next(struct listen_group *group, uint64_t now)
{
    struct group_item *item =
        group->again.first != NULL ? group->again.first : group->waiting.first;
    if (item == NULL) {
        return NULL;
    }
    struct group_listener *listener = group_pick(group, item);
    if (listener == NULL) {
        return NULL;
    }
    group_list_remove(item);
    group_hold(listener, item, now);
    return item;
}

bool listen_group_settle(struct group_listener *listener, uint64_t number, bool done)
{
    struct group_out *out = group_find_out(listener, number);
    if (out == NULL) {
        return false;
    }
    struct group_item *item = group_release(listener, out);
    if (done) {
        group_item_free(listener->group, item);
    } else {
        group_list_append(&listener->group->again, item);
    }
    return true;
}

const struct group_item *listen_group_held(struct group_listener *listener, uint64_t number)
{
    const struct group_out *out = group_find_out(listener, number);
    return out != NULL ? out->item : NULL;
}

bool listen_group_settle_id(struct listen_group *group, struct ff_slice id)
{
    struct group_item *item = strmap_get(&group->by_id, id.p, id.len);
    if (item == NULL) {
        return false;
    }
    if (item->holder != NULL) {
        group_release(item->holder, group_find_out(item->holder, item->number));
    } else {
        group_list_remove(item);
    }
    group_item_free(group, item);
    return true;
}

/* ---- time ---- */

static uint32_t group_expire_listener(struct group_listener *listener, uint64_t now)
{
    uint32_t back = 0;
    while (listener->live > 0 && listener->outs[listener->at].due <= now) {
        group_list_append(&listener->group->again,
                          group_release(listener, &listener->outs[listener->at]));
        back++;
    }
    return back;
}

static uint32_t group_expire_list(struct listener_list *list, uint64_t now)
{
    uint32_t back = 0;
    struct group_listener *listener = list->first;
    for (uint32_t left = list->count; left > 0; left--) {
        struct group_listener *next = listener->next;
        uint32_t mine = group_expire_listener(listener, now);
        if (mine > 0) {
            group_listener_move(listener, LISTENER_LAPSED);
            back += mine;
        }
        listener = next;
    }
    return back;
}

uint32_t listen_group_expire(struct listen_group *group, uint64_t now)
{
    /* Those that lapse go to the end of the last list, behind what it had before. */
    return group_expire_list(&group->lapsed, now) + group_expire_list(&group->ready, now) +
           group_expire_list(&group->full, now);
}

bool listen_group_holds(const struct listen_group *group)
{
    return group->events > listen_group_waiting(group) + group->kept.count;
}
