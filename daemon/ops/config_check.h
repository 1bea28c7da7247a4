/*
 * The checks of a configuration that concern more than one key. Reports through the loader; changes
 * nothing.
 */
#ifndef FF_OPS_CONFIG_CHECK_H
#define FF_OPS_CONFIG_CHECK_H

#include "ops/config_loader.h"

void config_check_apps(struct loader *loader); /* all have what they need, and it is their own */
void config_check_together(struct loader *loader); /* keys that must fit each other */

#endif
