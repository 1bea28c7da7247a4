/*
 * What the environment sets: keys by FANFARE_<SECTION>_<KEY>, and an application by the three names
 * that PHP's side reads as well. Other variables that begin with FANFARE_ are not looked at: they
 * may be the application's.
 */
#ifndef FF_OPS_CONFIG_ENV_H
#define FF_OPS_CONFIG_ENV_H

#include "ops/config_loader.h"

/* Overrides keys of the file. envp as environ; NULL: none. */
void config_env_read(struct loader *loader, char *const envp[]);
/* True when any of FANFARE_APP_ID, _KEY, _SECRET has a value: makes an application of the three, or
 * reports what is missing. For when the file defines none. */
bool config_env_read_app(struct loader *loader, char *const envp[]);

#endif
