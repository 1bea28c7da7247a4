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

/* Text of a man page: a hyphen that is one, and nothing at the beginning of a line that is a
 * request. */
static void config_print_roff(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else if (*text == '\'') {
            fputs("\\(aq", out);
        } else if (*text == '.') {
            fputs("\\&.", out);
        } else {
            fputc(*text, out);
        }
    }
}

static void config_print_man_key(FILE *out, const struct config_key *key)
{
    char allowed[512];

    config_key_allowed(key, allowed, sizeof(allowed));
    fprintf(out, ".TP\n.B %s\n", key->name);
    config_print_roff(out, key->help);
    fputs("\nAllowed: ", out);
    config_print_roff(out, allowed);
    fputs(".\n", out);
    if (key->section == SECTION_APP && (key->flags & KEY_REQUIRED) != 0) {
        fputs("Required.\n", out);
    } else if (*key->initial != '\0') {
        fputs("Default: ", out);
        config_print_roff(out, key->initial);
        fputs(".\n", out);
    } else {
        fputs("Empty by default.\n", out);
    }
    if ((key->flags & KEY_RESTART) != 0) {
        fputs("Changes only with a restart.\n", out);
    }
}

void config_print_man(FILE *out)
{
    fputs(".\\\" Printed by fanfared \\-\\-print\\-man; scripts/gen-config-docs writes it anew.\n"
          ".TH FANFARED.CONF 5 \"\" Fanfare \"File formats\"\n"
          ".SH NAME\nfanfared.conf \\- configuration of fanfared\n"
          ".SH DESCRIPTION\n"
          "Sections in brackets, and in them lines of the form\n.IR \"key \" = \" value\" .\n"
          "A comment begins with # and stands in a line of its own.\n"
          "Everything but an application\\(aqs key and secret may be left out.\n"
          "Sizes take K and M (1,024); a list is separated by commas or continued by repeating its "
          "key.\n"
          "Unknown keys and wrong values are errors, with the number of the line and what is "
          "allowed;\n"
          ".B fanfared \\-\\-check\\-config\nsays them without starting.\n"
          ".PP\nA key of a section with a variable can be set in the environment as well, which\n"
          "wins over the file.\n",
          out);
    for (size_t section = 0; section < SECTION_MAX; section++) {
        const struct section_info *info = &section_infos[section];

        fputs(".SH \"[", out);
        for (const char *c = info->name; *c != '\0'; c++) {
            fputs(*c == '"' ? "\\(dq" : (char[]){*c, '\0'}, out);
        }
        fputs("]\"\n", out);
        config_print_roff(out, info->help);
        fputc('\n', out);
        if (info->env != NULL) {
            fprintf(out, "In the environment:\n.BR FANFARE_%s_\\fIKEY\\fR .\n", info->env);
        }
        for (size_t i = 0; i < config_keys_count; i++) {
            if (config_keys[i].section == section) {
                config_print_man_key(out, &config_keys[i]);
            }
        }
    }
    fputs(".SH \"SEE ALSO\"\n.BR fanfared (8),\n.BR fanfared\\-ctl (1)\n", out);
}
