/*
 * Bytes as a compressed message of a peer, and as a message of ours. The first two choose the
 * limit.
 *
 * Holds: no more than the limit comes out; the verdict is the same twice, whatever was inflated in
 * between; the first bytes of a good message are good and say its beginning; what we compress, in
 * any window, is inflated to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_unpack(struct deflater *deflater, struct slice packed, size_t max)
{
    struct slice message, part;
    enum deflate_result result = deflate_unpack(deflater, packed, true, max, &message);
    check(message.len <= max);
    check(result == DEFLATE_DONE || message.len == 0);
    check(result != DEFLATE_NO_MEMORY);
    char *kept = malloc(message.len + 1);
    size_t len = message.len;
    check(kept != NULL);
    memcpy(kept, message.p, len);
    for (size_t cut = 0; cut <= packed.len; cut += 1 + packed.len / 8) {
        enum deflate_result first =
            deflate_unpack(deflater, (struct slice){packed.p, cut}, false, max, &part);
        check(result != DEFLATE_DONE || first == DEFLATE_DONE);
        if (result == DEFLATE_DONE) {
            check(part.len <= len && memcmp(part.p, kept, part.len) == 0);
        }
    }
    check(deflate_unpack(deflater, packed, true, max, &message) == result);
    check(message.len == len && memcmp(message.p, kept, len) == 0);
    free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct deflater *deflater = deflate_new();
    size_t max = (size_t)(data[0] << 8 | data[1]);
    struct slice bytes = {(const char *)data + 2, size - 2}, message;
    check_unpack(deflater, bytes, max);
    unsigned int bits = DEFLATE_MIN_BITS + data[0] % 7u;
    struct slice packed = deflate_pack(deflater, bits, bytes);
    if (packed.p != NULL) {
        check(packed.len < bytes.len);
        check(deflate_unpack(deflater, packed, true, bytes.len, &message) == DEFLATE_DONE);
        check(message.len == bytes.len && memcmp(message.p, bytes.p, bytes.len) == 0);
    }
    deflate_trim(deflater);
    deflate_free(deflater);
    return 0;
}
