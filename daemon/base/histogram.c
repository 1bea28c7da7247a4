#include "base/histogram.h"

const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS] = {
    {10000, "1e-05"},    {25000, "2.5e-05"},  {50000, "5e-05"},      {100000, "0.0001"},
    {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},    {2500000, "0.0025"},
    {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"},   {50000000, "0.05"},
    {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},    {1000000000, "1.0"},
    {2500000000, "2.5"}, {5000000000, "5.0"}, {10000000000, "10.0"},
};

/* A plain load, add and store: there is one writer, and readers need no order. */
static void histogram_put(_Atomic uint64_t *value, uint64_t n)
{
    uint64_t now = __atomic_load_n((uint64_t *)value, __ATOMIC_RELAXED);
    __atomic_store_n((uint64_t *)value, now + n, __ATOMIC_RELAXED);
}

static uint64_t histogram_get(const _Atomic uint64_t *value)
{
    return __atomic_load_n((const uint64_t *)value, __ATOMIC_RELAXED);
}

void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t n)
{
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds[i].ns) {
        i++;
    }
    histogram_put(&histogram->buckets[i], n);
    histogram_put(&histogram->sum_ns, ns * n);
}

void histogram_sum(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        histogram_put(&into->buckets[i], histogram_get(&from->buckets[i]));
    }
    histogram_put(&into->sum_ns, histogram_get(&from->sum_ns));
}
