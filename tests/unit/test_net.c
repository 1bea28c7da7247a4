/* Loops, connections and mailboxes: what is queued leaves in order and whole, ends are orderly, the
 * slow cost nobody else anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "net/descriptors.h"
#include "net/input.h"
#include "net/loop.h"
#include "net/slots.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pthread.h>

/* A protocol that keeps what it is given and does what the test says. */
static struct {
    char got[256];
    size_t len, keep;      /* keep: bytes at the end of each input that are not used */
    size_t message;        /* only whole messages of so many bytes are used, and counted */
    size_t messages, most; /* most: in one input */
    int left, expired;
    bool wait, finish;
} seen;

/* Each message is full of its own number. */
static size_t count_input(const uint8_t *bytes, size_t len)
{
    size_t n = len / seen.message;
    for (size_t i = 0; i < n * seen.message; i++) {
        assert_int_equal(bytes[i], (seen.messages + i / seen.message) % 251);
    }
    seen.messages += n;
    seen.most = n > seen.most ? n : seen.most;
    return n * seen.message;
}

static size_t echo_input(struct conn *conn, uint8_t *bytes, size_t len)
{
    if (seen.message > 0) {
        return count_input(bytes, len);
    }
    size_t use = len > seen.keep ? len - seen.keep : 0;
    assert_true(seen.len + use < sizeof(seen.got));
    memcpy(seen.got + seen.len, bytes, use);
    seen.len += use;
    seen.got[seen.len] = '\0';
    if (seen.wait) {
        conn_wait(conn);
    }
    if (seen.finish) {
        conn_finish(conn, false);
    }
    return use;
}

static void echo_leave(struct conn *conn)
{
    (void)conn;
    seen.left++;
}

static void echo_expired(struct conn *conn, enum idle_class was)
{
    assert_int_equal(was, IDLE_HEAD);
    seen.expired++;
    conn_doom(conn);
}

static const struct conn_handler echo_handler = {
    .input = echo_input, .leave = echo_leave, .expired = echo_expired, .max_input = 65536};

struct box {
    struct loop loop;
    struct counters counters;
    int fd;
    struct conn *conn;
};

static struct box *box_new(struct loop_limits limits)
{
    struct box *box = mem_zalloc(sizeof(*box));
    int pair[2];
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(loop_init(&box->loop, &box->counters, &limits), 0);
    loop_handler(&box->loop, 0, &echo_handler);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    box->fd = pair[0];
    box->conn = conn_new(&box->loop, pair[1], 0, IDLE_NONE);
    assert_non_null(box->conn);
    return box;
}

static void no_mail(struct mail *mail)
{
    mem_free(mail);
    fail();
}

static void box_free(struct box *box)
{
    close(box->fd);
    loop_close(&box->loop);
    assert_int_equal(box->loop.queued_bytes, 0);
    loop_free(&box->loop, no_mail);
    mem_free(box);
}

static void turns(struct box *box, int n)
{
    for (int i = 0; i < n; i++) {
        loop_turn(&box->loop);
    }
}

static struct frame *numbered(size_t len, uint32_t number)
{
    struct frame *frame = frame_new(len);
    assert_non_null(frame);
    memset(frame->bytes, (int)(number % 251), len);
    memcpy(frame->bytes, &number, sizeof(number));
    return frame;
}

/* ---- output ---- */

static void frames_leave_in_order_and_whole_through_a_full_socket(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    enum { N = 3000 };
    static uint8_t bytes[N * 1700];
    size_t have = 0, want = 0;
    for (uint32_t i = 0; i < N; i++) {
        size_t len = 4 + i % 7 * 250;
        want += len;
        conn_send(box->conn, numbered(len, i));
        if (i % 100 == 0) {
            turns(box, 1);
        }
    }
    assert_true(box->conn->flags & CONN_BLOCKED);
    while (have < want) {
        ssize_t got = recv(box->fd, bytes + have, 7000, MSG_DONTWAIT);
        if (got > 0) {
            have += (size_t)got;
        }
        turns(box, 1);
    }
    assert_int_equal(have, want);
    for (uint32_t i = 0, at = 0; i < N; i++) {
        uint32_t number, len = 4 + i % 7 * 250;
        memcpy(&number, bytes + at, sizeof(number));
        assert_int_equal(number, i);
        for (uint32_t j = 4; j < len; j++) {
            assert_int_equal(bytes[at + j], i % 251);
        }
        at += len;
    }
    assert_int_equal(conn_queued(box->conn), 0);
    assert_int_equal(box->loop.backlog.count, 0);
    box_free(box);
}

static void a_finished_connection_sends_everything_and_then_its_end(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){.idle_ms = {[IDLE_CLOSING] = 5000}});
    static uint8_t bytes[1 << 20];
    size_t have = 0;
    for (uint32_t i = 0; i < 600; i++) {
        conn_send(box->conn, numbered(1000, i));
    }
    /* Unread input would make a plain close() throw away what was sent. */
    assert_int_equal(send(box->fd, "late", 4, 0), 4);
    conn_finish(box->conn, false);
    conn_finish(box->conn, false);
    assert_int_equal(seen.left, 1);
    conn_send(box->conn, numbered(1000, 9999)); /* too late: not sent */
    for (;;) {
        turns(box, 2);
        ssize_t got = recv(box->fd, bytes + have, sizeof(bytes) - have, MSG_DONTWAIT);
        if (got == 0) {
            break;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    assert_int_equal(have, 600000);
    assert_int_equal(box->loop.connections, 1); /* it waits for the peer's end */
    shutdown(box->fd, SHUT_WR);
    turns(box, 3);
    assert_int_equal(box->loop.connections, 0);
    assert_int_equal(seen.left, 1);
    assert_int_equal(seen.len, 0);
    box_free(box);
}

static void fill(struct box *box, size_t bytes)
{
    for (size_t i = 0; i < bytes / 1000; i++) {
        conn_send(box->conn, numbered(1000, 1));
    }
}

static void the_hard_limit_closes_who_takes_nothing(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){.output_hard = 1000000});
    fill(box, 900000);
    turns(box, 3);
    assert_int_equal(box->loop.connections, 1);
    fill(box, 1200000);
    turns(box, 3);
    assert_int_equal(box->loop.connections, 0);
    assert_int_equal(counter_get(&box->counters, COUNTER_DROPPED_OUTPUT_HARD), 1);
    assert_int_equal(seen.left, 1);
    box_free(box);
}

static void a_large_burst_to_someone_who_reads_is_fine(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){.output_hard = 100000});
    static uint8_t sink[1 << 20];
    size_t have = 0;
    fill(box, 150000); /* over the limit, but the kernel has refused nothing yet */
    for (int i = 0; i < 1000 && have < 150000; i++) {
        turns(box, 1);
        ssize_t got = recv(box->fd, sink, sizeof(sink), MSG_DONTWAIT);
        have += got > 0 ? (size_t)got : 0;
    }
    assert_int_equal(have, 150000);
    assert_int_equal(box->loop.connections, 1);
    box_free(box);
}

static void over_the_total_the_oldest_backlog_goes(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){.output_total = 3000000});
    struct conn *first = box->conn;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct conn *second = conn_new(&box->loop, pair[1], 0, IDLE_NONE);
    fill(box, 1500000);
    turns(box, 2);
    box->conn = second;
    fill(box, 2500000);
    turns(box, 2);
    assert_int_equal(box->loop.connections, 1);
    assert_null(conn_at(&box->loop, first->slot));
    assert_ptr_equal(conn_at(&box->loop, second->slot), second);
    assert_int_equal(counter_get(&box->counters, COUNTER_DROPPED_OUTPUT_TOTAL), 1);
    close(pair[0]);
    box_free(box);
}

/* ---- input ---- */

static void what_is_left_over_comes_again_with_more(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    seen.keep = 3;
    assert_int_equal(send(box->fd, "abcdef", 6, 0), 6);
    turns(box, 1);
    assert_string_equal(seen.got, "abc");
    assert_non_null(box->conn->in);
    assert_int_equal(send(box->fd, "gh", 2, 0), 2);
    turns(box, 1);
    assert_string_equal(seen.got, "abcde");
    seen.keep = 0;
    assert_int_equal(send(box->fd, "i", 1, 0), 1);
    turns(box, 1);
    assert_string_equal(seen.got, "abcdefghi");
    assert_null(box->conn->in); /* no idle buffer */
    box_free(box);
}

/* Half a message was left over: who goes on without a pause is still read many at a time. */
static void a_stream_that_was_cut_once_is_read_in_large_pieces(void **state)
{
    enum { LEN = 300, N = 100 };
    static uint8_t bytes[LEN * N];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i / LEN % 251);
    }
    for (size_t cut = 1; cut < 20 * LEN; cut += LEN / 2 - 1) { /* small and large left-overs */
        struct box *box = box_new((struct loop_limits){0});
        seen.message = LEN;
        assert_int_equal(send(box->fd, bytes, cut, 0), cut);
        turns(box, 1);
        assert_int_equal(seen.messages, cut / LEN);
        seen.most = 0;
        size_t rest = sizeof(bytes) - cut;
        assert_int_equal(send(box->fd, bytes + cut, rest, 0), rest);
        turns(box, 2);
        assert_int_equal(seen.messages, N);
        assert_true(seen.most > N / 2);
        assert_null(box->conn->in);
        box_free(box);
    }
    /* And what is longer than all that comes whole as well. */
    struct box *box = box_new((struct loop_limits){0});
    seen.message = sizeof(bytes);
    memset(bytes, 0, sizeof(bytes));
    for (size_t at = 0; at < sizeof(bytes); at += 1000) {
        assert_int_equal(send(box->fd, bytes + at, 1000, 0), 1000);
        turns(box, 1);
    }
    assert_int_equal(seen.messages, 1);
    assert_null(box->conn->in);
    box_free(box);
}

static void a_waiting_connection_reads_nothing_until_it_is_resumed(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    seen.wait = true;
    assert_int_equal(send(box->fd, "a", 1, 0), 1);
    turns(box, 1);
    assert_int_equal(send(box->fd, "b", 1, 0), 1);
    turns(box, 2);
    assert_string_equal(seen.got, "a");
    seen.wait = false;
    conn_resume(box->conn);
    turns(box, 1);
    assert_string_equal(seen.got, "ab");
    box_free(box);
}

static void data_and_end_in_one_edge_are_both_seen(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    assert_int_equal(send(box->fd, "bye", 3, 0), 3);
    shutdown(box->fd, SHUT_WR);
    turns(box, 3);
    assert_string_equal(seen.got, "bye");
    assert_int_equal(seen.left, 1);
    assert_int_equal(box->loop.connections, 0);
    box_free(box);
}

static void finishing_inside_the_handler_leaves_its_bytes_alone(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    seen.keep = 1;
    assert_int_equal(send(box->fd, "ab", 2, 0), 2);
    turns(box, 1);
    seen.finish = true;
    assert_int_equal(send(box->fd, "c", 1, 0), 1);
    turns(box, 2);
    assert_int_equal(seen.left, 1);
    close(dup(box->fd));
    box_free(box);
}

/* ---- slots, time ---- */

/* A login shell of Debian allows 1,024 descriptors at first, which is fewer than the connections
 * here take. */
static void allow_descriptors(rlim_t number)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < number) {
        limit.rlim_cur = number < limit.rlim_max ? number : limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
}

static void the_lowest_slot_is_taken_first_and_empty_chunks_go(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    struct conn *conns[600];
    int fds[600];
    allow_descriptors(2000);
    for (int i = 0; i < 600; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        fds[i] = pair[0];
        conns[i] = conn_new(&box->loop, pair[1], 0, IDLE_NONE);
        assert_int_equal(conns[i]->slot, i + 1);
    }
    uint32_t gen = conns[10]->gen;
    conn_doom(conns[10]);
    conn_doom(conns[10]);
    for (int i = 255; i < 511; i++) {
        conn_doom(conns[i]); /* slots 256 to 511: one chunk */
    }
    turns(box, 1);
    assert_null(slots_at(&box->loop, 300));
    assert_null(conn_find(&box->loop, 11, gen));
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct conn *again = conn_new(&box->loop, pair[1], 0, IDLE_NONE);
    assert_int_equal(again->slot, 11);
    assert_null(conn_find(&box->loop, 11, gen));
    assert_ptr_equal(conn_find(&box->loop, 11, again->gen), again);
    close(pair[0]);
    for (int i = 0; i < 600; i++) {
        close(fds[i]);
    }
    turns(box, 20);
    assert_int_equal(box->loop.connections, 1);
    box_free(box);
}

static void an_idle_class_is_a_queue_in_order_of_arrival(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){.idle_ms = {[IDLE_HEAD] = 1}});
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct conn *other = conn_new(&box->loop, pair[1], 0, IDLE_HEAD);
    conn_idle(box->conn, IDLE_HEAD);
    assert_int_equal(box->loop.idle[IDLE_HEAD].head, other->slot + 1);
    box->loop.now++;
    conn_idle(other, IDLE_HEAD);
    assert_int_equal(box->loop.idle[IDLE_HEAD].head, box->conn->slot + 1);
    assert_int_equal(box->loop.idle[IDLE_HEAD].count, 2);
    /* The tick is an event: this waits for it, not for a time. */
    while (seen.expired < 2) {
        event_base_loop(box->loop.base, EVLOOP_ONCE);
        turns(box, 1);
    }
    assert_int_equal(box->loop.connections, 0);
    close(pair[0]);
    box_free(box);
}

/* ---- mailbox ---- */

#define POSTERS 4
#define LETTERS 20000

struct letter {
    struct mail mail;
    uint32_t from, number;
};

struct poster {
    struct mailbox *box;
    uint32_t id;
};

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    for (uint32_t i = 0; i < LETTERS; i++) {
        struct letter *letter = mem_alloc(sizeof(*letter));
        *letter =
            (struct letter){.mail = {.weight = sizeof(*letter)}, .from = poster->id, .number = i};
        mailbox_post(poster->box, &letter->mail);
    }
    return NULL;
}

static struct {
    uint32_t next[POSTERS], total;
    struct mailbox *box;
    struct loop *loop;
} office;

static bool sort_letter(void *arg, struct mail *mail)
{
    struct letter *letter = (struct letter *)mail;
    (void)arg;
    assert_int_equal(letter->number, office.next[letter->from]++);
    office.total++;
    mailbox_done(office.box, mail);
    if (office.total == POSTERS * LETTERS) {
        loop_stop(office.loop);
    }
    return true;
}

static void no_letter_is_lost_and_each_poster_keeps_his_order(void **state)
{
    (void)state;
    struct box *box = box_new((struct loop_limits){0});
    struct mailbox mailbox;
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    memset(&office, 0, sizeof(office));
    office.box = &mailbox;
    office.loop = &box->loop;
    assert_int_equal(mailbox_init(&mailbox), 0);
    loop_mailbox(&box->loop, &mailbox, sort_letter, NULL, NULL);
    for (uint32_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&mailbox, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    loop_run(&box->loop);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(office.total, POSTERS * LETTERS);
    assert_int_equal(mailbox_weight(&mailbox), 0);
    box_free(box);
}

static void clients_leave_the_last_descriptors_to_others(void **state)
{
    struct descriptors few, many;
    (void)state;
    descriptors_set(&many, 1000, 100);
    assert_int_equal(many.max, 900);
    assert_int_equal(many.spare, DESCRIPTORS_SPARE);
    descriptors_set(&few, 64, 24);
    assert_int_equal(few.spare, 10);
    for (int i = 0; i < 30; i++) {
        assert_true(descriptors_take(&few, few.spare));
    }
    assert_false(descriptors_take(&few, few.spare));
    assert_false(descriptors_take(&few, few.spare)); /* what is refused takes none */
    for (int i = 0; i < 5; i++) {
        assert_true(descriptors_take(&few, few.spare / 2));
    }
    assert_false(descriptors_take(&few, few.spare / 2));
    for (int i = 0; i < 5; i++) {
        assert_true(descriptors_take(&few, 0));
    }
    assert_false(descriptors_take(&few, 0));
    descriptors_give(&few);
    assert_false(descriptors_take(&few, few.spare));
    assert_true(descriptors_take(&few, 0));
    assert_true(descriptors_take(NULL, 5)); /* nobody counts */
    descriptors_give(NULL);
    descriptors_set(&few, 10, 24); /* there are fewer than are open */
    assert_false(descriptors_take(&few, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_leave_in_order_and_whole_through_a_full_socket),
        cmocka_unit_test(a_finished_connection_sends_everything_and_then_its_end),
        cmocka_unit_test(the_hard_limit_closes_who_takes_nothing),
        cmocka_unit_test(a_large_burst_to_someone_who_reads_is_fine),
        cmocka_unit_test(over_the_total_the_oldest_backlog_goes),
        cmocka_unit_test(what_is_left_over_comes_again_with_more),
        cmocka_unit_test(a_stream_that_was_cut_once_is_read_in_large_pieces),
        cmocka_unit_test(a_waiting_connection_reads_nothing_until_it_is_resumed),
        cmocka_unit_test(data_and_end_in_one_edge_are_both_seen),
        cmocka_unit_test(finishing_inside_the_handler_leaves_its_bytes_alone),
        cmocka_unit_test(the_lowest_slot_is_taken_first_and_empty_chunks_go),
        cmocka_unit_test(an_idle_class_is_a_queue_in_order_of_arrival),
        cmocka_unit_test(clients_leave_the_last_descriptors_to_others),
        cmocka_unit_test(no_letter_is_lost_and_each_poster_keeps_his_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
