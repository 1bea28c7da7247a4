#include "ops/config_loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define ERRORS_SHOWN 50

void config_say(struct loader *loader, bool error, unsigned int line, const char *format, ...)
{
    char text[3000];
    size_t len = 0;
    va_list args;

    if (error && ++loader->errors > ERRORS_SHOWN) {
        if (loader->errors == ERRORS_SHOWN + 1) {
            loader->report(loader->arg, true, "too many errors; the rest of them is not shown");
        }
        return;
    }
    if (line > 0) {
        len = (size_t)snprintf(text, sizeof(text), "%.1000s:%u: ", loader->name, line);
    }
    va_start(args, format);
    vsnprintf(text + len, sizeof(text) - len, format, args);
    va_end(args);
    loader->report(loader->arg, error, text);
}

/* The id behind the word app, in its quotes. */
static bool config_id_in(const char *name, const char **id, size_t *len)
{
    *id = name + 3;
    *id += strspn(*id, " \t");
    *len = strlen(*id);
    if (*len < 2 || (*id)[0] != '"' || (*id)[*len - 1] != '"') {
        return false;
    }
    (*id)++;
    *len -= 2;
    return value_is_app_id(*id, *len);
}

struct draft *config_draft_new(struct loader *loader, unsigned int line, const char *name)
{
    const char *id;
    size_t len;
    struct draft *draft;

    if (loader->ndrafts == loader->drafts_cap) {
        loader->drafts_cap = loader->drafts_cap == 0 ? 4 : loader->drafts_cap * 2;
        loader->drafts = mem_realloc(loader->drafts, loader->drafts_cap * sizeof(*draft));
    }
    draft = &loader->drafts[loader->ndrafts++];
    memset(draft, 0, sizeof(*draft));
    draft->line = line;
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].section == SECTION_APP) {
            config_key_reset(&config_keys[i], &draft->settings);
        }
    }
    if (config_id_in(name, &id, &len)) {
        draft->settings.id = mem_strndup(id, len);
        return draft;
    }
    config_say(
        loader, true, line,
        "an application's section is written [app \"my-id\"], with an id of 1 to 40 letters, "
        "digits, dots, underscores and dashes");
    draft->id_refused = true;
    draft->settings.id = mem_strndup("?", 1);
    return draft;
}
