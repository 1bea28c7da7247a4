#include "ctl/ctl_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "ctl/ctl_read.h"
#include "ctl/ctl_table.h"
#include "proto/json.h"

#define CTL_PAGE        1000u
#define CTL_LIST_TARGET 4096u

struct ctl_item {
    char *json;
    size_t len;
    char *app; /* of the list's */
    uint64_t weight, order;
};

struct ctl_items {
    struct ctl *ctl;
    const char *key;    /* the member of an answer that has them */
    const char *weight; /* the member that they are sorted by, most first; NULL: as they come */
    struct ctl_item *items;
    size_t n, room;
    uint64_t seen;
    bool more, partial;
    char **apps;
    size_t napps;
};

/* ---- keeping those that are wanted ---- */

static int ctl_list_by_text(const void *left, const void *right)
{
    const struct ctl_item *a = left, *b = right;
    size_t least = a->len < b->len ? a->len : b->len;
    int order = strcmp(a->app, b->app);
    if (order == 0) {
        order = memcmp(a->json, b->json, least);
    }
    if (order != 0) {
        return order;
    }
    return a->len < b->len ? -1 : a->len > b->len;
}

static int ctl_list_by_weight(const void *left, const void *right)
{
    const struct ctl_item *a = left, *b = right;
    if (a->weight != b->weight) {
        return a->weight < b->weight ? 1 : -1;
    }
    return ctl_list_by_text(left, right);
}

/* The name is the first member: two items are of the same thing when they agree up to its end. */
static bool ctl_list_same(const struct ctl_item *a, const struct ctl_item *b)
{
    struct slice first = {a->json, a->len}, second = {b->json, b->len}, key, name, other;
    size_t at = 0, there = 0;
    return a->app == b->app && json_next(first, &at, &key, &name) &&
           json_next(second, &there, &key, &other) && slice_equal(name, other);
}

/* Sorted, each once, and no more than are wanted. */
static void ctl_list_prune(struct ctl_items *list)
{
    size_t n = 0;
    if (list->weight == NULL || list->n == 0) {
        return;
    }
    qsort(list->items, list->n, sizeof(*list->items), ctl_list_by_text);
    for (size_t i = 0; i < list->n; i++) {
        if (n > 0 && ctl_list_same(&list->items[n - 1], &list->items[i])) {
            mem_free(list->items[i].json);
            list->seen--;
        } else {
            list->items[n++] = list->items[i];
        }
    }
    list->n = n;
    qsort(list->items, list->n, sizeof(*list->items), ctl_list_by_weight);
    uint64_t limit = list->ctl->args.limit;
    while (limit != 0 && list->n > limit) {
        mem_free(list->items[--list->n].json);
        list->more = true;
    }
}

static void ctl_list_add(struct ctl_items *list, char *app, struct slice item)
{
    uint64_t limit = list->ctl->args.limit;
    if (list->n == list->room) {
        list->room = list->room == 0 ? 256 : list->room * 2;
        list->items = mem_realloc(list->items, list->room * sizeof(*list->items));
    }
    list->items[list->n] =
        (struct ctl_item){.json = mem_strndup(item.p, item.len),
                          .len = item.len,
                          .app = app,
                          .weight = list->weight != NULL ? ctl_number(item, list->weight) : 0,
                          .order = list->seen++};
    list->n++;
    if (limit != 0 && list->weight != NULL && list->n >= 2 * limit + CTL_PAGE) {
        ctl_list_prune(list);
    }
}

/* ---- fetching ---- */

static int ctl_list_target(const struct ctl_items *list, const char *path, const char *app,
                           const char *after, struct buf *out)
{
    const struct ctl_args *args = &list->ctl->args;
    uint64_t left = args->limit - list->n;
    bool all = args->limit == 0 || list->weight != NULL || left > CTL_PAGE;
    buf_clear(out);
    int failed = buf_printf(out, "/api/%s?limit=%u&app=", path, all ? CTL_PAGE : (unsigned)left) |
                 ctl_escape(out, app);
    if (args->prefix != NULL) {
        failed |= buf_text(out, "&prefix=") | ctl_escape(out, args->prefix);
    }
    if (args->nwords > 0) {
        failed |= buf_text(out, "&name=") | ctl_escape(out, args->words[0]);
    }
    if (after != NULL) {
        failed |= buf_text(out, "&after=") | ctl_escape(out, after);
    }
    return failed | buf_append(out, "", 1);
}

/* One page. Sets *after to where the next begins, or to NULL. */
static int ctl_list_page(struct ctl_items *list, const char *path, char *app, char **after)
{
    struct ctl_answer answer;
    struct buf target;
    struct slice item, next;
    size_t cursor = 0;
    char *room;
    buf_init(&target, CTL_LIST_TARGET);
    int failed = ctl_list_target(list, path, app, *after, &target);
    mem_free(*after);
    *after = NULL;
    if (failed != 0) {
        buf_free(&target);
        ctl_say(list->ctl, "the names are too long");
        return CTL_EXIT_REFUSED;
    }
    int status = (int)ctl_call(list->ctl, (const char *)target.data, NULL, &answer);
    buf_free(&target);
    if (status != CTL_EXIT_DONE) {
        return status;
    }
    struct slice items = ctl_field(answer.body, list->key);
    list->partial = list->partial || ctl_true(answer.body, "partial");
    while (items.p != NULL && json_type(items) == JSON_ARRAY &&
           json_element(items, &cursor, &item)) {
        ctl_list_add(list, app, item);
    }
    next = ctl_text(ctl_field(answer.body, "next"), &room);
    if (next.p != NULL) {
        *after = mem_strndup(next.p, next.len);
    }
    mem_free(room);
    ctl_answer_free(&answer);
    return CTL_EXIT_DONE;
}

static int ctl_list_app(struct ctl_items *list, const char *path, char *app)
{
    uint64_t limit = list->ctl->args.limit;
    char *after = NULL;
    int status;
    do {
        status = ctl_list_page(list, path, app, &after);
        if (after != NULL && limit != 0 && list->weight == NULL && list->n >= limit) {
            list->more = true;
            mem_free(after);
            break;
        }
    } while (status == CTL_EXIT_DONE && after != NULL);
    return status;
}

/* The one that is named, or all that there are. */
static int ctl_list_apps(struct ctl_items *list)
{
    struct ctl_answer answer;
    struct slice app;
    size_t cursor = 0;
    char *room;
    if (list->ctl->args.app != NULL) {
        list->apps = mem_alloc(sizeof(*list->apps));
        list->apps[list->napps++] = mem_strndup(list->ctl->args.app, strlen(list->ctl->args.app));
        return CTL_EXIT_DONE;
    }
    int status = (int)ctl_call(list->ctl, "/api/apps", NULL, &answer);
    if (status != CTL_EXIT_DONE) {
        return status;
    }
    struct slice apps = ctl_field(answer.body, "apps");
    while (apps.p != NULL && json_type(apps) == JSON_ARRAY && json_element(apps, &cursor, &app)) {
        struct slice id = ctl_text(ctl_field(app, "id"), &room);
        struct slice state = ctl_field(app, "state");
        if (id.p != NULL && !slice_is(state, "\"removed\"")) {
            list->apps = mem_realloc(list->apps, (list->napps + 1) * sizeof(*list->apps));
            list->apps[list->napps++] = mem_strndup(id.p, id.len);
        }
        mem_free(room);
    }
    ctl_answer_free(&answer);
    return CTL_EXIT_DONE;
}

/* ---- showing ---- */

/* A string as its text, anything else as it is, null as a dash. */
static void ctl_list_cell(struct ctl_table *table, struct slice value)
{
    char *room;
    struct slice text = ctl_text(value, &room);
    if (text.p == NULL) {
        text = value;
    }
    if (text.p == NULL || text.len == 0 || slice_is(value, "null")) {
        text = SLICE("-");
    }
    ctl_table_text(table, text.p, text.len);
    mem_free(room);
}

static void ctl_list_row(const struct ctl_items *list, struct ctl_table *table,
                         const struct ctl_item *item)
{
    struct slice json = {item->json, item->len};
    const struct ctl_args *args = &list->ctl->args;
    if (list->napps > 1) {
        ctl_table_text(table, item->app, strlen(item->app));
    }
    if (args->command == CTL_CHANNELS) {
        ctl_list_cell(table, ctl_field(json, "name"));
        ctl_list_cell(table, ctl_field(json, "type"));
        ctl_list_cell(table, ctl_field(json, "subscriptions"));
        ctl_list_cell(table, ctl_field(json, "users"));
    } else if (args->command == CTL_CONNECTIONS) {
        uint64_t now = (uint64_t)time(NULL), opened = ctl_number(json, "opened");
        char since[24];
        ctl_table_span(now > opened ? now - opened : 0, since);
        ctl_list_cell(table, ctl_field(json, "id"));
        ctl_list_cell(table, ctl_field(json, "user"));
        ctl_list_cell(table, ctl_field(json, "address"));
        ctl_table_text(table, since, strlen(since));
        ctl_list_cell(table, ctl_field(json, "subscriptions"));
    } else {
        ctl_list_cell(table, ctl_field(json, "id"));
        ctl_list_cell(table, ctl_field(json, args->nwords > 0 ? "info" : "connections"));
    }
}

static void ctl_list_table(const struct ctl_items *list)
{
    static const char *const channels[] = {"APP",          "CHANNEL", "TYPE",
                                           ">SUBSCRIBERS", ">USERS",  NULL};
    static const char *const connections[] = {"APP",    "SOCKET ID", "USER", "ADDRESS",
                                              ">SINCE", ">CHANNELS", NULL};
    static const char *const users[] = {"APP", "USER", ">CONNECTIONS", NULL};
    static const char *const members[] = {"APP", "USER", "INFO", NULL};
    const struct ctl_args *args = &list->ctl->args;
    const char *const *names = args->nwords > 0 ? members : users;
    struct ctl_table table;
    if (args->command == CTL_CHANNELS) {
        names = channels;
    } else if (args->command == CTL_CONNECTIONS) {
        names = connections;
    }
    ctl_table_init(&table, names + (list->napps > 1 ? 0 : 1));
    for (size_t i = 0; i < list->n; i++) {
        ctl_list_row(list, &table, &list->items[i]);
    }
    ctl_table_print(&table, stdout, 0, 0);
    ctl_table_free(&table);
}

/* One array, each item with its application. */
static void ctl_list_json(const struct ctl_items *list)
{
    fputc('[', stdout);
    for (size_t i = 0; i < list->n; i++) {
        const struct ctl_item *item = &list->items[i];
        printf("%s{\"app\":\"%s\",", i > 0 ? "," : "", item->app);
        ctl_table_json(stdout, item->json + 1, item->len - 1);
    }
    fputs("]\n", stdout);
}

static void ctl_list_free(struct ctl_items *list)
{
    for (size_t i = 0; i < list->n; i++) {
        mem_free(list->items[i].json);
    }
    for (size_t i = 0; i < list->napps; i++) {
        mem_free(list->apps[i]);
    }
    mem_free(list->items);
    mem_free(list->apps);
}

int ctl_list(struct ctl *ctl)
{
    struct ctl_items list = {.ctl = ctl};
    const char *path = "users";
    char text[160];
    if (ctl->args.command == CTL_CHANNELS) {
        path = list.key = "channels";
        list.weight = "subscriptions";
    } else if (ctl->args.command == CTL_CONNECTIONS) {
        path = list.key = "connections";
    } else if (ctl->args.nwords > 0) {
        list.key = "members";
    } else {
        list.key = "users";
        list.weight = "connections";
    }
    int status = ctl_list_apps(&list);
    for (size_t i = 0; i < list.napps && status == CTL_EXIT_DONE; i++) {
        if (list.weight == NULL && ctl->args.limit != 0 && list.n >= ctl->args.limit) {
            list.more = true;
            break;
        }
        status = ctl_list_app(&list, path, list.apps[i]);
    }
    if (status == CTL_EXIT_DONE) {
        ctl_list_prune(&list);
        if (ctl->args.json) {
            ctl_list_json(&list);
        } else {
            ctl_list_table(&list);
        }
        fflush(stdout);
        if (list.more) {
            snprintf(text, sizeof(text), "there are more than these %zu: --limit 0 lists all",
                     list.n);
            ctl_say(ctl, text);
        }
        if (list.partial && !ctl->args.json) {
            ctl_say(ctl, "this is what this node knows; other nodes have their own");
        }
    }
    ctl_list_free(&list);
    return status;
}
