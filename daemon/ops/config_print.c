#include "ops/config_print.h"

#include <string.h>

#include "ops/config_table.h"

/* Text in a cell of a Markdown table. */
static void config_print_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("|*_<", *text) != NULL) {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
}

static void config_print_row(FILE *out, const struct config_key *key)
{
    char allowed[512];

    config_key_allowed(key, allowed, sizeof(allowed));
    fprintf(out, "| `%s` | ", key->name);
    if (key->section == SECTION_APP && (key->flags & KEY_REQUIRED) != 0) {
        fputs("required", out);
    } else if (*key->initial == '\0') {
        fputs("empty", out);
    } else {
        fprintf(out, "`%s`", key->initial);
    }
    fputs(" | ", out);
    config_print_cell(out, allowed);
    fputs(" | ", out);
    config_print_cell(out, key->help);
    if ((key->flags & KEY_RESTART) != 0) {
        fputs(" *Changes only with a restart.*", out);
    }
    fputs(" |\n", out);
}

void config_print_reference(FILE *out)
{
    for (size_t section = 0; section < SECTION_MAX; section++) {
        const struct section_info *info = &section_infos[section];

        fprintf(out, "%s### [%s]\n\n%s", section == 0 ? "" : "\n", info->name, info->help);
        if (info->env != NULL) {
            fprintf(out, " In the environment: `FANFARE_%s_<KEY>`.", info->env);
        }
        fputs("\n\n| key | default | allowed | meaning |\n| --- | --- | --- | --- |\n", out);
        for (size_t i = 0; i < config_keys_count; i++) {
            if (config_keys[i].section == section) {
                config_print_row(out, &config_keys[i]);
            }
        }
    }
}

/* A comment, broken at spaces. */
static void config_print_comment(FILE *out, const char *text)
{
    const size_t width = 98;

    while (*text != '\0') {
        size_t len = strlen(text);
        if (len > width) {
            for (len = width; len > 0 && text[len] != ' '; len--) {
            }
            if (len == 0) {
                len = strcspn(text, " ");
            }
        }
        fprintf(out, "# %.*s\n", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

void config_print_sample(FILE *out)
{
    fputs("# Configuration of fanfared. What stands behind a # is the default; everything but an\n"
          "# application's key and secret may be left out. A comment stands in a line of its own.\n"
          "# Sizes take K and M; a list is separated by commas or continued by repeating its key.\n"
          "# Check it with: fanfared --check-config --config FILE\n",
          out);
    for (size_t section = 0; section < SECTION_MAX; section++) {
        fprintf(out, "\n[%s]\n", section_infos[section].name);
        config_print_comment(out, section_infos[section].help);
        for (size_t i = 0; i < config_keys_count; i++) {
            const struct config_key *key = &config_keys[i];
            char text[600], allowed[512];

            if (key->section != section) {
                continue;
            }
            config_key_allowed(key, allowed, sizeof(allowed));
            fputc('\n', out);
            config_print_comment(out, key->help);
            snprintf(text, sizeof(text), "Allowed: %s.", allowed);
            config_print_comment(out, text);
            fprintf(out, "%s%s =%s%s\n",
                    section == SECTION_APP && (key->flags & KEY_REQUIRED) != 0 ? "" : "#",
                    key->name, *key->initial == '\0' ? "" : " ", key->initial);
        }
    }
}
