#include "pubsub/limits.h"

struct loop_limits limits_of_loop(const struct limits *limits)
{
    return (struct loop_limits){
        .output_soft = limits->output_soft,
        .output_hard = limits->output_hard,
        .output_total = limits->output_total,
        .output_soft_ms = limits->output_soft_seconds * 1000,
        .max_heads = limits->max_handshakes,
        .idle_ms =
            {
                [IDLE_HEAD] = limits->header_timeout * 1000,
                [IDLE_KEEPALIVE] = limits->keepalive_timeout * 1000,
                [IDLE_OPEN] = limits->ping_interval * 1000,
                [IDLE_PINGED] = limits->pong_timeout * 1000,
                [IDLE_CLOSING] = limits->close_timeout * 1000,
                [IDLE_HANGUP] = 1000,
            },
    };
}
