/*
 * Assertions that stay on in release, and attributes. Runs anywhere, owns nothing.
 */
#ifndef FF_BASE_CHECK_H
#define FF_BASE_CHECK_H

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Prints the place and the broken condition on stderr and aborts: a broken invariant is never
 * carried on with. */
#define check(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            check_failed(__FILE__, __LINE__, __func__, #condition);                                \
        }                                                                                          \
    } while (0)

_Noreturn void check_failed(const char *file, int line, const char *function,
                            const char *condition);

#endif
