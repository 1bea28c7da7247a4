/*
 * The operator's listener: /metrics for Prometheus, /stats as JSON, /health/live and /health/ready.
 * Runs on the hub. Loopback by default and without authentication: whoever reaches it may read
 * numbers, never names of channels or users. Those are below /api/ (links/admin_call) and on the
 * console (links/console), which ask who it is (links/admin_auth).
 */
#ifndef FF_LINKS_ADMIN_H
#define FF_LINKS_ADMIN_H

#include "net/conn.h"

extern const struct conn_handler admin_handler;
extern const struct conn_handler admin_control_handler; /* of the socket, for fanfared ctl */

#endif
