/*
 * The table of keys as text for people. Runs on the main thread, for the command line.
 */
#ifndef FF_OPS_CONFIG_PRINT_H
#define FF_OPS_CONFIG_PRINT_H

#include <stdio.h>

void config_print_reference(FILE *out); /* the tables of docs/configuration.md */
void config_print_sample(FILE *out);    /* packaging/fanfared.conf */

/* fanfared.conf(5), in the language of man pages. */
void config_print_man(FILE *out);

#endif
