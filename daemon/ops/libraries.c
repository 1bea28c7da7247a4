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
    if ((app == NULL && config->trace.endpoint[0] == '\0') || curl_library(&why) != NULL) {
        return 0;
    }
    char text[512], who[100] = "[trace] endpoint";
    if (app != NULL) {
        snprintf(who, sizeof(who), "webhook_url of application \"%s\"", app->id);
    }
    snprintf(text, sizeof(text),
             "%s needs libcurl, which cannot be loaded: install the package libcurl4 (libcurl on "
             "Alpine and Fedora): %s",
             who, why);
    report(arg, true, text);
    return -1;
}
