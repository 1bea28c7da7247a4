#include "ops/libraries.h"

#include <stdio.h>

#include "links/curl_library.h"

int libraries_load(const struct config *config, config_report_fn *report, void *arg)
{
    const struct app_settings *app = NULL;
    for (size_t i = 0; i < config->napps && app == NULL; i++) {
        app = config->apps[i].webhook_url[0] != '\0' ? &config->apps[i] : NULL;
    }
    const char *why;
    if (app == NULL || curl_library(&why) != NULL) {
        return 0;
    }
    char text[512];
    snprintf(text, sizeof(text),
             "webhook_url of application \"%s\" needs libcurl, which cannot be loaded: install the "
             "package libcurl4 (libcurl on Alpine and Fedora): %s",
             app->id, why);
    report(arg, true, text);
    return -1;
}
