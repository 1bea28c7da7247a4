#include "ctl/ctl_run.h"

#include <stdio.h>

#include "base/mem.h"
#include "ctl/ctl_read.h"
#include "ctl/ctl_table.h"
#include "proto/json.h"

#define CTL_RUN_SECONDS       5u  /* a question */
#define CTL_RUN_SECONDS_ORDER 60u /* a reload reads files, a restart checks them */

void ctl_say(const struct ctl *ctl, const char *text)
{
    if (!ctl->args.quiet) {
        fprintf(stderr, "fanfared ctl: %s\n", text);
    }
}

void ctl_print_json(struct slice body)
{
    ctl_table_json(stdout, body.p, body.len);
    fputc('\n', stdout);
    fflush(stdout);
}

/* What the daemon says is wrong, as far as it can be shown. */
static void ctl_run_say_error(const struct ctl *ctl, const struct ctl_answer *answer)
{
    char *room, text[400];
    struct slice error = {NULL, 0};
    if (json_valid(answer->body.p, answer->body.len)) {
        error = ctl_text(ctl_field(json_trim(answer->body), "error"), &room);
    } else {
        room = NULL;
    }
    if (error.p == NULL) {
        snprintf(text, sizeof(text), "the daemon answered with status %d", answer->status);
        ctl_say(ctl, text);
    } else {
        size_t chars;
        char *shown = ctl_table_shown(error.p, error.len, 0, &chars);
        ctl_say(ctl, shown);
        mem_free(shown);
    }
    mem_free(room);
}

enum ctl_exit ctl_call(const struct ctl *ctl, const char *target, const char *json,
                       struct ctl_answer *out)
{
    char why[600];
    switch (ctl_request(ctl->socket, target, json,
                        json != NULL ? CTL_RUN_SECONDS_ORDER : CTL_RUN_SECONDS, out, why,
                        sizeof(why))) {
    case CTL_ANSWERED:
        break;
    case CTL_UNREACHABLE:
        ctl_say(ctl, why);
        return CTL_EXIT_UNREACHABLE;
    case CTL_FORBIDDEN:
        ctl_say(ctl, why);
        return CTL_EXIT_FORBIDDEN;
    }
    if (out->status == 200 && json_valid(out->body.p, out->body.len)) {
        out->body = json_trim(out->body);
        return CTL_EXIT_DONE;
    }
    enum ctl_exit status =
        out->status == 403 || out->status == 401 ? CTL_EXIT_FORBIDDEN : CTL_EXIT_REFUSED;
    ctl_run_say_error(ctl, out);
    ctl_answer_free(out);
    return status;
}
