/* What other nodes say, and what is told of it: to clients of this node, and once for the cluster.
 */
#include "rig.h"
#include "base/buf.h"
#include "pubsub/broadcast.h"
#include "pubsub/cluster.h"
#include "pubsub/elsewhere.h"
#include "pubsub/gathered.h"
#include "pubsub/inorder.h"
#include "pubsub/query.h"
#include "pubsub/room.h"
#include "pubsub/share.h"
#include "serve/session.h"

#define HER  7u /* sources: two other nodes */
#define HIM  8u
#define ROOM SLICE("presence-room")

/* What the hub has said to the others, a line each, and what was announced. */
struct witness {
    struct rig *rig;
    char said[4096], told[4096];
};

static void witness_add(char *log, const char *what, struct slice channel, struct slice user,
                        uint64_t n)
{
    size_t len = strlen(log);
    snprintf(log + len, 4096 - len, "%s %.*s %.*s %llu\n", what, (int)channel.len, channel.p,
             (int)user.len, user.len > 0 ? user.p : "", (unsigned long long)n);
}

static void witness_deliver(void *arg, const struct broadcast *broadcast)
{
    struct witness *witness = arg;
    witness_add(witness->said, broadcast->kind == BROADCAST_CLIENT ? "client" : "deliver",
                broadcast->channel, SLICE(""), broadcast->except.random != 0);
}

static void witness_joined(void *arg, uint32_t app, struct slice channel,
                           const struct pusher_member *member)
{
    witness_add(((struct witness *)arg)->said, "joined", channel, member->user_id, app);
}

static void witness_left(void *arg, uint32_t app, struct slice channel, struct slice user_id)
{
    witness_add(((struct witness *)arg)->said, "left", channel, user_id, app);
}

static void witness_counted(void *arg, uint32_t app, struct slice channel, uint32_t n)
{
    (void)app;
    witness_add(((struct witness *)arg)->said, "count", channel, SLICE(""), n);
}

static void witness_turn(void *arg)
{
    (void)arg;
}

static const struct cluster_ops witness_ops = {
    .deliver = witness_deliver,
    .joined = witness_joined,
    .left = witness_left,
    .counted = witness_counted,
    .turn = witness_turn,
};

static void witness_announced(void *arg, const struct announcement *what)
{
    static const char *const names[ANNOUNCE_KINDS] = {
        [ANNOUNCE_OCCUPIED] = "occupied",
        [ANNOUNCE_VACATED] = "vacated",
        [ANNOUNCE_MEMBER_ADDED] = "added",
        [ANNOUNCE_MEMBER_REMOVED] = "removed",
        [ANNOUNCE_CLIENT_EVENT] = "client event",
        [ANNOUNCE_CACHE_MISS] = "miss",
        [ANNOUNCE_COUNT] = "count",
    };
    struct witness *witness = arg;
    char name[32];
    snprintf(name, sizeof(name), "%s%s", what->theirs ? "theirs " : "", names[what->kind]);
    witness_add(witness->told, name, what->channel, what->user_id, what->count);
}

static struct witness *witness_new(unsigned int wants)
{
    struct witness *witness = mem_zalloc(sizeof(*witness));
    witness->rig = rig_new(NULL);
    struct hub *hub = &witness->rig->hub;
    uint32_t consumer = announce_register(&hub->announcer, witness_announced, witness, false);
    announce_want(&hub->announcer, consumer, 0, wants);
    hub->cluster_ops = &witness_ops;
    hub->cluster = witness;
    inorder_begin(hub);
    return witness;
}

static void witness_free(struct witness *witness)
{
    struct hub *hub = &witness->rig->hub;
    hub->cluster_ops = NULL;
    inorder_end(hub);
    rig_free(witness->rig);
    mem_free(witness);
}

static void said(struct witness *witness, const char *lines)
{
    assert_string_equal(witness->said, lines);
    witness->said[0] = '\0';
}

static void told(struct witness *witness, const char *lines)
{
    assert_string_equal(witness->told, lines);
    witness->told[0] = '\0';
}

#define MEMBERS (ANNOUNCE_BIT(ANNOUNCE_MEMBER_ADDED) | ANNOUNCE_BIT(ANNOUNCE_MEMBER_REMOVED))
#define CHANNEL (ANNOUNCE_BIT(ANNOUNCE_OCCUPIED) | ANNOUNCE_BIT(ANNOUNCE_VACATED))

static void joins_elsewhere(struct witness *witness, uint32_t source, uint32_t stamp,
                            const char *user)
{
    struct pusher_member member = {.user_id = {user, strlen(user)},
                                   .id_json = {user, strlen(user)},
                                   .info_json = SLICE("{\"from\":\"afar\"}")};
    elsewhere_joined(&witness->rig->hub, source, stamp, 0, ROOM, &member);
}

static size_t members(const struct witness *witness)
{
    struct dirent *entry = hub_find(&witness->rig->hub, 0, strmap_hash(ROOM.p, ROOM.len), ROOM);
    return entry != NULL && room_members(entry) != NULL ? presence_count(room_members(entry)) : 0;
}

/* ---- messages ---- */

static void what_is_published_goes_to_all_and_what_comes_stays_here(void **state)
{
    (void)state;
    struct witness *witness = witness_new(0);
    struct rig *rig = witness->rig;
    const struct socket_ref nobody = {0};
    struct rig_client *client = client_new(rig, 0);
    client_subscribe(rig, client, "c", NULL);
    assert_int_equal(rig_publish(rig, "c", "1", NULL), 1);
    assert_int_equal(rig_publish(rig, "nobody-is-here", "1", NULL), 0);
    said(witness, "deliver c  0\ndeliver nobody-is-here  0\n");
    rig_settle(rig);
    client_expect_part(client, "\"data\":\"1\"");
    struct slice text = SLICE("{\"event\":\"E\",\"data\":\"2\",\"channel\":\"c\"}");
    elsewhere_deliver(&rig->hub, 0, SLICE("c"), text, &nobody, false, NULL);
    rig_settle(rig);
    client_expect(client, text.p);
    said(witness, "");
    /* By the socket id of one who is here: left out, as its publisher wants it. */
    struct socket_ref except;
    assert_true(
        socket_id_read((struct slice){client->socket_id, strlen(client->socket_id)}, &except));
    elsewhere_deliver(&rig->hub, 0, SLICE("c"), text, &except, true, NULL);
    rig_settle(rig);
    client_expect_nothing(client);
    client_free(client);
    witness_free(witness);
}

static void the_last_event_in_the_log_is_kept(void **state)
{
    (void)state;
    struct witness *witness = witness_new(0);
    struct rig *rig = witness->rig;
    const struct socket_ref nobody = {0};
    struct slice name = SLICE("cache-c"), data;
    uint64_t ttl;
    const struct app *app = &rig->hub.apps->items[0];
    rig_publish(rig, "cache-c", "\"own\"", NULL);
    elsewhere_deliver(&rig->hub, 0, name,
                      SLICE("{\"event\":\"E\",\"data\":\"theirs\",\"channel\":\"cache-c\"}"),
                      &nobody, false, NULL);
    assert_true(query_cached(&rig->hub, app, name, &data, &ttl));
    assert_true(slice_is(data, "\"theirs\""));
    /* Its own stands behind theirs in the log, so it is the last one everywhere. */
    elsewhere_placed(&rig->hub, 0, name,
                     SLICE("{\"event\":\"E\",\"data\":\"own\",\"channel\":\"cache-c\"}"));
    assert_true(query_cached(&rig->hub, app, name, &data, &ttl));
    assert_true(slice_is(data, "\"own\""));
    /* What a newcomer is told never replaces what it has heard. */
    elsewhere_cached(&rig->hub, 0, name,
                     SLICE("{\"event\":\"E\",\"data\":\"old\",\"channel\":\"cache-c\"}"), 0);
    assert_true(query_cached(&rig->hub, app, name, &data, &ttl));
    assert_true(slice_is(data, "\"own\""));
    elsewhere_cached(&rig->hub, 0, SLICE("cache-d"),
                     SLICE("{\"event\":\"E\",\"data\":\"old\",\"channel\":\"cache-d\"}"), 0);
    assert_true(query_cached(&rig->hub, app, SLICE("cache-d"), &data, &ttl));
    witness_free(witness);
}

/* ---- members ---- */

static void a_user_on_two_nodes_comes_and_goes_once(void **state)
{
    (void)state;
    struct witness *witness = witness_new(0);
    struct rig *rig = witness->rig;
    struct rig_client *one = client_new(rig, 0);
    joins_elsewhere(witness, HER, 1, "9");
    client_subscribe(rig, one, "presence-room", "{\"user_id\":\"1\"}");
    said(witness, "joined presence-room 1 0\n");
    assert_int_equal(members(witness), 2);
    joins_elsewhere(witness, HIM, 1, "9");
    joins_elsewhere(witness, HIM, 1, "1");
    rig_settle(rig);
    client_expect_nothing(one);
    elsewhere_left(&rig->hub, HER, 0, ROOM, SLICE("9"));
    rig_settle(rig);
    client_expect_nothing(one);
    elsewhere_left(&rig->hub, HIM, 0, ROOM, SLICE("9"));
    rig_settle(rig);
    client_expect_part(one, "member_removed");
    /* The user of this node stays with the others, who have them as well. */
    client_free(one);
    rig_settle(rig);
    said(witness, "left presence-room 1 0\n");
    assert_int_equal(members(witness), 1);
    elsewhere_left(&rig->hub, HIM, 0, ROOM, SLICE("1"));
    assert_int_equal(hub_channels(&rig->hub), 0);
    assert_int_equal(rig->hub.rooms.members, 0);
    witness_free(witness);
}

static void what_was_not_said_again_is_swept(void **state)
{
    (void)state;
    struct witness *witness = witness_new(0);
    struct hub *hub = &witness->rig->hub;
    joins_elsewhere(witness, HER, 1, "1");
    joins_elsewhere(witness, HER, 1, "2");
    joins_elsewhere(witness, HIM, 1, "2");
    elsewhere_count(hub, HER, 1, 0, SLICE("c"), 5);
    elsewhere_count(hub, HIM, 1, 0, SLICE("c"), 2);
    joins_elsewhere(witness, HER, 2, "2");
    elsewhere_sweep(hub, HER, 2, false);
    assert_int_equal(members(witness), 1);
    assert_int_equal(dirent_total(hub_find(hub, 0, strmap_hash("c", 1), SLICE("c"))), 2);
    elsewhere_sweep(hub, HER, 0, false);
    assert_int_equal(members(witness), 1);
    elsewhere_sweep(hub, HIM, 0, false);
    assert_int_equal(hub_channels(hub), 0);
    witness_free(witness);
}

/* ---- once for the cluster ---- */

static void an_own_member_is_told_when_the_log_has_it(void **state)
{
    (void)state;
    struct witness *witness = witness_new(MEMBERS);
    struct rig *rig = witness->rig;
    struct rig_client *one = client_new(rig, 0);
    client_subscribe(rig, one, "presence-room", "{\"user_id\":\"1\"}");
    told(witness, "");
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), true, false);
    told(witness, "added presence-room 1 0\n");
    joins_elsewhere(witness, HER, 1, "1");
    told(witness, "");
    client_free(one);
    rig_settle(rig);
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), false, false);
    told(witness, "");
    elsewhere_left(&rig->hub, HER, 0, ROOM, SLICE("1"));
    told(witness, "theirs removed presence-room 1 0\n");
    assert_int_equal(hub_channels(&rig->hub), 0);
    witness_free(witness);
}

static void who_stands_first_in_the_log_tells(void **state)
{
    (void)state;
    struct witness *witness = witness_new(MEMBERS);
    struct rig *rig = witness->rig;
    struct rig_client *one = client_new(rig, 0);
    client_subscribe(rig, one, "presence-room", "{\"user_id\":\"1\"}");
    joins_elsewhere(witness, HER, 1, "1"); /* theirs is in the log before ours is */
    told(witness, "theirs added presence-room 1 0\n");
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), true, false);
    told(witness, "");
    /* Ours has left, but the log does not say so yet when they die: it is for us to tell. */
    client_free(one);
    rig_settle(rig);
    elsewhere_sweep(&rig->hub, HER, 0, true);
    told(witness, "");
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), false, false);
    told(witness, "removed presence-room 1 0\n");
    witness_free(witness);
}

static void a_dead_nodes_members_are_told_by_who_declared_it(void **state)
{
    (void)state;
    struct witness *witness = witness_new(MEMBERS | CHANNEL);
    joins_elsewhere(witness, HER, 1, "1");
    elsewhere_count(&witness->rig->hub, HER, 1, 0, SLICE("c"), 3);
    told(witness, "theirs added presence-room 1 0\ntheirs occupied c  3\n");
    elsewhere_sweep(&witness->rig->hub, HER, 0, true);
    assert_non_null(strstr(witness->told, "removed presence-room 1 0\n"));
    assert_non_null(strstr(witness->told, "vacated c  0\n"));
    assert_null(strstr(witness->told, "theirs"));
    witness_free(witness);
}

static void channels_are_occupied_and_vacated_by_the_whole_cluster(void **state)
{
    (void)state;
    struct witness *witness = witness_new(CHANNEL);
    struct rig *rig = witness->rig;
    struct rig_client *one = client_new(rig, 0);
    client_subscribe(rig, one, "c", NULL);
    said(witness, "count c  1\n");
    inorder_count_back(&rig->hub, 0, SLICE("c"), 1, false);
    told(witness, "occupied c  1\n");
    elsewhere_count(&rig->hub, HER, 1, 0, SLICE("c"), 2);
    client_free(one);
    rig_settle(rig);
    said(witness, "count c  0\n");
    inorder_count_back(&rig->hub, 0, SLICE("c"), 0, false);
    told(witness, "");
    elsewhere_count(&rig->hub, HER, 1, 0, SLICE("c"), 0);
    told(witness, "theirs vacated c  0\n");
    witness_free(witness);
}

static void whoever_was_declared_dead_tells_of_its_return(void **state)
{
    (void)state;
    struct witness *witness = witness_new(MEMBERS);
    struct rig *rig = witness->rig;
    struct rig_client *one = client_new(rig, 0);
    client_subscribe(rig, one, "presence-room", "{\"user_id\":\"1\"}");
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), true, false);
    told(witness, "added presence-room 1 0\n");
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), true, true); /* for a newcomer */
    told(witness, "");
    inorder_void_member(&rig->hub, 0, ROOM, SLICE("1"));
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), true, true);
    told(witness, "added presence-room 1 0\n");
    client_free(one);
    rig_settle(rig);
    /* It can reach the log no more, and is told all the same. */
    inorder_dropped(&rig->hub);
    told(witness, "removed presence-room 1 0\n");
    inorder_member_back(&rig->hub, 0, ROOM, SLICE("1"), false, false);
    told(witness, "");
    witness_free(witness);
}

/* ---- answers ---- */

static void answers_of_others_are_added(void **state)
{
    (void)state;
    struct witness *witness = witness_new(0);
    struct rig *rig = witness->rig;
    struct rig_client *one = client_new(rig, 0);
    const struct app *app = &rig->hub.apps->items[0];
    client_subscribe(rig, one, "both", NULL);
    struct gathered *gathered = gathered_new();
    gathered_add(gathered, SLICE("both"), 2);
    gathered_add(gathered, SLICE("there"), 3);
    gathered_add(gathered, SLICE("there"), 1);
    gathered_add_connections(gathered, 40);
    gathered_end(gathered, true);
    rig->hub.gathered = gathered;
    assert_int_equal(query_channel(&rig->hub, app, SLICE("both")).subscriptions, 3);
    assert_int_equal(query_channel(&rig->hub, app, SLICE("there")).subscriptions, 4);
    assert_false(query_channel(&rig->hub, app, SLICE("nowhere")).occupied);
    assert_int_equal(query_connections(&rig->hub, app), 41);
    struct query_cursor cursor = {0};
    struct channel_info info;
    struct slice name;
    size_t n = 0;
    uint32_t sum = 0;
    while (query_next(&rig->hub, app, (struct slice){NULL, 0}, &cursor, &name, &info)) {
        n++;
        sum += info.subscriptions;
    }
    assert_int_equal(n, 2);
    assert_int_equal(sum, 7);
    rig->hub.gathered = NULL;
    gathered_free(gathered);
    client_free(one);
    witness_free(witness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_goes_to_all_and_what_comes_stays_here),
        cmocka_unit_test(the_last_event_in_the_log_is_kept),
        cmocka_unit_test(a_user_on_two_nodes_comes_and_goes_once),
        cmocka_unit_test(what_was_not_said_again_is_swept),
        cmocka_unit_test(an_own_member_is_told_when_the_log_has_it),
        cmocka_unit_test(who_stands_first_in_the_log_tells),
        cmocka_unit_test(a_dead_nodes_members_are_told_by_who_declared_it),
        cmocka_unit_test(channels_are_occupied_and_vacated_by_the_whole_cluster),
        cmocka_unit_test(whoever_was_declared_dead_tells_of_its_return),
        cmocka_unit_test(answers_of_others_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
