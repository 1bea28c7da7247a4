/* pubsub/presence: a walk in pieces while members come and go meets everybody who is there all the
 * time, once; and it may outlive the presence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pubsub/presence.h"

#define USERS 200

static struct pusher_member member(char *room, size_t size, unsigned int user)
{
    int len = snprintf(room, size, "u%u", user);
    struct slice id = {room, (size_t)len};
    return (struct pusher_member){.user_id = id, .id_json = id};
}

static void join(struct presence *presence, unsigned int user)
{
    char room[16];
    struct pusher_member one = member(room, sizeof(room), user);
    (void)presence_join(presence, &one);
}

static void leave(struct presence *presence, unsigned int user)
{
    char room[16];
    struct pusher_member one = member(room, sizeof(room), user);
    struct slice id;
    (void)presence_leave(presence, one.user_id, &id);
}

static void test_churn(void **state)
{
    (void)state;
    srandom(3);
    for (int round = 0; round < 200; round++) {
        struct presence *presence = presence_new();
        struct presence_pager pager, other;
        struct pusher_member got;
        unsigned int seen[USERS * 2] = {0};
        bool stayed[USERS * 2] = {false};
        for (unsigned int i = 0; i < USERS; i++) {
            join(presence, i);
            stayed[i] = true;
        }
        presence_page_begin(presence, &pager);
        presence_page_begin(presence, &other);
        assert_true(presence_page_next(&other, &got));
        while (presence_page_next(&pager, &got)) {
            seen[strtoul(got.user_id.p + 1, NULL, 10)]++;
            for (int k = 0; k < 3; k++) {
                unsigned int i = (unsigned int)random() % (USERS * 2);
                if (random() % 2 == 0) {
                    leave(presence, i);
                    stayed[i] = false;
                } else if (!presence_has(presence, (struct slice){"", 0}) && i >= USERS &&
                           random() % 8 == 0) {
                    join(presence, i);
                }
            }
        }
        for (unsigned int i = 0; i < USERS; i++) {
            assert_true(!stayed[i] || seen[i] == 1);
            assert_true(seen[i] <= 1);
        }
        presence_page_end(&pager);
        presence_page_end(&pager);
        presence_free(presence);
        assert_false(presence_page_next(&other, &got));
        presence_page_end(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_churn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
