/* base/mem: nothing of size 0 is NULL, a copy is terminated, and only the try functions survive an
 * impossible size. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"

static void test_zero_bytes(void **state)
{
    (void)state;
    void *a = mem_alloc(0), *b = mem_zalloc(0), *c = mem_try_alloc(0), *d = mem_realloc(NULL, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_non_null(d);
    d = mem_try_realloc(d, 0);
    assert_non_null(d);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
    mem_free(NULL);
}

static void test_zalloc_and_realloc(void **state)
{
    (void)state;
    uint8_t *p = mem_zalloc(1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(p[i], 0);
        p[i] = (uint8_t)i;
    }
    p = mem_realloc(p, 100000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(p[i], (uint8_t)i);
    }
    mem_free(p);
}

static void test_strndup(void **state)
{
    (void)state;
    char *copy = mem_strndup("orders.1", 6);
    assert_string_equal(copy, "orders");
    mem_free(copy);
    copy = mem_strndup(NULL, 0);
    assert_string_equal(copy, "");
    mem_free(copy);
}

/* Sanitizers refuse such a size with a report of their own instead of NULL, unless told otherwise.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static volatile size_t impossible = SIZE_MAX / 2;

static void test_impossible_size(void **state)
{
    (void)state;
    assert_null(mem_try_alloc(impossible));
    char *p = mem_strndup("kept", 4);
    assert_null(mem_try_realloc(p, impossible));
    assert_string_equal(p, "kept");
    mem_free(p);

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO); /* the abort's line is expected, and noise here */
        mem_free(mem_alloc(impossible));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_bytes),
        cmocka_unit_test(test_zalloc_and_realloc),
        cmocka_unit_test(test_strndup),
        cmocka_unit_test(test_impossible_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
