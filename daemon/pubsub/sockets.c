#include "pubsub/sockets.h"

#include <string.h>

#include "base/mem.h"

#define SOCKETS_MS                                                                                 \
    5000u /* a worker answers within a turn; one that is stopped is not waited for                 \
           */

struct sockets_query {
    struct sockets_query *prev, *next;
    uint64_t number, until; /* until: ms, the loop's time, for the worker that is being asked */
    uint32_t app, worker, limit, n;
    struct mail_sockets **parts; /* what has come, in order */
    uint32_t nparts;
    sockets_fn *fn;
    void *arg;
};

static void sockets_post(struct hub *hub, struct sockets_query *query, uint32_t first)
{
    struct mail_list_sockets *mail = mem_alloc(sizeof(*mail));
    *mail = (struct mail_list_sockets){
        .mail = {.type = MAIL_LIST_SOCKETS, .weight = flow_mail(sizeof(*mail))},
        .question = query->number,
        .app = query->app,
        .first = first,
        .limit = query->limit - query->n,
    };
    query->until = hub->loop->now + SOCKETS_MS;
    mailbox_post_urgent(hub->flow->workers[query->worker], &mail->mail);
}

struct sockets_query *sockets_ask(struct hub *hub, uint32_t app, const struct socket_ref *after,
                                  uint32_t limit, sockets_fn *fn, void *arg)
{
    struct sockets_query *query = mem_alloc(sizeof(*query));
    bool begun = after->random != 0;
    check(limit > 0 && after->worker < hub_workers(hub));
    *query = (struct sockets_query){.prev = hub->sockets_last,
                                    .number = ++hub->sockets_asked,
                                    .app = app,
                                    .worker = begun ? after->worker : 0,
                                    .limit = limit,
                                    .fn = fn,
                                    .arg = arg};
    *(hub->sockets_last != NULL ? &hub->sockets_last->next : &hub->sockets_first) = query;
    hub->sockets_last = query;
    sockets_post(hub, query, begun && after->slot < UINT32_MAX ? after->slot + 1 : 0);
    return query;
}

void sockets_cancel(struct hub *hub, struct sockets_query *query)
{
    *(query->prev != NULL ? &query->prev->next : &hub->sockets_first) = query->next;
    *(query->next != NULL ? &query->next->prev : &hub->sockets_last) = query->prev;
    for (uint32_t i = 0; i < query->nparts; i++) {
        mem_free(query->parts[i]);
    }
    mem_free(query->parts);
    mem_free(query);
}

/* The views of one worker's letter. Returns how many there are. */
static uint32_t sockets_read(const struct mail_sockets *part, struct sockets_item *items)
{
    const char *at = part->bytes;
    for (uint32_t i = 0; i < part->n; i++) {
        struct mail_socket socket;
        memcpy(&socket, at, sizeof(socket));
        at += sizeof(socket);
        items[i] =
            (struct sockets_item){.ref = socket.ref,
                                  .user_id = {socket.user_len > 0 ? at : NULL, socket.user_len},
                                  .address = {at + socket.user_len, socket.address_len},
                                  .opened_ms = (uint64_t)socket.opened * 1000,
                                  .subscriptions = socket.subscriptions,
                                  .unread = socket.unread};
        at += socket.user_len + socket.address_len;
    }
    return part->n;
}

static void sockets_end(struct hub *hub, struct sockets_query *query, bool more, bool whole)
{
    struct sockets_page page = {
        .items = mem_alloc((query->n + 1) * sizeof(*page.items)), .more = more, .whole = whole};
    for (uint32_t i = 0; i < query->nparts; i++) {
        page.n += sockets_read(query->parts[i], page.items + page.n);
    }
    query->fn(query->arg, &page);
    mem_free(page.items);
    sockets_cancel(hub, query);
}

static struct sockets_query *sockets_find(struct hub *hub, uint64_t number)
{
    struct sockets_query *query = hub->sockets_first;
    while (query != NULL && query->number != number) {
        query = query->next;
    }
    return query;
}

/* Keeps a copy of the letter, which goes back to its mailbox. */
static void sockets_keep(struct sockets_query *query, const struct mail_sockets *mail)
{
    struct mail_sockets *part = mem_alloc(sizeof(*part) + mail->len);
    memcpy(part, mail, sizeof(*part) + mail->len);
    query->parts = mem_realloc(query->parts, (query->nparts + 1) * sizeof(struct mail_sockets *));
    query->parts[query->nparts++] = part;
    query->n += part->n;
}

void sockets_heard(struct hub *hub, const struct mail_sockets *mail)
{
    struct sockets_query *query = sockets_find(hub, mail->question);
    if (query == NULL || mail->worker != query->worker) {
        return; /* it came too late */
    }
    if (mail->n > 0) {
        sockets_keep(query, mail);
    }
    bool last = !mail->more && query->worker + 1 == hub_workers(hub);
    if (last || query->n >= query->limit) {
        sockets_end(hub, query, !last, true);
    } else if (mail->more) {
        sockets_post(hub, query, mail->next);
    } else {
        query->worker++;
        sockets_post(hub, query, 0);
    }
}

void sockets_expire(struct hub *hub)
{
    struct sockets_query *query = hub->sockets_first, *next;
    for (; query != NULL; query = next) {
        next = query->next;
        if (hub->loop->now >= query->until) {
            sockets_end(hub, query, false, false);
        }
    }
}
