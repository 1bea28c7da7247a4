#include "links/ipc_wait.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "links/ipc_say.h"
#include "net/latency.h"
#include "net/turn.h"
#include "pubsub/cluster.h"
#include "pubsub/gathered.h"
#include "pubsub/share.h"
#include "shared/ipc_pack.h"

/* Bytes of channel names for which other nodes are asked; a frame that waits keeps them. */
#define WAIT_NAMES (1u << 20)

#define WAIT_LATE                                                                                  \
    "Redis has not confirmed it within the time given; it was delivered on this node and is kept " \
    "for the others"
#define WAIT_DROPPED                                                                               \
    "it was delivered on this node, but Redis was away for longer than it is kept for the others"
#define WAIT_ENDS "it was delivered on this node, which ends before Redis has confirmed it"

/* The channels of one message whose subscribers elsewhere are asked for. */
struct ipc_counted {
    struct slice *names; /* each once; they point into `text` of the wait */
    uint32_t n;
};

/*
 * One answer. It is ready when it was packed already, or when no place is left and no question is
 * out. `line` is NULL once the answer is given or its connection is gone; then it is here only for
 * the answer to its question.
 */
struct ipc_wait {
    struct ipc_wait *next;
    struct ipc_line *line;
    enum ff_ipc_type type;
    uint64_t seq, deadline; /* monotonic ms */
    uint64_t since_ns;      /* when its frame was read */
    bool asked, duplicate, dropped;
    struct receipt *receipts;
    struct ipc_counted *counted; /* by message; NULL: nothing is asked for */
    uint32_t nreceipts, ncounted, nplaces;
    uint64_t *places; /* those that are not confirmed yet */
    char *text;
    size_t packed; /* bytes of `text` that are the answer */
};

/* The answers of one connection that wait, in the order of its frames. */
struct ipc_line {
    struct ipc_line *prev, *next;
    struct conn *conn;
    struct ipc_wait *first, *last;
    uint32_t n;
};

bool ipc_waits(struct conn *conn)
{
    return ipc_peer(conn)->line != NULL;
}

bool ipc_waits_full(struct conn *conn)
{
    const struct ipc_line *line = ipc_peer(conn)->line;
    return line != NULL && line->n >= FF_IPC_MAX_OUTSTANDING;
}

/* ---- memory ---- */

static void ipc_wait_drop_counted(struct ipc_wait *wait)
{
    for (uint32_t i = 0; i < wait->ncounted; i++) {
        mem_free(wait->counted[i].names);
    }
    mem_free(wait->counted);
    wait->counted = NULL;
    wait->ncounted = 0;
}

/* The other nodes' answer may still come: then it is the one that frees. */
static void ipc_wait_end(struct ipc_wait *wait)
{
    wait->line = NULL;
    if (wait->asked) {
        return;
    }
    ipc_wait_drop_counted(wait);
    mem_free(wait->receipts);
    mem_free(wait->places);
    mem_free(wait->text);
    mem_free(wait);
}

static struct ipc_line *ipc_line_get(struct conn *conn)
{
    struct ipc_waits *waits = &ipc_of(conn)->waits;
    struct peer *peer = ipc_peer(conn);
    if (peer->line == NULL) {
        peer->line = mem_alloc(sizeof(*peer->line));
        *peer->line = (struct ipc_line){.prev = waits->last, .conn = conn};
        if (waits->last != NULL) {
            waits->last->next = peer->line;
        } else {
            waits->first = peer->line;
        }
        waits->last = peer->line;
    }
    return peer->line;
}

static void ipc_line_free(struct ipc_line *line)
{
    struct ipc_waits *waits = &ipc_of(line->conn)->waits;
    if (line->prev != NULL) {
        line->prev->next = line->next;
    } else {
        waits->first = line->next;
    }
    if (line->next != NULL) {
        line->next->prev = line->prev;
    } else {
        waits->last = line->prev;
    }
    ipc_peer(line->conn)->line = NULL;
    mem_free(line);
    if (waits->first == NULL && waits->due != 0) {
        event_del(&waits->timer);
        waits->due = 0;
    }
}

static struct ipc_wait *ipc_line_append(struct conn *conn)
{
    struct ipc_line *line = ipc_line_get(conn);
    struct ipc_wait *wait = mem_zalloc(sizeof(*wait));
    wait->line = line;
    if (line->last != NULL) {
        line->last->next = wait;
    } else {
        line->first = wait;
    }
    line->last = wait;
    line->n++;
    return wait;
}

void ipc_wait_leave(struct conn *conn)
{
    struct ipc_line *line = ipc_peer(conn)->line;
    if (line == NULL) {
        return;
    }
    while (line->first != NULL) {
        struct ipc_wait *wait = line->first;
        line->first = wait->next;
        ipc_wait_end(wait);
    }
    ipc_line_free(line);
}

/* ---- answering ---- */

/* Forgets the places that are confirmed. */
static void ipc_wait_look_at_places(const struct hub *hub, struct ipc_wait *wait)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < wait->nplaces; i++) {
        enum cluster_fate fate = hub->cluster_ops->fate(hub->cluster, wait->places[i]);
        wait->dropped |= fate == CLUSTER_DROPPED;
        if (fate != CLUSTER_CONFIRMED) {
            wait->places[left++] = wait->places[i];
        }
    }
    wait->nplaces = left;
}

/* Packs the answer if it can be given. */
static bool ipc_wait_answer(struct ipc *ipc, struct conn *conn, struct ipc_wait *wait, uint64_t now)
{
    msgpack_sbuffer *out = &ipc->waits.out;
    if (wait->packed > 0) {
        ipc_packed(conn, msgpack_sbuffer_write(out, wait->text, wait->packed));
        return true;
    }
    ipc_wait_look_at_places(ipc->hub, wait);
    bool late = now >= wait->deadline;
    if (!wait->dropped && !late && (wait->nplaces > 0 || wait->asked)) {
        return false;
    }
    if (wait->dropped || wait->nplaces > 0) {
        counter_add(conn->loop->counters, COUNTER_IPC_UNCONFIRMED, 1);
        ipc_packed(conn, ff_ipc_pack_error(out, wait->seq, FF_IPC_REASON_UNCONFIRMED,
                                           wait->dropped       ? WAIT_DROPPED
                                           : now == UINT64_MAX ? WAIT_ENDS
                                                               : WAIT_LATE,
                                           -1));
    } else {
        ipc_acknowledge(conn, out, wait->type, wait->seq, wait->receipts, wait->nreceipts,
                        wait->duplicate);
    }
    return true;
}

/* Gives the answers that can be given, in order. Returns when the next one is due at the latest, 0:
 * none waits. The line may be gone then. */
static uint64_t ipc_line_look(struct ipc_line *line, uint64_t now)
{
    struct conn *conn = line->conn;
    struct ipc *ipc = ipc_of(conn);
    bool any = false, was_full = line->n >= FF_IPC_MAX_OUTSTANDING;
    uint64_t due = 0;
    while (line->first != NULL) {
        struct ipc_wait *wait = line->first;
        if (!ipc_wait_answer(ipc, conn, wait, now)) {
            due = wait->deadline;
            break;
        }
        if (conn_doomed(conn)) {
            ipc->waits.out.size = 0;
            return 0; /* and the line with it */
        }
        any = true;
        latency_note(conn->loop, HISTOGRAM_ANSWER, ipc_peer(conn)->app, wait->since_ns);
        line->first = wait->next;
        line->n--;
        ipc_wait_end(wait);
    }
    bool over = line->first == NULL;
    if (over) {
        ipc_line_free(line);
    }
    if (any) {
        ipc_send(conn, &ipc->waits.out);
    }
    /* What lies behind may be a frame that waits for all of them: it is not unpacked for each. */
    if (over || (any && was_full)) {
        ipc->answered(conn);
    }
    return due;
}

static void ipc_wait_arm(struct ipc *ipc, uint64_t due, uint64_t now)
{
    struct ipc_waits *waits = &ipc->waits;
    if (due == 0 || (waits->due != 0 && waits->due <= due)) {
        return; /* a timer that goes off too early finds out */
    }
    uint64_t in = due > now ? due - now : 1;
    struct timeval tv = {.tv_sec = (time_t)(in / 1000), .tv_usec = (suseconds_t)(in % 1000 * 1000)};
    waits->due = due;
    event_add(&waits->timer, &tv);
}

/* The first of them may be ready: the next one has a deadline of its own. */
static void ipc_wait_advance(struct ipc_line *line)
{
    struct ipc *ipc = ipc_of(line->conn);
    uint64_t now = clock_mono_ms();
    ipc_wait_arm(ipc, ipc_line_look(line, now), now);
}

static void ipc_wait_look(struct ipc *ipc, uint64_t now)
{
    ipc->waits.look_again = false;
    struct ipc_line *next;
    uint64_t soonest = 0;
    for (struct ipc_line *line = ipc->waits.first; line != NULL; line = next) {
        next = line->next;
        uint64_t due = ipc_line_look(line, now);
        if (due != 0 && (soonest == 0 || due < soonest)) {
            soonest = due;
        }
    }
    ipc_wait_arm(ipc, soonest, now);
}

static void ipc_wait_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct ipc *ipc = arg;
    (void)fd;
    (void)what;
    turn_awake(ipc->hub->loop);
    ipc->waits.due = 0;
    ipc_wait_look(ipc, clock_mono_ms());
}

static void ipc_wait_on_confirmed(struct hub *hub)
{
    struct ipc *ipc = hub->ipc;
    if (ipc->waits.beginning) {
        ipc->waits.look_again = true;
    } else if (ipc->waits.first != NULL) {
        ipc_wait_look(ipc, clock_mono_ms());
    }
}

void ipc_wait_give_up(struct ipc *ipc)
{
    ipc_wait_look(ipc, UINT64_MAX);
}

/* ---- counts of others ---- */

static void ipc_wait_on_counts(void *arg, const struct gathered *gathered)
{
    struct ipc_wait *wait = arg;
    wait->asked = false;
    if (wait->line == NULL) {
        ipc_wait_end(wait);
        return;
    }
    for (uint32_t i = 0; i < wait->ncounted; i++) {
        uint64_t sum = wait->receipts[i].recipients;
        for (uint32_t j = 0; j < wait->counted[i].n; j++) {
            sum += gathered_subscriptions(gathered, wait->counted[i].names[j]);
        }
        wait->receipts[i].recipients = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    }
    ipc_wait_drop_counted(wait);
    if (wait == wait->line->first) {
        ipc_wait_advance(wait->line);
    }
}

static void ipc_wait_key_of_name(const void *value, const char **key, size_t *len)
{
    const struct slice *name = value;
    *key = name->p;
    *len = name->len;
}

/* Copies the names of a message's channels, each once, behind *at. -1: no memory. */
static int ipc_wait_count_message(struct ipc_counted *counted, const struct ff_ipc_message *message,
                                  char **at)
{
    struct strmap seen;
    counted->names = mem_try_alloc((message->nchannels + 1) * sizeof(*counted->names));
    if (counted->names == NULL) {
        return -1;
    }
    strmap_init(&seen, ipc_wait_key_of_name);
    for (uint32_t i = 0; i < message->nchannels; i++) {
        struct ff_slice name = message->channels[i];
        if (message->nchannels > 1 && strmap_get(&seen, name.p, name.len) != NULL) {
            continue;
        }
        struct slice *copy = &counted->names[counted->n++];
        memcpy(*at, name.p, name.len);
        *copy = (struct slice){*at, name.len};
        *at += name.len;
        if (message->nchannels > 1) {
            strmap_put(&seen, copy);
        }
    }
    strmap_free(&seen);
    return 0;
}

/* Keeps the names of all channels of the frame. -1: they are too many, or no memory. */
static int ipc_wait_count(struct ipc_wait *wait, const struct ff_ipc_frame *frame)
{
    size_t bytes = 1;
    for (uint32_t i = 0; i < frame->nmessages; i++) {
        for (uint32_t j = 0; j < frame->messages[i].nchannels; j++) {
            bytes += frame->messages[i].channels[j].len;
        }
    }
    if (bytes > WAIT_NAMES) {
        return -1;
    }
    wait->text = mem_try_alloc(bytes);
    wait->counted = mem_try_alloc((frame->nmessages + 1) * sizeof(*wait->counted));
    if (wait->text == NULL || wait->counted == NULL) {
        return -1;
    }
    char *at = wait->text;
    for (uint32_t i = 0; i < frame->nmessages; i++) {
        wait->counted[i] = (struct ipc_counted){0};
        wait->ncounted++;
        if (ipc_wait_count_message(&wait->counted[i], &frame->messages[i], &at) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Where counts are kept on every node, nobody has to be asked. */
static void ipc_wait_add_known(const struct hub *hub, struct ipc_wait *wait, uint32_t app)
{
    for (uint32_t i = 0; i < wait->ncounted; i++) {
        uint64_t sum = wait->receipts[i].recipients;
        for (uint32_t j = 0; j < wait->counted[i].n; j++) {
            struct slice name = wait->counted[i].names[j];
            const struct dirent *entry = hub_find(hub, app, strmap_hash(name.p, name.len), name);
            sum += entry != NULL ? dirent_total(entry) - entry->here : 0;
        }
        wait->receipts[i].recipients = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    }
}

/* Asks for each channel of the frame once. */
static void ipc_wait_ask(struct ipc *ipc, struct ipc_wait *wait, uint32_t app)
{
    struct hub *hub = ipc->hub;
    struct strmap seen;
    size_t total = 0, n = 0;
    for (uint32_t i = 0; i < wait->ncounted; i++) {
        total += wait->counted[i].n;
    }
    struct slice *names = mem_try_alloc((total + 1) * sizeof(*names));
    if (names == NULL) {
        return;
    }
    strmap_init(&seen, ipc_wait_key_of_name);
    for (uint32_t i = 0; i < wait->ncounted; i++) {
        for (uint32_t j = 0; j < wait->counted[i].n; j++) {
            struct slice *name = &wait->counted[i].names[j];
            if (wait->ncounted == 1 || strmap_get(&seen, name->p, name->len) == NULL) {
                names[n++] = *name;
                if (wait->ncounted > 1) {
                    strmap_put(&seen, name);
                }
            }
        }
    }
    strmap_free(&seen);
    wait->asked = hub->cluster_ops->ask(hub->cluster, CLUSTER_ASK_COUNTS, app, names, n,
                                        ipc_wait_on_counts, wait) == CLUSTER_ASKED;
    mem_free(names);
}

/* ---- places ---- */

/* A place that is not among those yet. -1: no memory. */
static int ipc_wait_add_place(struct ipc_wait *wait, uint64_t place)
{
    for (uint32_t i = 0; i < wait->nplaces; i++) {
        if (wait->places[i] == place) {
            return 0;
        }
    }
    if ((wait->nplaces & (wait->nplaces - 1)) == 0) { /* 0, or it has filled a power of two */
        uint32_t cap = wait->nplaces == 0 ? 1 : wait->nplaces * 2;
        uint64_t *places = mem_try_realloc(wait->places, cap * sizeof(*places));
        if (places == NULL) {
            return -1;
        }
        wait->places = places;
    }
    wait->places[wait->nplaces++] = place;
    return 0;
}

/* Of a message that was published just now: they are remembered, too. -1: no memory. */
static int ipc_wait_fresh_places(struct ipc *ipc, struct ipc_wait *wait, uint32_t app,
                                 const struct ff_ipc_message *message, uint64_t id)
{
    const struct hub *hub = ipc->hub;
    for (uint32_t i = 0; i < message->nchannels; i++) {
        struct slice channel = {message->channels[i].p, message->channels[i].len};
        uint64_t place = hub->cluster_ops->place(hub->cluster, app, channel);
        ipc_recent_add(&ipc->waits.recent, hub, id, place);
        if (ipc_wait_add_place(wait, place) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Of one that was published earlier: where its records stand. If that is not known any more, they
 * are in the log; or nobody has asked for that when they were said, and what was said last of its
 * channels is waited for. */
static int ipc_wait_known_places(struct ipc *ipc, struct ipc_wait *wait, uint32_t app,
                                 const struct ff_ipc_message *message, uint64_t id)
{
    const struct hub *hub = ipc->hub;
    size_t cursor = 0;
    uint64_t place;
    bool known = false;
    while (ipc_recent_next(&ipc->waits.recent, id, &cursor, &place)) {
        known = true;
        if (ipc_wait_add_place(wait, place) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; !known && message != NULL && i < message->nchannels; i++) {
        struct slice channel = {message->channels[i].p, message->channels[i].len};
        place = hub->cluster_ops->place(hub->cluster, app, channel);
        if (ipc_wait_add_place(wait, place) != 0) {
            return -1;
        }
    }
    return 0;
}

static int ipc_wait_places(struct ipc *ipc, struct ipc_wait *wait, uint32_t app,
                           const struct ff_ipc_frame *frame)
{
    for (uint32_t i = 0; i < wait->nreceipts; i++) {
        const struct receipt *receipt = &wait->receipts[i];
        const struct ff_ipc_message *message = i < frame->nmessages ? &frame->messages[i] : NULL;
        bool fresh = !wait->duplicate && !receipt->duplicate;
        if ((fresh ? ipc_wait_fresh_places(ipc, wait, app, message, receipt->id)
                   : ipc_wait_known_places(ipc, wait, app, message, receipt->id)) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- beginning ---- */

void ipc_wait_begin(struct conn *conn, const struct ff_ipc_frame *frame,
                    const struct receipt *receipts, uint32_t n, bool duplicate)
{
    struct ipc *ipc = ipc_of(conn);
    uint32_t app = ipc_peer(conn)->app;
    uint64_t now = clock_mono_ms();
    ipc_send_answers(conn); /* those before it; it may be answered here and now */
    if (conn_doomed(conn)) {
        return;
    }
    struct ipc_wait *wait = ipc_line_append(conn);
    wait->type = frame->type;
    wait->since_ns = latency_turn(conn->loop);
    wait->seq = frame->seq;
    wait->deadline = now + frame->ack_ms;
    wait->duplicate = duplicate;
    wait->nreceipts = n;
    wait->receipts = mem_try_alloc((n + 1) * sizeof(*wait->receipts));
    bool kept = wait->receipts != NULL;
    ipc->waits.beginning = true;
    if (kept) {
        memcpy(wait->receipts, receipts, n * sizeof(*receipts));
        kept = ipc_wait_places(ipc, wait, app, frame) == 0;
    }
    if (!kept) {
        wait->dropped = true; /* no memory to know better */
    } else if (n == frame->nmessages && n > 0 && ipc_wait_count(wait, frame) == 0) {
        if (share_counts(ipc->hub, app)) {
            ipc_wait_add_known(ipc->hub, wait, app);
        } else {
            ipc_wait_ask(ipc, wait, app);
        }
    }
    if (!wait->asked) {
        ipc_wait_drop_counted(wait);
    }
    ipc->waits.beginning = false;
    if (ipc->waits.look_again) {
        ipc_wait_look(ipc, now);
    } else if (wait == wait->line->first) {
        ipc_wait_advance(wait->line);
    }
}

void ipc_wait_queue(struct conn *conn)
{
    msgpack_sbuffer *out = &ipc_of(conn)->out;
    size_t len = out->size;
    if (len == 0 || !ipc_waits(conn) || !conn_live(conn)) {
        return;
    }
    struct ipc_wait *wait = ipc_line_append(conn);
    wait->text = mem_alloc(len);
    memcpy(wait->text, out->data, len);
    wait->packed = len;
    out->size = 0;
}

/* ---- the whole ---- */

void ipc_wait_init(struct ipc *ipc)
{
    msgpack_sbuffer_init(&ipc->waits.out);
    check(event_assign(&ipc->waits.timer, ipc->hub->loop->base, -1, 0, ipc_wait_on_timer, ipc) ==
          0);
    ipc->hub->confirmed = ipc_wait_on_confirmed;
}

void ipc_wait_free(struct ipc *ipc)
{
    check(ipc->waits.first == NULL);
    ipc_recent_free(&ipc->waits.recent);
    msgpack_sbuffer_destroy(&ipc->waits.out);
}
