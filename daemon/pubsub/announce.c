#include "pubsub/announce.h"

#include <string.h>

#include "base/mem.h"

uint32_t announce_register(struct announcer *announcer, announce_fn *fn, void *arg, bool here)
{
    check(announcer->nconsumers < ANNOUNCE_CONSUMERS);
    announcer->consumers[announcer->nconsumers] =
        (struct announce_consumer){.fn = fn,
                                   .arg = arg,
                                   .here = here,
                                   .wants = mem_zalloc((announcer->napps + 1) * sizeof(uint16_t))};
    return announcer->nconsumers++;
}

static uint16_t *announce_grown(uint16_t *bits, uint32_t before, uint32_t after)
{
    bits = mem_realloc(bits, after * sizeof(*bits));
    memset(bits + before, 0, (after - before) * sizeof(*bits));
    return bits;
}

void announce_want(struct announcer *announcer, uint32_t consumer, uint32_t app, unsigned int bits)
{
    check(consumer < announcer->nconsumers);
    if (app >= announcer->napps) {
        if (bits == 0) {
            return;
        }
        for (uint32_t i = 0; i < announcer->nconsumers; i++) {
            announcer->consumers[i].wants =
                announce_grown(announcer->consumers[i].wants, announcer->napps, app + 1);
        }
        announcer->wanted = announce_grown(announcer->wanted, announcer->napps, app + 1);
        announcer->needed = announce_grown(announcer->needed, announcer->napps, app + 1);
        announcer->napps = app + 1;
    }
    announcer->consumers[consumer].wants[app] = (uint16_t)bits;
    unsigned int all = 0, needed = 0;
    for (uint32_t i = 0; i < announcer->nconsumers; i++) {
        all |= announcer->consumers[i].wants[app];
        needed |= announcer->consumers[i].here ? 0u : announcer->consumers[i].wants[app];
    }
    announcer->wanted[app] = (uint16_t)all;
    announcer->needed[app] = (uint16_t)needed;
}

void announce(const struct announcer *announcer, const struct announcement *announcement)
{
    if (!announce_wanted(announcer, announcement->app, announcement->kind)) {
        return;
    }
    for (uint32_t i = 0; i < announcer->nconsumers; i++) {
        const struct announce_consumer *consumer = &announcer->consumers[i];
        if (consumer->wants[announcement->app] & ANNOUNCE_BIT(announcement->kind)) {
            consumer->fn(consumer->arg, announcement);
        }
    }
}

void announce_free(struct announcer *announcer)
{
    for (uint32_t i = 0; i < announcer->nconsumers; i++) {
        mem_free(announcer->consumers[i].wants);
    }
    mem_free(announcer->wanted);
    mem_free(announcer->needed);
    *announcer = (struct announcer){0};
}
