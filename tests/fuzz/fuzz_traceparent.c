/*
 * The bytes as a traceparent, and as what a collector answers.
 *
 * Holds: one that is read is written as version 00 and read again as the same; what follows it in a
 * later version changes nothing; one that is not read leaves the result alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/otlp.h"
#include "proto/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct traceparent out, again;
    char *copy = malloc(size + 1), text[TRACEPARENT_LEN];

    check(copy != NULL);
    memset(&out, 0x5A, sizeof(out));
    again = out;
    if (size != 0) {
        memcpy(copy + 1, data, size);
    }
    if (!traceparent_read((struct slice){copy + 1, size}, &out)) {
        check(memcmp(&out, &again, sizeof(out)) == 0);
    } else {
        check(size >= TRACEPARENT_LEN && size <= TRACEPARENT_MAX);
        traceparent_write(text, &out);
        check(memcmp(text + 2, data + 2, TRACEPARENT_LEN - 2) == 0);
        check(traceparent_read((struct slice){text, sizeof(text)}, &again));
        check(memcmp(&out, &again, sizeof(out)) == 0);
    }
    struct slice why;
    uint64_t rejected = otlp_rejected((struct slice){copy + 1, size}, &why);
    check(rejected == 0 || size > 30);
    check(why.p == NULL || (why.p > copy && why.p + why.len <= copy + 1 + size));
    free(copy);
    return 0;
}
