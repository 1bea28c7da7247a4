#include "base/rnd.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

/* WHY: a mutable global, because a system call per socket id or mask would be dear; one a thread,
 * so without a lock. */
static _Thread_local struct {
    uint8_t bytes[4096];
    size_t left; /* unused bytes at the end of the page */
} page;

static void rnd_draw(uint8_t *out, size_t len)
{
    while (len != 0) {
        ssize_t n = getrandom(out, len, 0);
        if (n < 0) {
            check(errno == EINTR);
            continue;
        }
        out += n;
        len -= (size_t)n;
    }
}

void rnd_bytes(void *out, size_t len)
{
    uint8_t *to = out;

    if (len > sizeof(page.bytes)) {
        rnd_draw(to, len);
        return;
    }
    while (len != 0) {
        if (page.left == 0) {
            rnd_draw(page.bytes, sizeof(page.bytes));
            page.left = sizeof(page.bytes);
        }
        size_t n = len < page.left ? len : page.left;
        uint8_t *from = page.bytes + sizeof(page.bytes) - page.left;
        memcpy(to, from, n);
        memset(from, 0, n); /* given out once, and not found in memory later */
        page.left -= n;
        to += n;
        len -= n;
    }
}

uint64_t rnd_u64(void)
{
    uint64_t n;
    rnd_bytes(&n, sizeof(n));
    return n;
}

uint32_t rnd_below(uint32_t bound)
{
    check(bound > 0);
    /* Lemire's method: the high half of a product; the few low halves that would be hit once too
     * often are redrawn. */
    uint32_t reject = (uint32_t)(-bound) % bound;
    for (;;) {
        uint32_t draw32;
        rnd_bytes(&draw32, sizeof(draw32));
        uint64_t product = (uint64_t)draw32 * bound;
        if ((uint32_t)product >= reject) {
            return (uint32_t)(product >> 32);
        }
    }
}
