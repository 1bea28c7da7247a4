#include "proto/deflate.h"

#include <stdint.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"

/* Level 3 costs half of level 6 on messages of 10 KB and more, and comes out 8 % larger; on small
 * ones they are the same. Less memory than the usual 8 is slower on large ones. */
#define LEVEL     3
#define MEM_LEVEL 8

#define TAIL_LEN 4u
static const uint8_t tail[TAIL_LEN] = {0x00, 0x00, 0xff, 0xff};

#define CHUNK 16384u
#define KEPT  65536u

/* In z_stream.data_type after inflate: between two blocks. */
#define BETWEEN_BLOCKS 128

struct deflater {
    z_stream packers[DEFLATE_MAX_BITS - DEFLATE_MIN_BITS + 1];
    z_stream unpacker;
    bool packer_ready[DEFLATE_MAX_BITS - DEFLATE_MIN_BITS + 1], unpacker_ready;
    struct buf packed, message;
};

static void *deflate_zlib_alloc(void *opaque, unsigned int items, unsigned int size)
{
    (void)opaque;
    return mem_try_alloc((size_t)items * size);
}

static void deflate_zlib_free(void *opaque, void *p)
{
    (void)opaque;
    mem_free(p);
}

struct deflater *deflate_new(void)
{
    struct deflater *deflater = mem_zalloc(sizeof(*deflater));
    buf_init(&deflater->packed, UINT32_MAX);
    buf_init(&deflater->message, UINT32_MAX);
    return deflater;
}

void deflate_free(struct deflater *deflater)
{
    if (deflater == NULL) {
        return;
    }
    for (unsigned int i = 0; i <= DEFLATE_MAX_BITS - DEFLATE_MIN_BITS; i++) {
        if (deflater->packer_ready[i]) {
            deflateEnd(&deflater->packers[i]);
        }
    }
    if (deflater->unpacker_ready) {
        inflateEnd(&deflater->unpacker);
    }
    buf_free(&deflater->packed);
    buf_free(&deflater->message);
    mem_free(deflater);
}

void deflate_trim(struct deflater *deflater)
{
    if (deflater->packed.cap > KEPT) {
        buf_free(&deflater->packed);
    }
    if (deflater->message.cap > KEPT) {
        buf_free(&deflater->message);
    }
}

/* ---- out ---- */

static z_stream *deflate_packer(struct deflater *deflater, unsigned int bits)
{
    check(bits >= DEFLATE_MIN_BITS && bits <= DEFLATE_MAX_BITS);
    unsigned int i = bits - DEFLATE_MIN_BITS;
    z_stream *z = &deflater->packers[i];
    if (!deflater->packer_ready[i]) {
        *z = (z_stream){.zalloc = deflate_zlib_alloc, .zfree = deflate_zlib_free};
        if (deflateInit2(z, LEVEL, Z_DEFLATED, -(int)bits, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
            return NULL;
        }
        deflater->packer_ready[i] = true;
    } else if (deflateReset(z) != Z_OK) {
        return NULL;
    }
    return z;
}

struct slice deflate_pack(struct deflater *deflater, unsigned int bits, struct slice message)
{
    static const struct slice none = {NULL, 0};
    struct buf *out = &deflater->packed;
    z_stream *z = deflate_packer(deflater, bits);
    buf_clear(out);
    if (z == NULL || message.len >= UINT32_MAX - 2 * TAIL_LEN ||
        buf_reserve(out, message.len + TAIL_LEN) != 0) {
        return none;
    }
    z->next_in = (Bytef *)(uintptr_t)message.p;
    z->avail_in = (unsigned int)message.len;
    z->next_out = out->data;
    z->avail_out = (unsigned int)(message.len + TAIL_LEN);
    /* A flush that has filled the room may not be complete. */
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in != 0 || z->avail_out == 0) {
        return none;
    }
    size_t len = message.len + TAIL_LEN - z->avail_out;
    check(len > TAIL_LEN && memcmp(out->data + len - TAIL_LEN, tail, TAIL_LEN) == 0);
    out->len = len - TAIL_LEN;
    return (struct slice){(const char *)out->data, out->len};
}

/* ---- in ---- */

/* Inflates these bytes behind what is there; *ended: a final block was the last of them. */
static enum deflate_result deflate_feed(z_stream *z, const void *bytes, size_t len, size_t max,
                                        struct buf *out, bool *ended)
{
    const uint8_t *at = bytes;
    *ended = false;
    z->next_in = (Bytef *)(uintptr_t)at;
    z->avail_in = (unsigned int)len;
    for (;;) {
        if (out->len > max) {
            return DEFLATE_TOO_LARGE;
        }
        /* One byte more than allowed tells that there is more. */
        size_t room = max - out->len + 1 < CHUNK ? max - out->len + 1 : CHUNK;
        if (buf_reserve(out, room) != 0) {
            return DEFLATE_NO_MEMORY;
        }
        z->next_out = out->data + out->len;
        z->avail_out = (unsigned int)room;
        int result = inflate(z, Z_SYNC_FLUSH);
        out->len += room - z->avail_out;
        if (result == Z_STREAM_END) {
            /* A final block; some end each message with one, and more may follow. */
            if (z->avail_in == 0) {
                *ended = true;
                return out->len > max ? DEFLATE_TOO_LARGE : DEFLATE_DONE;
            }
            if (inflateReset(z) != Z_OK) {
                return DEFLATE_BAD;
            }
            continue;
        }
        if (result == Z_MEM_ERROR) {
            return DEFLATE_NO_MEMORY;
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            return DEFLATE_BAD;
        }
        if (z->avail_in == 0 && z->avail_out != 0) {
            return out->len > max ? DEFLATE_TOO_LARGE : DEFLATE_DONE;
        }
        if (result == Z_BUF_ERROR && z->avail_out != 0) {
            return DEFLATE_BAD; /* no progress, with input and room left */
        }
    }
}

enum deflate_result deflate_unpack(struct deflater *deflater, struct slice packed, bool whole,
                                   size_t max, struct slice *message)
{
    z_stream *z = &deflater->unpacker;
    struct buf *out = &deflater->message;
    bool ended = false;
    *message = (struct slice){"", 0};
    if (packed.len > UINT32_MAX / 2 || max > UINT32_MAX / 2) {
        return DEFLATE_TOO_LARGE;
    }
    if (packed.len == 0) {
        return DEFLATE_DONE;
    }
    if (!deflater->unpacker_ready) {
        *z = (z_stream){.zalloc = deflate_zlib_alloc, .zfree = deflate_zlib_free};
        if (inflateInit2(z, -(int)DEFLATE_MAX_BITS) != Z_OK) {
            return DEFLATE_NO_MEMORY;
        }
        deflater->unpacker_ready = true;
    } else if (inflateReset(z) != Z_OK) {
        return DEFLATE_BAD;
    }
    buf_clear(out);
    enum deflate_result result = deflate_feed(z, packed.p, packed.len, max, out, &ended);
    if (result == DEFLATE_DONE && whole && !ended) {
        result = deflate_feed(z, tail, TAIL_LEN, max, out, &ended);
        if (result == DEFLATE_DONE && !ended && !(z->data_type & BETWEEN_BLOCKS)) {
            result = DEFLATE_BAD;
        }
    }
    if (result == DEFLATE_DONE && out->len > 0) {
        *message = (struct slice){(const char *)out->data, out->len};
    }
    return result;
}
