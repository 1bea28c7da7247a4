#include "net/latency.h"

#include "base/clock.h"

/* WHY: what the poll calls without waking the turn, such as the connection to Redis, may be the
 * first to ask. */
uint64_t latency_turn(struct loop *loop)
{
    if (loop->turn_ns == 0) {
        loop->turn_ns = clock_mono_ns();
    }
    return loop->turn_ns;
}

void latency_note(struct loop *loop, enum histogram_kind kind, uint32_t app, uint64_t since_ns)
{
    uint32_t place = histogram_place(app);
    if (since_ns == 0) {
        return;
    }
    struct latency *last = loop->nlatencies > 0 ? &loop->latencies[loop->nlatencies - 1] : NULL;
    if (last != NULL && last->since_ns == since_ns && last->place == place && last->kind == kind &&
        last->round == loop->rounds) {
        last->n++;
        return;
    }
    if (loop->nlatencies < LOOP_LATENCIES) {
        loop->latencies[loop->nlatencies++] = (struct latency){.since_ns = since_ns,
                                                               .n = 1,
                                                               .kind = (uint8_t)kind,
                                                               .place = (uint8_t)place,
                                                               .round = loop->rounds};
        return;
    }
    /* Full: it is counted with one of its kind that began before, as having taken longer than it
     * did; never shorter. */
    for (size_t i = loop->nlatencies; i-- > 0;) {
        struct latency *latency = &loop->latencies[i];
        if (latency->kind == kind && latency->place == place) {
            latency->round = loop->rounds;
            latency->n++;
            return;
        }
    }
    uint64_t now = clock_mono_ns();
    histogram_add(&loop->counters->histograms[kind][place], now - since_ns, 1);
}

/* Whether all queues have been visited since: all are empty, or the flush has come round twice, the
 * first of which had begun before. */
static bool latency_over(const struct loop *loop, const struct latency *latency)
{
    return latency->kind != HISTOGRAM_DELIVERY || loop->ndirty == 0 ||
           loop->rounds - latency->round >= 2;
}

void latency_settle(struct loop *loop)
{
    uint64_t now = clock_mono_ns();
    size_t left = 0;
    for (size_t i = 0; i < loop->nlatencies; i++) {
        const struct latency *latency = &loop->latencies[i];
        if (latency_over(loop, latency)) {
            uint64_t ns = now > latency->since_ns ? now - latency->since_ns : 0;
            histogram_add(&loop->counters->histograms[latency->kind][latency->place], ns,
                          latency->n);
        } else {
            loop->latencies[left++] = *latency;
        }
    }
    loop->nlatencies = left;
    histogram_add(&loop->counters->histograms[HISTOGRAM_TURN][0], now - loop->turn_ns, 1);
}
