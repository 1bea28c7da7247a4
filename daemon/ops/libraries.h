/*
 * The libraries that only some configurations need, loaded when one does.
 *
 * Runs on the main thread, at start and for --check-config, and on a reload's own.
 */
#ifndef FF_OPS_LIBRARIES_H
#define FF_OPS_LIBRARIES_H

#include "ops/config.h"

/* -1: one cannot be loaded, which was reported as an error. */
int libraries_load(const struct config *config, config_report_fn *report, void *arg) MUST_CHECK;

#endif
