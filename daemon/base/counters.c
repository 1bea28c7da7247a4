#include "base/counters.h"

const struct counter_info counter_infos[COUNTER_MAX] = {
#define COUNTERS_INFO(symbol, metric, labels, help) {metric, labels, help},
    COUNTERS(COUNTERS_INFO)
#undef COUNTERS_INFO
};
