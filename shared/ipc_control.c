#include "ipc_control.h"

/* See ipc_pack.c: what the writer returns is collected, a statement each, and looked at once. */

static int control_pack_begin(msgpack_sbuffer *out, msgpack_packer *pk, size_t *mark)
{
    static const char room[FF_IPC_HEADER] = {0};

    msgpack_packer_init(pk, out, msgpack_sbuffer_write);
    *mark = out->size;
    return msgpack_sbuffer_write(out, room, sizeof(room));
}

static int control_pack_end(msgpack_sbuffer *out, size_t mark, int failed)
{
    size_t len = failed ? 0 : out->size - mark - FF_IPC_HEADER;

    if (failed || len > FF_IPC_MAX_FRAME) {
        out->size = mark;
        return -1;
    }
    unsigned char *prefix = (unsigned char *)out->data + mark;
    prefix[0] = (unsigned char)(len >> 24);
    prefix[1] = (unsigned char)(len >> 16);
    prefix[2] = (unsigned char)(len >> 8);
    prefix[3] = (unsigned char)len;
    return 0;
}

static int control_pack_text(msgpack_packer *pk, struct ff_slice text)
{
    int rc = msgpack_pack_str(pk, text.len);

    if (text.len != 0) {
        rc |= msgpack_pack_str_body(pk, text.p, text.len);
    }
    return rc;
}

static int control_pack_text_or_nil(msgpack_packer *pk, struct ff_slice text)
{
    return text.p == NULL ? msgpack_pack_nil(pk) : control_pack_text(pk, text);
}

static int control_pack_head(msgpack_packer *pk, size_t fields, enum ff_ipc_type type, uint64_t seq)
{
    int rc = msgpack_pack_array(pk, fields);

    rc |= msgpack_pack_uint8(pk, (uint8_t)type);
    rc |= msgpack_pack_uint64(pk, seq);
    return rc;
}

int ff_ipc_pack_sockets(msgpack_sbuffer *out, uint64_t seq, struct ff_slice after, uint64_t limit)
{
    msgpack_packer pk;
    size_t mark;
    int rc = control_pack_begin(out, &pk, &mark);

    rc |= control_pack_head(&pk, 4, FF_IPC_SOCKETS, seq);
    rc |= control_pack_text_or_nil(&pk, after);
    rc |= msgpack_pack_uint64(&pk, limit);
    return control_pack_end(out, mark, rc);
}

int ff_ipc_pack_sockets_reply(msgpack_sbuffer *out, uint64_t seq,
                              const struct ff_ipc_socket *sockets, uint32_t n, struct ff_slice next,
                              bool partial)
{
    msgpack_packer pk;
    size_t mark;
    int rc = control_pack_begin(out, &pk, &mark);

    rc |= control_pack_head(&pk, 5, FF_IPC_SOCKETS_REPLY, seq);
    rc |= msgpack_pack_array(&pk, n);
    for (uint32_t i = 0; i < n; i++) {
        rc |= msgpack_pack_array(&pk, 5);
        rc |= control_pack_text(&pk, sockets[i].socket_id);
        rc |= control_pack_text_or_nil(&pk, sockets[i].user_id);
        rc |= control_pack_text(&pk, sockets[i].address);
        rc |= msgpack_pack_uint64(&pk, sockets[i].opened_ms);
        rc |= msgpack_pack_uint32(&pk, sockets[i].subscriptions);
    }
    rc |= control_pack_text_or_nil(&pk, next);
    rc |= partial ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk);
    return control_pack_end(out, mark, rc);
}
