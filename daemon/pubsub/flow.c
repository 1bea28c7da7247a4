#include "pubsub/flow.h"

uint32_t flow_weight(size_t memory, size_t len, uint64_t n)
{
    uint64_t weight = memory + FLOW_MAIL + n * (len + FLOW_WRITE) / FLOW_PART;
    return weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight;
}

static size_t flow_fullest(const struct flow *flow)
{
    size_t fullest = mailbox_weight(flow->hub);
    for (uint32_t i = 0; i < flow->nworkers; i++) {
        size_t weight = mailbox_weight(flow->workers[i]);
        fullest = weight > fullest ? weight : fullest;
    }
    return fullest;
}

bool flow_open(struct flow_gate *gate, uint64_t high)
{
    if (high == 0) {
        return true;
    }
    gate->shut = flow_fullest(gate->flow) > (gate->shut ? high / 2 : high);
    return !gate->shut;
}

bool flow_hub_open(const struct flow *flow, uint64_t high)
{
    return high == 0 || mailbox_weight(flow->hub) <= high;
}

bool flow_joins_open(struct flow_gate *gate, uint64_t high, uint64_t total)
{
    uint64_t room = total != 0 && total / 4 < FLOW_JOIN_ROOM ? total / 4 : FLOW_JOIN_ROOM;
    for (uint32_t i = 0; i < gate->flow->nworkers; i++) {
        if (atomic_load_explicit(&gate->flow->queued[i], memory_order_relaxed) > room) {
            return false;
        }
    }
    return flow_open(gate, high);
}
