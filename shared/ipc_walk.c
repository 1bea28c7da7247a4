#include "ipc_walk.h"

#include "ipc_proto.h"

int64_t ff_ipc_frame_len(const uint8_t *bytes, size_t len)
{
    if (len < FF_IPC_HEADER) {
        return 0;
    }
    uint32_t n = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                 (uint32_t)bytes[3];
    if (n == 0 || n > FF_IPC_MAX_FRAME) {
        return -1;
    }
    return n;
}

/* The big-endian number of `size` bytes at `p`. */
static uint64_t walk_number_at(const uint8_t *p, unsigned int size)
{
    uint64_t n = 0;
    for (unsigned int i = 0; i < size; i++) {
        n = n << 8 | p[i];
    }
    return n;
}

/*
 * Reads one value's head: adds its own bytes (of a text: the text too) to *used and sets *children
 * to the number of values inside of it. False when the bytes do not suffice, also for children of
 * one byte each, or are no msgpack.
 */
static bool walk_value_head(const uint8_t *p, size_t left, size_t *used, uint64_t *children)
{
    uint8_t byte = p[0];
    unsigned int size = 0; /* of the length that follows the first byte */
    uint64_t body = 0;     /* bytes behind the head that hold no values */
    uint64_t inside = 0;

    if (byte <= 0x7F || byte >= 0xE0) { /* small integers */
        body = 0;
    } else if (byte <= 0x8F) { /* fixmap */
        inside = 2u * (byte & 0x0Fu);
    } else if (byte <= 0x9F) { /* fixarray */
        inside = byte & 0x0Fu;
    } else if (byte <= 0xBF) { /* fixstr */
        body = byte & 0x1Fu;
    } else {
        switch (byte) {
        case 0xC0: /* nil, false, true */
        case 0xC2:
        case 0xC3:
            break;
        case 0xC4: /* bin, str: a length, then bytes */
        case 0xC5:
        case 0xC6:
            size = 1u << (byte - 0xC4);
            break;
        case 0xD9:
        case 0xDA:
        case 0xDB:
            size = 1u << (byte - 0xD9);
            break;
        case 0xC7: /* ext: a length, a type byte, then bytes */
        case 0xC8:
        case 0xC9:
            size = 1u << (byte - 0xC7);
            body = 1;
            break;
        case 0xCA: /* float */
        case 0xCE: /* 32-bit integers */
        case 0xD2:
            body = 4;
            break;
        case 0xCB: /* double */
        case 0xCF: /* 64-bit integers */
        case 0xD3:
            body = 8;
            break;
        case 0xCC: /* 8-bit integers */
        case 0xD0:
            body = 1;
            break;
        case 0xCD: /* 16-bit integers */
        case 0xD1:
            body = 2;
            break;
        case 0xD4: /* fixext: a type byte, then 1, 2, 4, 8 or 16 bytes */
        case 0xD5:
        case 0xD6:
        case 0xD7:
        case 0xD8:
            body = 1u + (1u << (byte - 0xD4));
            break;
        case 0xDC: /* arrays and maps: a count */
        case 0xDE:
            size = 2;
            break;
        case 0xDD:
        case 0xDF:
            size = 4;
            break;
        default: /* 0xC1 */
            return false;
        }
        if (left - 1 < size) {
            return false;
        }
        if (size != 0) {
            uint64_t n = walk_number_at(p + 1, size);
            if (byte == 0xDC || byte == 0xDD) {
                inside = n;
            } else if (byte == 0xDE || byte == 0xDF) {
                inside = 2 * n;
            } else {
                body += n;
            }
        }
    }
    left -= 1 + size;
    if (body > left || inside > left - body) {
        return false;
    }
    *used = 1 + size + (size_t)body;
    *children = inside;
    return true;
}

bool ff_ipc_walk(const uint8_t *bytes, size_t len)
{
    uint64_t pending[FF_IPC_MAX_DEPTH]; /* values still to come on each level that is open */
    unsigned int depth = 0;
    size_t at = 0;
    size_t values = 0;

    do {
        size_t used;
        uint64_t children;

        if (at == len || ++values > FF_IPC_MAX_VALUES ||
            !walk_value_head(bytes + at, len - at, &used, &children)) {
            return false;
        }
        at += used;
        if (depth != 0) {
            pending[depth - 1]--;
        }
        if (children != 0) {
            if (depth == FF_IPC_MAX_DEPTH) {
                return false;
            }
            pending[depth++] = children;
        }
        while (depth != 0 && pending[depth - 1] == 0) {
            depth--;
        }
    } while (depth != 0);
    return at == len;
}
