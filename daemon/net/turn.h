/*
 * The time of a loop: its clock, and what a turn may spend on one thing before all else has its
 * share. On the loop's thread.
 */
#ifndef FF_NET_TURN_H
#define FF_NET_TURN_H

#include "net/core.h"

#define TURN_TICK_MS 250

void budget_begin(struct budget *budget, uint64_t us);
/* Asked before each piece of work; a clock is looked at only at every few of them. */
bool budget_spent(struct budget *budget) MUST_CHECK;

/* Brings loop->now up to date. Between the phases of a turn, so that it never stands still for
 * longer than one of them. */
void turn_look_at_clock(struct loop *loop);
/* Something was reported by the poll, which may have waited long: the first one of a turn brings
 * the clock up to date and begins the time for input. */
void turn_awake(struct loop *loop);

#endif
