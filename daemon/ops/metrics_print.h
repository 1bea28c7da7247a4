/*
 * Prints what the manual says of each metric (docs/metrics.md) from the table in base/metrics.h.
 */
#ifndef FF_OPS_METRICS_PRINT_H
#define FF_OPS_METRICS_PRINT_H

#include <stdio.h>

void metrics_print(FILE *out);

#endif
