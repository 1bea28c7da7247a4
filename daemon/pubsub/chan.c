#include "pubsub/chan.h"
#include "pubsub/chan_data.h"

#include <string.h>

#include "base/mem.h"
#include "net/slots.h"
#include "shared/channel.h"

static void chan_name_of(const void *value, const char **key, size_t *len)
{
    const struct chan *chan = value;
    *key = chan->name;
    *len = chan->len;
}

void chan_tables(struct worker *worker, size_t napps)
{
    if (napps > worker->napps) {
        worker->channels = mem_realloc(worker->channels, napps * sizeof(*worker->channels));
        for (; worker->napps < napps; worker->napps++) {
            strmap_init(&worker->channels[worker->napps], chan_name_of);
        }
    }
}

/* ---- the connection's list ---- */

void subscriber_init(struct subscriber *subscriber, uint64_t random, uint32_t app)
{
    *subscriber =
        (struct subscriber){.random = random, .app = app, .cap_bits = SUBSCRIBER_INLINE_BITS};
    subscriber->refs = subscriber->inl;
}

static bool chan_refs_room(struct subscriber *subscriber)
{
    if (subscriber->n < 1u << subscriber->cap_bits) {
        return true;
    }
    check(subscriber->n < SUBSCRIBER_MAX);
    size_t cap = (size_t)2 << subscriber->cap_bits;
    struct sub_ref *old = subscriber->refs == subscriber->inl ? NULL : subscriber->refs;
    struct sub_ref *refs = mem_try_realloc(old, cap * sizeof(*refs));
    if (refs == NULL) {
        return false;
    }
    if (old == NULL) {
        memcpy(refs, subscriber->inl, sizeof(subscriber->inl));
    }
    subscriber->refs = refs;
    subscriber->cap_bits++;
    return true;
}

static struct sub_ref *chan_refs_add(struct subscriber *subscriber, struct chan *chan)
{
    struct sub_ref *ref = &subscriber->refs[subscriber->n++];
    *ref = (struct sub_ref){.chan = chan};
    return ref;
}

static struct sub *chan_sub_of(const struct sub_ref *ref)
{
    return ref->joining != 0 ? &ref->chan->attendance->joiners[ref->pos].sub
                             : &ref->chan->subs[ref->pos];
}

/* The last reference takes the place of the one that goes. */
static void chan_refs_remove(struct subscriber *subscriber, struct sub_ref *ref)
{
    struct sub_ref *last = &subscriber->refs[subscriber->n - 1];
    if (ref != last) {
        *ref = *last;
        chan_sub_of(ref)->back = (uint32_t)(ref - subscriber->refs);
    }
    subscriber->n--;
}

/* ---- the channel ---- */

static struct chan *chan_get(struct worker *worker, uint32_t app, uint32_t hash, struct slice name)
{
    struct strmap *map = &worker->channels[app];
    struct chan *chan = strmap_get_hashed(map, hash, name.p, name.len);
    if (chan != NULL) {
        return chan;
    }
    chan = mem_try_alloc(sizeof(*chan) + name.len);
    if (chan == NULL) {
        return NULL;
    }
    *chan = (struct chan){.cap = 1, .app = app, .hash = hash, .len = (uint32_t)name.len};
    chan->subs = &chan->one;
    memcpy(chan->name, name.p, name.len);
    if (ff_channel_type(name.p, name.len) & (FF_CHANNEL_PRESENCE | FF_CHANNEL_CACHE)) {
        chan->attendance = mem_zalloc(sizeof(*chan->attendance));
    }
    strmap_put_hashed(map, hash, chan);
    return chan;
}

void chan_free(struct chan *chan)
{
    if (chan->attendance != NULL) {
        mem_free(chan->attendance->who);
        mem_free(chan->attendance->joiners);
        mem_free(chan->attendance);
    }
    if (chan->subs != &chan->one) {
        mem_free(chan->subs);
    }
    mem_free(chan->changes);
    mem_free(chan);
}

uint32_t chan_total(const struct chan *chan)
{
    return chan->n + (chan->attendance != NULL ? chan->attendance->njoiners : 0);
}

void chan_changed(struct worker *worker, struct chan *chan)
{
    if (!chan->changed) {
        chan->changed = true;
        chan->changed_next = NULL;
        /* In the order of the changes: listeners hear of them in it. */
        *(worker->changed != NULL ? &worker->changed_last->changed_next : &worker->changed) = chan;
        worker->changed_last = chan;
    }
}

static void chan_post_count(struct worker *worker, const struct chan *chan)
{
    uint32_t n = chan->changes != NULL ? chan->changes->n : 0;
    size_t list = n * sizeof(struct mail_change);
    struct mail_count *mail = mem_alloc(sizeof(*mail) + list + chan->len);
    *mail = (struct mail_count){
        .mail = {.type = MAIL_COUNT, .weight = flow_mail(sizeof(*mail) + list + chan->len)},
        .worker = worker->id,
        .n = chan_total(chan),
        .nchanges = n,
        .channel = {.app = chan->app, .hash = chan->hash, .len = chan->len},
    };
    if (n > 0) {
        memcpy(mail->bytes, chan->changes->items, list);
    }
    memcpy(mail->bytes + list, chan->name, chan->len);
    mailbox_post(worker->flow->hub, &mail->mail);
}

void chan_count_changed(struct worker *worker)
{
    while (worker->changed != NULL) {
        struct chan *chan = worker->changed;
        worker->changed = chan->changed_next;
        chan->changed = false;
        chan_post_count(worker, chan);
        mem_free(chan->changes);
        chan->changes = NULL;
        if (chan_total(chan) == 0) {
            check(strmap_del(&worker->channels[chan->app], chan->name, chan->len) == chan);
            chan_free(chan);
        }
    }
}

static void chan_changes_add(struct chan *chan, struct conn *conn, bool joined)
{
    struct changes *changes = chan->changes;
    if (changes == NULL || changes->n == changes->cap) {
        uint32_t cap = changes == NULL ? 2 : changes->cap * 2;
        changes = mem_realloc(changes, sizeof(*changes) + cap * sizeof(changes->items[0]));
        if (chan->changes == NULL) {
            changes->n = 0;
        }
        changes->cap = cap;
        chan->changes = changes;
    }
    changes->items[changes->n++] = (struct mail_change){
        .random = subscriber_of(conn)->random & (UINT64_MAX >> 1), .joined = joined};
}

bool chan_subs_room(struct chan *chan)
{
    if (chan->n == chan->cap) {
        uint32_t cap = chan->cap * 2 < 4 ? 4 : chan->cap * 2;
        struct sub *old = chan->subs == &chan->one ? NULL : chan->subs;
        struct sub *subs = mem_try_realloc(old, cap * sizeof(*subs));
        if (subs == NULL) {
            return false;
        }
        if (old == NULL) {
            subs[0] = chan->one;
        }
        chan->subs = subs;
        chan->cap = cap;
    }
    struct attendance *attendance = chan->attendance;
    if (attendance != NULL && attendance->who_cap < chan->cap) {
        struct who **who = mem_try_realloc(attendance->who, chan->cap * sizeof(struct who *));
        if (who == NULL) {
            return false;
        }
        attendance->who = who;
        attendance->who_cap = chan->cap;
    }
    return true;
}

void chan_subs_add(struct chan *chan, struct conn *conn, struct sub_ref *ref, struct who *who)
{
    struct subscriber *subscriber = subscriber_of(conn);
    ref->pos = chan->n;
    ref->joining = 0;
    chan->subs[chan->n] =
        (struct sub){.slot = conn->slot, .back = (uint32_t)(ref - subscriber->refs)};
    if (chan->attendance != NULL) {
        chan->attendance->who[chan->n] = who;
    }
    chan->n++;
    chan_changes_add(chan, conn, true);
}

static struct sub_ref *chan_ref_of(struct worker *worker, const struct sub *sub)
{
    return &subscriber_of(slots_at(worker->loop, sub->slot))->refs[sub->back];
}

/* Takes the subscriber out of the list and returns who it was. A channel that shrank far gives
 * memory back. */
static struct who *chan_subs_remove(struct worker *worker, struct sub_ref *ref)
{
    struct chan *chan = ref->chan;
    struct who *who = chan->attendance != NULL ? chan->attendance->who[ref->pos] : NULL;
    uint32_t last = --chan->n;
    if (ref->pos != last) {
        chan->subs[ref->pos] = chan->subs[last];
        chan_ref_of(worker, &chan->subs[ref->pos])->pos = ref->pos;
        if (chan->attendance != NULL) {
            chan->attendance->who[ref->pos] = chan->attendance->who[last];
        }
    }
    if (chan->cap >= 64 && chan->n <= chan->cap / 4) {
        struct sub *subs = mem_try_realloc(chan->subs, chan->cap / 2 * sizeof(*subs));
        if (subs != NULL) {
            chan->subs = subs;
            chan->cap /= 2;
        }
    }
    return who;
}

struct who *chan_joiners_remove(struct worker *worker, struct sub_ref *ref)
{
    struct attendance *attendance = ref->chan->attendance;
    struct who *who = attendance->joiners[ref->pos].who;
    uint32_t last = --attendance->njoiners;
    if (ref->pos != last) {
        attendance->joiners[ref->pos] = attendance->joiners[last];
        chan_ref_of(worker, &attendance->joiners[ref->pos].sub)->pos = ref->pos;
    }
    return who;
}

/* ---- subscribing ---- */

struct sub_ref *chan_find(struct conn *conn, struct slice name)
{
    struct worker *worker = worker_of(conn);
    struct subscriber *subscriber = subscriber_of(conn);
    struct chan *chan = strmap_get(&worker->channels[subscriber->app], name.p, name.len);
    for (uint16_t i = 0; chan != NULL && i < subscriber->n; i++) {
        if (subscriber->refs[i].chan == chan) {
            return &subscriber->refs[i];
        }
    }
    return NULL;
}

int chan_subscribe(struct conn *conn, struct slice name)
{
    struct worker *worker = worker_of(conn);
    struct subscriber *subscriber = subscriber_of(conn);
    if (conn_left(conn)) {
        return -1; /* no memory for the answer before: nobody would take it out again */
    }
    struct chan *chan = chan_get(worker, subscriber->app, strmap_hash(name.p, name.len), name);
    if (chan == NULL) {
        return -1;
    }
    chan_changed(worker, chan); /* a new one without a subscriber goes again when counted */
    if (!chan_subs_room(chan) || !chan_refs_room(subscriber)) {
        return -1;
    }
    chan_subs_add(chan, conn, chan_refs_add(subscriber, chan), NULL);
    counter_add(worker->loop->counters, COUNTER_SUBSCRIBED, 1);
    return 0;
}

static int chan_post_join(struct worker *worker, struct conn *conn, struct chan *chan,
                          uint32_t number, const struct pusher_member *member)
{
    size_t extra = chan->len + member->user_id.len + member->id_json.len + member->info_json.len;
    struct mail_join *mail = mem_try_alloc(sizeof(*mail) + extra);
    if (mail == NULL) {
        return -1;
    }
    *mail = (struct mail_join){
        .mail = {.type = MAIL_JOIN, .weight = flow_mail(sizeof(*mail) + extra)},
        .worker = worker->id,
        .slot = conn->slot,
        .gen = conn->gen,
        .number = number,
        .n = chan_total(chan) + (number != 0 ? 1 : 0),
        .channel = {.app = chan->app, .hash = chan->hash, .len = chan->len},
        .user_len = (uint32_t)member->user_id.len,
        .id_len = (uint32_t)member->id_json.len,
        .info_len = (uint32_t)member->info_json.len,
    };
    char *at = mempcpy(mail->bytes, chan->name, chan->len);
    if (member->user_id.p != NULL) {
        at = mempcpy(at, member->user_id.p, member->user_id.len);
        at = mempcpy(at, member->id_json.p, member->id_json.len);
    }
    if (member->info_json.len > 0) {
        memcpy(at, member->info_json.p, member->info_json.len);
    }
    mailbox_post(worker->flow->hub, &mail->mail);
    return 0;
}

int chan_join(struct conn *conn, struct slice name, const struct pusher_member *member)
{
    struct worker *worker = worker_of(conn);
    struct subscriber *subscriber = subscriber_of(conn);
    if (conn_left(conn)) {
        return -1;
    }
    if (app_is_heard(&worker->apps->items[subscriber->app])) {
        /* The hub counts the join when it comes: what was subscribed to before would be told behind
         * it. */
        chan_count_changed(worker);
    }
    struct chan *chan = chan_get(worker, subscriber->app, strmap_hash(name.p, name.len), name);
    if (chan == NULL) {
        return -1;
    }
    chan_changed(worker, chan);
    struct attendance *attendance = chan->attendance;
    if (attendance->njoiners == attendance->joiners_cap) {
        uint32_t cap = attendance->joiners_cap == 0 ? 4 : attendance->joiners_cap * 2;
        struct joiner *joiners = mem_try_realloc(attendance->joiners, cap * sizeof(*joiners));
        if (joiners == NULL) {
            return -1;
        }
        attendance->joiners = joiners;
        attendance->joiners_cap = cap;
    }
    struct who *who = NULL;
    if (member->user_id.p != NULL) {
        who = mem_try_alloc(sizeof(*who) + member->user_id.len);
        if (who == NULL) {
            return -1;
        }
        who->len = (uint32_t)member->user_id.len;
        memcpy(who->user_id, member->user_id.p, member->user_id.len);
    }
    uint32_t number = ++worker->next_join == 0 ? ++worker->next_join : worker->next_join;
    if (!chan_refs_room(subscriber) || chan_post_join(worker, conn, chan, number, member) != 0) {
        mem_free(who);
        return -1;
    }
    struct sub_ref *ref = chan_refs_add(subscriber, chan);
    ref->joining = number;
    ref->pos = attendance->njoiners;
    attendance->joiners[attendance->njoiners++] = (struct joiner){
        .sub = {.slot = conn->slot, .back = (uint32_t)(ref - subscriber->refs)}, .who = who};
    return 0;
}

int chan_roster(struct conn *conn, struct sub_ref *ref)
{
    static const struct pusher_member nobody;
    struct worker *worker = worker_of(conn);
    return chan_post_join(worker, conn, ref->chan, 0, &nobody);
}

void chan_post_leave(struct worker *worker, const struct mail_channel *channel, const char *name,
                     struct slice user)
{
    size_t extra = channel->len + user.len;
    struct mail_leave *mail = mem_alloc(sizeof(*mail) + extra);
    *mail = (struct mail_leave){
        .mail = {.type = MAIL_LEAVE, .weight = flow_mail(sizeof(*mail) + extra)},
        .channel = *channel,
        .user_len = (uint32_t)user.len,
    };
    memcpy(mempcpy(mail->bytes, name, channel->len), user.p, user.len);
    mailbox_post(worker->flow->hub, &mail->mail);
}

void chan_unsubscribe(struct conn *conn, struct sub_ref *ref)
{
    struct worker *worker = worker_of(conn);
    struct chan *chan = ref->chan;
    struct who *who;
    if (ref->joining != 0) {
        /* The hub may refuse it yet; chan_joined takes it out again when it has not. */
        who = chan_joiners_remove(worker, ref);
    } else {
        who = chan_subs_remove(worker, ref);
        chan_changes_add(chan, conn, false);
        if (who != NULL) {
            struct mail_channel channel = {.app = chan->app, .hash = chan->hash, .len = chan->len};
            chan_post_leave(worker, &channel, chan->name, (struct slice){who->user_id, who->len});
        }
    }
    chan_refs_remove(subscriber_of(conn), ref);
    mem_free(who);
    chan_changed(worker, chan);
}

void chan_leave_all(struct conn *conn)
{
    struct subscriber *subscriber = subscriber_of(conn);
    while (subscriber->n > 0) {
        chan_unsubscribe(conn, &subscriber->refs[subscriber->n - 1]);
    }
    if (subscriber->refs != subscriber->inl) {
        mem_free(subscriber->refs);
    }
    subscriber->refs = subscriber->inl;
    subscriber->cap_bits = SUBSCRIBER_INLINE_BITS;
}

struct slice chan_user(const struct sub_ref *ref)
{
    struct attendance *attendance = ref->chan->attendance;
    if (attendance == NULL) {
        return (struct slice){NULL, 0};
    }
    const struct who *who =
        ref->joining != 0 ? attendance->joiners[ref->pos].who : attendance->who[ref->pos];
    return who != NULL ? (struct slice){who->user_id, who->len} : (struct slice){NULL, 0};
}

struct slice chan_name(const struct sub_ref *ref)
{
    return (struct slice){ref->chan->name, ref->chan->len};
}

static bool chan_is_user(const struct who *who, struct slice user_id)
{
    return who != NULL && slice_equal((struct slice){who->user_id, who->len}, user_id);
}

void chan_collect(struct worker *worker, uint32_t app, struct slice channel, struct slice user_id,
                  struct slot_list *out)
{
    struct strmap *map = &worker->channels[app];
    struct chan *own = channel.p != NULL ? strmap_get(map, channel.p, channel.len) : NULL;
    for (uint32_t i = 0; own != NULL && i < own->n; i++) {
        slot_list_push(out, own->subs[i].slot);
    }
    for (uint32_t i = 0; own != NULL && own->attendance != NULL && i < own->attendance->njoiners;
         i++) {
        slot_list_push(out, own->attendance->joiners[i].sub.slot);
    }
    size_t cursor = 0;
    void *value;
    while (strmap_next(map, &cursor, &value)) {
        const struct chan *chan = value;
        const struct attendance *attendance = chan->attendance;
        if (attendance == NULL) {
            continue;
        }
        for (uint32_t i = 0; i < chan->n; i++) {
            if (chan_is_user(attendance->who[i], user_id)) {
                slot_list_push(out, chan->subs[i].slot);
            }
        }
        for (uint32_t i = 0; i < attendance->njoiners; i++) {
            if (chan_is_user(attendance->joiners[i].who, user_id)) {
                slot_list_push(out, attendance->joiners[i].sub.slot);
            }
        }
    }
}

uint64_t chan_receivers(const struct sub_ref *ref, const struct worker *worker)
{
    return (uint64_t)ref->chan->n * worker->flow->nworkers;
}

void chan_free_all(struct worker *worker)
{
    for (size_t i = 0; i < worker->napps; i++) {
        size_t cursor = 0;
        void *value;
        while (strmap_next(&worker->channels[i], &cursor, &value)) {
            chan_free(value);
        }
        strmap_free(&worker->channels[i]);
    }
    mem_free(worker->channels);
}
