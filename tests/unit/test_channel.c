/* shared/channel: names of channels and events, socket ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shared/channel.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_types(void **state)
{
    (void)state;
    assert_int_equal(ff_channel_type(TEXT("")), FF_CHANNEL_PUBLIC);
    assert_int_equal(ff_channel_type(TEXT("orders")), FF_CHANNEL_PUBLIC);
    assert_int_equal(ff_channel_type(TEXT("private")), FF_CHANNEL_PUBLIC);
    assert_int_equal(ff_channel_type(TEXT("privates-1")), FF_CHANNEL_PUBLIC);
    assert_int_equal(ff_channel_type(TEXT("Private-1")), FF_CHANNEL_PUBLIC);
    assert_int_equal(ff_channel_type(TEXT("presence")), FF_CHANNEL_PUBLIC);
    assert_int_equal(ff_channel_type(TEXT("private-")), FF_CHANNEL_PRIVATE);
    assert_int_equal(ff_channel_type(TEXT("private-orders.1")), FF_CHANNEL_PRIVATE);
    assert_int_equal(ff_channel_type(TEXT("private-encrypted")), FF_CHANNEL_PRIVATE);
    assert_int_equal(ff_channel_type(TEXT("private-encrypted-x")),
                     FF_CHANNEL_PRIVATE | FF_CHANNEL_ENCRYPTED);
    assert_int_equal(ff_channel_type(TEXT("presence-room")),
                     FF_CHANNEL_PRIVATE | FF_CHANNEL_PRESENCE);
    assert_int_equal(ff_channel_type(TEXT("#server-to-user-7")), FF_CHANNEL_USER);
    assert_int_equal(ff_channel_type(TEXT("#server-to-user")), FF_CHANNEL_PUBLIC);
    /* the bytes behind len do not count */
    assert_int_equal(ff_channel_type("private-x", 7), FF_CHANNEL_PUBLIC);
}

static void test_every_byte_of_a_name(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char name[3] = {'a', (char)byte, 'z'};
        bool valid = byte != 0 && strchr("-_=@,.;0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                         byte) != NULL;
        if (ff_channel_name_valid(name, 3, 0) != valid) {
            fail_msg("byte %d", byte);
        }
    }
}

static void test_name_lengths(void **state)
{
    char name[400];
    (void)state;
    memset(name, 'n', sizeof(name));
    assert_false(ff_channel_name_valid(name, 0, 200));
    assert_false(ff_channel_name_valid(name, 0, 0));
    assert_true(ff_channel_name_valid(name, 1, 200));
    assert_true(ff_channel_name_valid(name, 200, 200));
    assert_false(ff_channel_name_valid(name, 201, 200));
    assert_true(ff_channel_name_valid(name, 400, 0));
}

static void test_publishable(void **state)
{
    char user[256];
    size_t prefix = sizeof(FF_USER_CHANNEL_PREFIX) - 1;
    (void)state;

    assert_true(ff_channel_publishable(TEXT("presence-a"), 200));
    assert_false(ff_channel_publishable(TEXT("#a"), 200));
    assert_false(ff_channel_publishable(TEXT("#server-to-user-"), 200));
    assert_true(ff_channel_publishable(TEXT("#server-to-user-1"), 200));
    assert_true(ff_channel_publishable(TEXT("#server-to-user-J\xC3\xBCrgen 7!"), 200));
    assert_false(ff_channel_publishable(TEXT("#server-to-user-\xC3"), 200));
    memcpy(user, FF_USER_CHANNEL_PREFIX, prefix);
    memset(user + prefix, 'u', sizeof(user) - prefix);
    assert_true(ff_channel_publishable(user, prefix + FF_MAX_USER_ID, 20));
    assert_false(ff_channel_publishable(user, prefix + FF_MAX_USER_ID + 1, 0));
}

static void test_event_names(void **state)
{
    (void)state;
    assert_true(ff_event_name_valid(TEXT("App\\Events\\Shipped"), 200));
    assert_true(ff_event_name_valid(TEXT("gr\xC3\xBC\xC3\x9F"), 6));
    assert_false(ff_event_name_valid(TEXT("gr\xC3\xBC\xC3\x9F"), 5));
    assert_false(ff_event_name_valid(TEXT(""), 200));
    assert_false(ff_event_name_valid(TEXT("\xFF"), 200));

    assert_true(ff_event_name_reserved(TEXT("pusher:")));
    assert_true(ff_event_name_reserved(TEXT("pusher:ping")));
    assert_true(ff_event_name_reserved(TEXT("pusher_internal:x")));
    assert_false(ff_event_name_reserved(TEXT("pusher")));
    assert_false(ff_event_name_reserved(TEXT("pusher_internal")));
    assert_false(ff_event_name_reserved(TEXT("Pusher:x")));
    assert_false(ff_event_name_reserved(TEXT("client-x")));
    assert_false(ff_event_name_reserved(TEXT("")));
}

static void test_socket_ids(void **state)
{
    char id[80];
    (void)state;
    assert_true(ff_socket_id_valid(TEXT("1.2")));
    assert_true(ff_socket_id_valid(TEXT("123456.7890")));
    assert_false(ff_socket_id_valid(TEXT("")));
    assert_false(ff_socket_id_valid(TEXT("1")));
    assert_false(ff_socket_id_valid(TEXT("123")));
    assert_false(ff_socket_id_valid(TEXT("1.")));
    assert_false(ff_socket_id_valid(TEXT("12.")));
    assert_false(ff_socket_id_valid(TEXT(".12")));
    assert_false(ff_socket_id_valid(TEXT("1.2.3")));
    assert_false(ff_socket_id_valid(TEXT("1..2")));
    assert_false(ff_socket_id_valid(TEXT("1.2a")));
    assert_false(ff_socket_id_valid(TEXT("1.2\n")));
    assert_false(ff_socket_id_valid(TEXT("-1.2")));
    assert_false(ff_socket_id_valid(TEXT("undefined")));
    memset(id, '1', sizeof(id));
    id[3] = '.';
    assert_true(ff_socket_id_valid(id, 64));
    assert_false(ff_socket_id_valid(id, 65));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_every_byte_of_a_name),
        cmocka_unit_test(test_name_lengths), cmocka_unit_test(test_publishable),
        cmocka_unit_test(test_event_names),  cmocka_unit_test(test_socket_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
