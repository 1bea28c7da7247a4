/*
 * The certificates of the TLS listeners: from the files named in [tls] to a context in use.
 *
 * Runs on the main thread, at start and for --check-config, and on a reload's own. Each problem
 * names its file and what to do; no byte of a key gets into a message.
 */
#ifndef FF_OPS_CERTIFICATES_H
#define FF_OPS_CERTIFICATES_H

#include "net/tls_context.h"
#include "ops/config.h"

/*
 * *out: a context with one reference, or NULL when no certificate is configured. `previous` as for
 * tls_context_new. -1: at least one error was reported; *out is NULL. A certificate that has
 * expired is reported as a warning: clients that ignore it go on.
 */
int certificates_load(const struct config *config, struct tls_context *previous,
                      struct tls_context **out, config_report_fn *report, void *arg) MUST_CHECK;

#endif
