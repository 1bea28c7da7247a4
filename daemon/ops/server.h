/*
 * The running daemon: opens what it listens on, starts the hub and its workers, and takes
 * everything down again. Runs on the main thread, which is the hub's.
 */
#ifndef FF_OPS_SERVER_H
#define FF_OPS_SERVER_H

#include "ops/config.h"
#include "ops/restart.h"

/* Serves until it is told to end. `path`: of the file that SIGHUP reads again, or NULL. Returns the
 * exit status; what went wrong has been logged. 0 with restart->wanted: restart_now is to follow.
 */
int server_run(const struct config *config, const char *path, struct restart *restart);

#endif
