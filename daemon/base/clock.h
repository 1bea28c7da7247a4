/*
 * Time. Runs anywhere, owns nothing. Intervals are measured on the monotonic clock; the wall clock
 * is for signatures and logs.
 */
#ifndef FF_BASE_CLOCK_H
#define FF_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_mono_ms(void);
uint64_t clock_wall_ms(void); /* Unix time */

#endif
