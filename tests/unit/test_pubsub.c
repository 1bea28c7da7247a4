/* Hub and workers together: who hears what, in which order, and what is known of whom. */
#include "rig.h"
#include "serve/session.h"

static void a_subscription_is_known_before_it_is_confirmed(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 1);
    client_send(client, client_subscription(client, "news", NULL));
    /* Only the worker has run: the confirmation is out, and the hub has not had a turn since. */
    loop_turn(&rig->loops[1]);
    client_expect(client, "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{}\","
                          "\"channel\":\"news\"}");
    assert_int_equal(rig_publish(rig, "news", "{\"a\":1}", NULL), 1);
    rig_settle(rig);
    client_expect(client, "{\"event\":\"E\",\"data\":\"{\\\"a\\\":1}\",\"channel\":\"news\"}");
    client_free(client);
    rig_settle(rig);
    assert_int_equal(rig_publish(rig, "news", "1", NULL), 0);
    assert_int_equal(hub_channels(&rig->hub), 0);
    rig_free(rig);
}

static void the_excluded_socket_hears_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *one = client_new(rig, 0), *two = client_new(rig, 1);
    client_subscribe(rig, one, "c", NULL);
    client_subscribe(rig, two, "c", NULL);
    assert_int_equal(rig_publish(rig, "c", "1", one->socket_id), 1);
    rig_settle(rig);
    client_expect_nothing(one);
    client_expect_part(two, "\"data\":\"1\"");
    struct rig_client *elsewhere = client_new(rig, 0);
    assert_int_equal(rig_publish(rig, "c", "0", elsewhere->socket_id), 2);
    rig_settle(rig);
    client_expect_part(one, "\"data\":\"0\"");
    client_expect_part(two, "\"data\":\"0\"");
    client_free(elsewhere);
    assert_int_equal(rig_publish(rig, "c", "2", "123.456"), 2);
    rig_settle(rig);
    client_expect_part(one, "\"data\":\"2\"");
    client_expect_part(two, "\"data\":\"2\"");
    client_free(one);
    client_free(two);
    rig_free(rig);
}

static void a_channel_named_twice_is_served_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 0);
    client_subscribe(rig, client, "c", NULL);
    struct ff_slice names[] = {{"c", 1}, {"c", 1}, {"d", 1}};
    struct publish publish = {
        .channels = names, .nchannels = 3, .event = SLICE("E"), .data = SLICE("1")};
    struct receipt receipt;
    assert_int_equal(publish_broadcast(&rig->hub, &rig->apps->items[0], &publish, &receipt), 0);
    assert_int_equal(receipt.recipients, 1);
    rig_settle(rig);
    client_expect_part(client, "\"data\":\"1\"");
    client_expect_nothing(client);
    client_free(client);
    rig_free(rig);
}

static void applications_share_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *other = client_open(rig, 0, "key-b");
    client_expect_part(other, "connection_established");
    client_send(other, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}");
    rig_settle(rig);
    client_expect_part(other, "subscription_succeeded");
    assert_int_equal(rig_publish(rig, "c", "1", NULL), 0);
    rig_settle(rig);
    client_expect_nothing(other);
    client_free(other);
    rig_free(rig);
}

static void order_holds_over_workers(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *clients[2] = {client_new(rig, 0), client_new(rig, 1)};
    char data[16], part[40];
    for (int i = 0; i < 2; i++) {
        client_subscribe(rig, clients[i], "c", NULL);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(data, sizeof(data), "%d", i);
        assert_int_equal(rig_publish(rig, "c", data, NULL), 2);
        if (i % 7 == 0) {
            loop_turn(&rig->loops[i % 2]);
        }
    }
    rig_settle(rig);
    for (int i = 0; i < 300; i++) {
        snprintf(part, sizeof(part), "\"data\":\"%d\"", i);
        client_expect_part(clients[0], part);
        client_expect_part(clients[1], part);
    }
    client_free(clients[0]);
    client_free(clients[1]);
    rig_free(rig);
}

/* ---- presence ---- */

#define ALICE       "{\"user_id\":1,\"user_info\":{\"name\":\"Alice\"}}"
#define ALICE_AGAIN "{\"user_id\":\"1\"}"
#define BOB         "{\"user_id\":\"bob\"}"

static void others_hear_of_a_member_before_the_joiner_is_answered(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1);
    client_send(alice, client_subscription(alice, "presence-r", ALICE));
    rig_settle(rig);
    client_expect(alice,
                  "{\"event\":\"pusher_internal:subscription_succeeded\",\"data\":\"{"
                  "\\\"presence\\\":{\\\"count\\\":1,"
                  "\\\"ids\\\":[1],\\\"hash\\\":{\\\"1\\\":{\\\"name\\\":\\\"Alice\\\"}}}}\","
                  "\"channel\":\"presence-r\"}");
    client_send(bob, client_subscription(bob, "presence-r", BOB));
    rig_settle(rig);
    client_expect(
        alice,
        "{\"event\":\"pusher_internal:member_added\",\"data\":\"{\\\"user_id\\\":\\\"bob\\\"}\","
        "\"channel\":\"presence-r\"}");
    client_expect_part(bob, "\\\"count\\\":2,\\\"ids\\\":[1,\\\"bob\\\"]");
    client_expect_nothing(bob);
    client_free(bob);
    rig_settle(rig);
    client_expect(
        alice,
        "{\"event\":\"pusher_internal:member_removed\",\"data\":\"{\\\"user_id\\\":\\\"bob\\\"}\","
        "\"channel\":\"presence-r\"}");
    client_free(alice);
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    rig_free(rig);
}

static void two_tabs_are_one_member(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *watcher = client_new(rig, 0), *one = client_new(rig, 0),
                      *two = client_new(rig, 1);
    client_subscribe(rig, watcher, "presence-r", BOB);
    client_subscribe(rig, one, "presence-r", ALICE);
    client_expect_part(watcher, "member_added");
    client_subscribe(rig, two, "presence-r", ALICE_AGAIN);
    client_expect_nothing(watcher);
    client_free(one);
    rig_settle(rig);
    client_expect_nothing(watcher);
    client_free(two);
    rig_settle(rig);
    client_expect_part(watcher, "member_removed");
    client_free(watcher);
    rig_free(rig);
}

static void a_second_subscribe_tells_the_members_again_and_changes_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1);
    client_subscribe(rig, bob, "presence-r", BOB);
    client_subscribe(rig, alice, "presence-r", ALICE);
    client_expect_part(bob, "member_added");
    client_send(alice, client_subscription(alice, "presence-r", ALICE));
    rig_settle(rig);
    client_expect_part(alice, "\\\"count\\\":2");
    client_expect_nothing(bob);
    assert_int_equal(rig_publish(rig, "presence-r", "1", NULL), 2);
    client_free(alice);
    rig_settle(rig);
    client_expect_part(bob, "\"data\":\"1\"");
    client_expect_part(bob, "member_removed");
    client_free(bob);
    rig_free(rig);
}

static void leaving_while_the_join_is_under_way_leaves_nothing_behind(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1);
    client_subscribe(rig, bob, "presence-r", BOB);
    client_send(alice, client_subscription(alice, "presence-r", ALICE));
    loop_turn(&rig->loops[0]); /* the join is posted, the hub has not seen it */
    client_send(alice, "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"presence-r\"}}");
    loop_turn(&rig->loops[0]);
    rig_settle(rig);
    client_expect_nothing(alice);
    client_expect_part(bob, "member_added");
    client_expect_part(bob, "member_removed");
    assert_int_equal(rig_publish(rig, "presence-r", "1", NULL), 1);

    client_send(alice, client_subscription(alice, "presence-r", ALICE));
    loop_turn(&rig->loops[0]);
    client_free(alice); /* the same with a closed connection */
    rig_settle(rig);
    client_expect_part(bob, "\"data\":\"1\"");
    client_expect_part(bob, "member_added");
    client_expect_part(bob, "member_removed");
    client_expect_nothing(bob);
    client_free(bob);
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    rig_free(rig);
}

static void one_member(struct rig *rig)
{
    rig->settings[0].max_presence_members = 1;
}

static void a_full_channel_refuses_and_keeps_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new(one_member);
    struct rig_client *alice = client_new(rig, 0), *tab = client_new(rig, 1);
    struct rig_client *bob = client_new(rig, 1);
    client_subscribe(rig, alice, "presence-r", ALICE);
    client_subscribe(rig, tab, "presence-r", ALICE); /* a further tab is no further member */
    client_send(bob, client_subscription(bob, "presence-r", BOB));
    rig_settle(rig);
    client_expect_part(bob, "subscription_error");
    client_expect_nothing(bob);
    client_expect_nothing(alice);
    assert_int_equal(rig_publish(rig, "presence-r", "1", NULL), 2);
    assert_int_equal(counter_get(&rig->counters[1], COUNTER_LIMIT_MEMBERS), 1);
    client_free(alice);
    client_free(tab);
    rig_settle(rig);
    client_expect_nothing(bob);
    assert_int_equal(hub_channels(&rig->hub), 0);
    client_subscribe(rig, bob, "presence-r", BOB);
    client_free(bob);
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    rig_free(rig);
}

/* Who was refused and left before the answer came takes nobody else of his name along. */
static void a_refused_join_whose_connection_has_gone_takes_nobody_out(void **state)
{
    (void)state;
    struct rig *rig = rig_new(one_member);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1);
    struct rig_client *other = client_new(rig, 0), *carol = client_new(rig, 0);
    client_subscribe(rig, alice, "presence-r", ALICE);
    client_send(bob, client_subscription(bob, "presence-r", BOB));
    loop_turn(&rig->loops[1]);
    loop_turn(&rig->hub_loop); /* refused; the worker has not been told */
    client_free(alice);
    loop_turn(&rig->loops[0]);
    loop_turn(&rig->hub_loop);
    client_send(other, client_subscription(other, "presence-r", BOB));
    loop_turn(&rig->loops[0]);
    loop_turn(&rig->hub_loop);
    client_free(bob);
    rig_settle(rig);
    client_expect_part(other, "subscription_succeeded");
    client_send(carol, client_subscription(carol, "presence-r", ALICE));
    rig_settle(rig);
    client_expect_part(carol, "subscription_error");
    assert_int_equal(rig_publish(rig, "presence-r", "1", NULL), 1);
    client_free(other);
    client_free(carol);
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    rig_free(rig);
}

static void what_comes_behind_a_join_waits_for_its_answer(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1);
    uint8_t bytes[8192];
    client_subscribe(rig, bob, "presence-r", BOB);
    /* In one segment: the join, a whisper that needs it, and a subscription to something else. */
    size_t len = client_frame(bytes, client_subscription(alice, "presence-r", ALICE));
    len += client_frame(
        bytes + len, "{\"event\":\"client-hi\",\"channel\":\"presence-r\",\"data\":{\"x\":1.0}}");
    len += client_frame(bytes + len,
                        "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"other\"}}");
    assert_int_equal(send(alice->fd, bytes, len, 0), (ssize_t)len);
    loop_turn(&rig->loops[0]);
    client_expect_nothing(alice);
    rig_settle(rig);
    client_expect_part(alice, "\\\"count\\\":2");
    client_expect_part(alice, "\"channel\":\"other\"");
    client_expect_part(bob, "member_added");
    client_expect(
        bob, "{\"event\":\"client-hi\",\"channel\":\"presence-r\",\"data\":\"{\\\"x\\\":1.0}\","
             "\"user_id\":\"1\"}");
    client_expect_nothing(alice);
    client_free(alice);
    client_free(bob);
    rig_free(rig);
}

static void a_held_fragmented_message_is_read_once_more(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1);
    const char *whisper = "{\"event\":\"client-hi\",\"channel\":\"presence-r\",\"data\":2}";
    uint8_t bytes[8192], part[256];
    client_subscribe(rig, bob, "presence-r", BOB);
    size_t len = client_frame(bytes, client_subscription(alice, "presence-r", ALICE));
    char first[20];
    snprintf(first, sizeof(first), "%.10s", whisper);
    size_t n = client_frame(part, first);
    part[0] = 0x01; /* text, not final */
    memcpy(bytes + len, part, n);
    len += n;
    n = client_frame(part, whisper + 10);
    part[0] = 0x80; /* continuation, final */
    memcpy(bytes + len, part, n);
    len += n;
    assert_int_equal(send(alice->fd, bytes, len, 0), (ssize_t)len);
    loop_turn(&rig->loops[0]);
    rig_settle(rig);
    client_expect_part(bob, "member_added");
    client_expect_part(bob, "client-hi");
    client_expect_nothing(bob);
    client_free(alice);
    client_free(bob);
    rig_free(rig);
}

/* ---- client events ---- */

static void whisper_rate(struct rig *rig)
{
    rig->settings[0].client_event_rate = 3;
}

static void client_events_beyond_the_rate_are_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new(whisper_rate);
    struct rig_client *client = client_new(rig, 0);
    client_subscribe(rig, client, "private-c", NULL);
    for (int i = 0; i < 4; i++) {
        client_send(client, "{\"event\":\"client-x\",\"channel\":\"private-c\",\"data\":1}");
    }
    loop_turn(&rig->loops[0]);
    rig_settle(rig);
    client_expect_part(client, "4301");
    client_expect_nothing(client);
    client_free(client);
    rig_free(rig);
}

/* ---- cache channels ---- */

static void a_cache_channel_keeps_its_last_event_without_subscribers(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 1), *late = client_new(rig, 0);
    client_subscribe(rig, client, "cache-c", NULL);
    client_expect(client,
                  "{\"event\":\"pusher:cache_miss\",\"data\":\"{}\",\"channel\":\"cache-c\"}");
    assert_int_equal(rig_publish(rig, "cache-c", "1", NULL), 1);
    rig_settle(rig);
    client_expect_part(client, "\"data\":\"1\"");
    client_free(client);
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    assert_int_equal(rig_publish(rig, "cache-c", "2", NULL), 0);
    client_subscribe(rig, late, "cache-c", NULL);
    client_expect(late, "{\"event\":\"E\",\"data\":\"2\",\"channel\":\"cache-c\"}");
    client_expect_nothing(late);
    client_free(late);
    rig_free(rig);
}

static void only_published_events_are_cached(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *alice = client_new(rig, 0), *bob = client_new(rig, 1),
                      *carol = client_new(rig, 0);
    client_subscribe(rig, alice, "presence-cache-r", ALICE);
    client_expect_part(alice, "cache_miss");
    client_subscribe(rig, bob, "presence-cache-r", BOB);
    client_expect_part(bob, "cache_miss");
    client_expect_part(alice, "member_added");
    client_send(bob, "{\"event\":\"client-x\",\"channel\":\"presence-cache-r\",\"data\":1}");
    client_free(bob);
    rig_settle(rig);
    client_expect_part(alice, "client-x");
    client_expect_part(alice, "member_removed");
    client_subscribe(rig, carol, "presence-cache-r", BOB);
    client_expect_part(carol, "cache_miss");
    client_free(alice);
    client_free(carol);
    rig_free(rig);
}

/* ---- users ---- */

static void sign_in(struct rig *rig, struct rig_client *client, const char *user_data,
                    const char *escaped)
{
    char text[1024], message[2048], hex[2 * SIGN_LEN + 1];
    uint8_t mac[SIGN_LEN];
    struct slice part = {
        text, (size_t)snprintf(text, sizeof(text), "%s::user::%s", client->socket_id, user_data)};
    sign_hmac(SLICE("secret"), &part, 1, mac);
    for (size_t i = 0; i < SIGN_LEN; i++) {
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    }
    snprintf(message, sizeof(message),
             "{\"event\":\"pusher:signin\",\"data\":{\"auth\":\"key-a:%s\",\"user_data\":\"%s\"}}",
             hex, escaped);
    client_send(client, message);
    rig_settle(rig);
}

static void a_signed_in_user_is_reached_on_all_connections_and_ended(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *one = client_new(rig, 0), *two = client_new(rig, 1),
                      *other = client_new(rig, 1);
    sign_in(rig, one, "{\"id\":\"u 1\"}", "{\\\"id\\\":\\\"u 1\\\"}");
    client_expect(one, "{\"event\":\"pusher:signin_success\",\"data\":\"{\\\"user_data\\\":\\\"{"
                       "\\\\\\\"id\\\\\\\":\\\\\\\"u 1\\\\\\\"}\\\"}\"}");
    sign_in(rig, two, "{\"id\":\"u 1\"}", "{\\\"id\\\":\\\"u 1\\\"}");
    client_expect_part(two, "signin_success");
    sign_in(rig, other, "{\"id\":2}", "{\\\"id\\\":2}");
    client_expect_part(other, "signin_success");
    assert_int_equal(rig_publish(rig, "#server-to-user-u 1", "1", NULL), 2);
    rig_settle(rig);
    client_expect(one, "{\"event\":\"E\",\"data\":\"1\",\"channel\":\"#server-to-user-u 1\"}");
    client_expect_part(two, "\"data\":\"1\"");
    client_expect_nothing(other);
    client_send(
        one, "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"#server-to-user-u 1\"}}");
    client_send(one,
                "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"#server-to-user-2\"}}");
    rig_settle(rig);
    client_expect_part(one, "InvalidChannel");
    assert_int_equal(rig_publish(rig, "#server-to-user-u 1", "2", NULL), 2);
    rig_settle(rig);
    client_expect_part(one, "\"data\":\"2\"");
    client_expect_part(two, "\"data\":\"2\"");
    client_subscribe(rig, other, "presence-r", "{\"user_id\":\"u 1\"}");
    hub_terminate_user(&rig->hub, &rig->apps->items[0], SLICE("u 1"), NULL, NULL);
    rig_settle(rig);
    struct rig_client *clients[] = {one, two, other};
    for (int i = 0; i < 3; i++) {
        client_expect_part(clients[i], "4009");
        client_expect(clients[i], "close:4009");
        client_free(clients[i]);
    }
    rig_settle(rig);
    assert_int_equal(apps_connections(rig->apps), 0);
    rig_free(rig);
}

static void a_wrong_sign_in_ends_the_connection(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 0);
    sign_in(rig, client, "{\"id\":1}", "{\\\"id\\\":2}");
    client_expect_part(client, "4009");
    client_expect(client, "close:4009");
    client_free(client);
    rig_free(rig);
}

static void held(struct rig *rig)
{
    rig->limits.mailbox_high = 200;
    rig->settings[0].client_events = CLIENT_EVENTS_MEMBERS;
}

/* It has asked to be let in and the hub has not answered: it is ended all the same. */
static void a_user_is_ended_who_waits_to_join(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 0);
    client_send(client, client_subscription(client, "presence-r", "{\"user_id\":\"u 1\"}"));
    loop_turn(&rig->loops[0]);
    hub_terminate_user(&rig->hub, &rig->apps->items[0], SLICE("u 1"), NULL, NULL);
    loop_turn(&rig->loops[0]);
    client_expect_part(client, "4009");
    client_expect(client, "close:4009");
    rig_settle(rig);
    assert_int_equal(hub_channels(&rig->hub), 0);
    client_free(client);
    rig_free(rig);
}

/* What was published before the order is handed out first, though the order passes it. */
static void a_termination_takes_nothing_away(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *client = client_new(rig, 0);
    client_subscribe(rig, client, "c", NULL);
    client_subscribe(rig, client, "presence-r", "{\"user_id\":\"u\"}");
    assert_int_equal(rig_publish(rig, "c", "1", NULL), 1);
    assert_int_equal(rig_publish(rig, "c", "2", client->socket_id), 0);
    assert_int_equal(rig_publish(rig, "presence-r", "3", NULL), 1);
    assert_int_equal(rig_publish(rig, "other", "4", NULL), 0);
    hub_terminate_user(&rig->hub, &rig->apps->items[0], SLICE("u"), NULL, NULL);
    loop_turn(&rig->loops[0]);
    client_expect_part(client, "\"data\":\"1\"");
    client_expect_part(client, "\"data\":\"3\"");
    client_expect_part(client, "4009");
    client_expect(client, "close:4009");
    client_free(client);
    rig_free(rig);
}

/* A full mailbox of a worker holds back whoever would fill it further, and only them. */
static void a_full_mailbox_holds_client_events_back(void **state)
{
    (void)state;
    struct rig *rig = rig_new(held);
    struct rig_client *one = client_new(rig, 0), *two = client_new(rig, 1);
    client_subscribe(rig, one, "private-r", NULL);
    client_subscribe(rig, two, "private-r", NULL);
    assert_int_equal(rig_publish(rig, "private-r", "\"as large as the limit allows\"", NULL), 2);
    assert_false(hub_open(&rig->hub));
    client_send(one, "{\"event\":\"client-e\",\"channel\":\"private-r\",\"data\":{}}");
    client_send(one, "{\"event\":\"pusher:ping\",\"data\":{}}");
    client_send(two, "{\"event\":\"pusher:ping\",\"data\":{}}");
    loop_turn(&rig->loops[0]); /* its own mail is handled, worker 1's is not */
    client_expect_part(one, "as large as");
    client_expect_nothing(one);
    rig_settle(rig);
    client_expect_part(one, "pusher:pong");
    client_expect_part(two, "pusher:pong");
    client_expect_part(two, "as large as");
    client_expect_part(two, "client-e");
    assert_true(counter_get(&rig->counters[0], COUNTER_HELD_CLIENT) > 0);
    assert_true(hub_open(&rig->hub));
    client_free(one);
    client_free(two);
    rig_free(rig);
}

static void one_socket_can_be_ended(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *one = client_new(rig, 0), *two = client_new(rig, 0);
    struct socket_ref ref;
    assert_true(socket_id_read((struct slice){one->socket_id, strlen(one->socket_id)}, &ref));
    hub_terminate_socket(&rig->hub, &rig->apps->items[1], &ref, NULL,
                         NULL); /* another application's */
    rig_settle(rig);
    client_expect_nothing(one);
    hub_terminate_socket(&rig->hub, &rig->apps->items[0], &ref, NULL, NULL);
    rig_settle(rig);
    client_expect_part(one, "4009");
    client_expect(one, "close:4009");
    client_expect_nothing(two);
    client_free(one);
    client_free(two);
    rig_free(rig);
}

static void counts(struct rig *rig)
{
    rig->settings[0].subscription_count = true;
}

static void subscription_counts_are_told_where_wanted(void **state)
{
    (void)state;
    struct rig *rig = rig_new(counts);
    struct rig_client *one = client_new(rig, 0), *two = client_new(rig, 1);
    client_subscribe(rig, one, "c", NULL);
    client_expect(one, "{\"event\":\"pusher_internal:subscription_count\",\"data\":\"{"
                       "\\\"subscription_count\\\":1}\",\"channel\":\"c\"}");
    /* Within a second there is no other, however often it changes; behind it the latest. */
    client_subscribe(rig, two, "c", NULL);
    for (int i = 0; i < 3; i++) {
        client_send(two, "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"c\"}}");
        rig_settle(rig);
        client_subscribe(rig, two, "c", NULL);
    }
    client_expect_nothing(one);
    rig->hub_loop.now += 1000;
    rig_settle(rig);
    client_expect_part(one, "subscription_count\\\":2");
    client_expect_nothing(one);
    client_expect_part(two, "subscription_count\\\":2");
    client_free(two);
    rig_settle(rig);
    client_expect_nothing(one);
    rig->hub_loop.now += 1000;
    rig_settle(rig);
    client_expect_part(one, "subscription_count\\\":1");
    /* The first change after a quiet second is told at once. */
    rig->hub_loop.now += 2500;
    rig_settle(rig);
    two = client_new(rig, 0);
    client_subscribe(rig, two, "c", NULL);
    client_expect_part(one, "subscription_count\\\":2");
    client_free(two);
    rig_settle(rig);
    client_subscribe(rig, one, "presence-r", ALICE);
    client_expect_nothing(one);
    /* A cache channel has its count as well. */
    client_subscribe(rig, one, "cache-c", NULL);
    client_expect_part(one, "cache_miss");
    client_expect_part(one, "subscription_count\\\":1");
    client_free(one);
    rig_free(rig);
}

/* ---- many ---- */

static void a_thousand_come_and_go(void **state)
{
    (void)state;
    struct rig *rig = rig_new(NULL);
    struct rig_client *clients[200];
    char channel[32];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            clients[i] = client_new(rig, i % 2);
            client_subscribe(rig, clients[i], "all", NULL);
            for (int j = 0; j < 3; j++) {
                snprintf(channel, sizeof(channel), "c-%d", (i * 7 + j) % 50);
                client_subscribe(rig, clients[i], channel, NULL);
            }
        }
        assert_int_equal(rig_publish(rig, "all", "1", NULL), 200);
        rig_settle(rig);
        for (int i = 0; i < 200; i += 3) {
            client_send(clients[i],
                        "{\"event\":\"pusher:unsubscribe\",\"data\":{\"channel\":\"all\"}}");
        }
        rig_settle(rig);
        assert_int_equal(rig_publish(rig, "all", "2", NULL), 133);
        rig_settle(rig);
        for (int i = 0; i < 200; i++) {
            client_expect_part(clients[i], "\"data\":\"1\"");
            if (i % 3 != 0) {
                client_expect_part(clients[i], "\"data\":\"2\"");
            }
            client_expect_nothing(clients[i]);
            client_free(clients[i]);
        }
        rig_settle(rig);
        assert_int_equal(hub_channels(&rig->hub), 0);
        assert_int_equal(rig->loops[0].connections + rig->loops[1].connections, 0);
        assert_int_equal(apps_connections(rig->apps), 0);
        assert_int_equal(rig->hub.subscribed.count, 0);
        assert_int_equal(rig->loops[0].queued_bytes, 0);
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscription_is_known_before_it_is_confirmed),
        cmocka_unit_test(the_excluded_socket_hears_nothing),
        cmocka_unit_test(a_channel_named_twice_is_served_once),
        cmocka_unit_test(applications_share_nothing),
        cmocka_unit_test(order_holds_over_workers),
        cmocka_unit_test(others_hear_of_a_member_before_the_joiner_is_answered),
        cmocka_unit_test(two_tabs_are_one_member),
        cmocka_unit_test(a_second_subscribe_tells_the_members_again_and_changes_nothing),
        cmocka_unit_test(leaving_while_the_join_is_under_way_leaves_nothing_behind),
        cmocka_unit_test(a_full_channel_refuses_and_keeps_nothing),
        cmocka_unit_test(a_refused_join_whose_connection_has_gone_takes_nobody_out),
        cmocka_unit_test(what_comes_behind_a_join_waits_for_its_answer),
        cmocka_unit_test(a_held_fragmented_message_is_read_once_more),
        cmocka_unit_test(client_events_beyond_the_rate_are_refused),
        cmocka_unit_test(a_cache_channel_keeps_its_last_event_without_subscribers),
        cmocka_unit_test(only_published_events_are_cached),
        cmocka_unit_test(a_signed_in_user_is_reached_on_all_connections_and_ended),
        cmocka_unit_test(a_wrong_sign_in_ends_the_connection),
        cmocka_unit_test(a_user_is_ended_who_waits_to_join),
        cmocka_unit_test(a_termination_takes_nothing_away),
        cmocka_unit_test(a_full_mailbox_holds_client_events_back),
        cmocka_unit_test(one_socket_can_be_ended),
        cmocka_unit_test(subscription_counts_are_told_where_wanted),
        cmocka_unit_test(a_thousand_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
