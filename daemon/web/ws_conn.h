/*
 * The WebSocket codec of a connection: from bytes to whole messages, and what the protocol answers
 * by itself (pongs, close frames, refusals). RFC 6455, and permessage-deflate of RFC 7692.
 *
 * Runs on the connection's worker. Knows nothing of what the messages mean: that is the endpoint's
 * part. Nothing is kept between messages; what is unfinished lies in one allocation that the
 * endpoint has a place for. A frame is read in place once it is complete; of one that is not, the
 * header and the UTF-8 that has come are judged at once.
 */
#ifndef FF_WEB_WS_CONN_H
#define FF_WEB_WS_CONN_H

#include "net/conn.h"
#include "proto/http.h"
#include "proto/ws.h"

/* Frames that a message may consist of, but for an empty one that ends it: some clients learn that
 * a message is over only behind its last byte, and such a frame keeps nothing going. */
#define WS_MAX_FRAGMENTS 65536u
/* The largest message that is still taken when no limit is set. */
#define WS_UNLIMITED     (64u << 20)

/* A message of which a part has come. NULL while there is none. */
struct ws_part;

/* What speaks WebSocket: the callbacks of an endpoint. */
struct ws_endpoint {
    /* Where the connection keeps its unfinished message; dropped by the endpoint when it leaves. */
    struct ws_part **(*part)(struct conn *conn);
    /* The largest message now, never 0. */
    size_t (*max_message)(struct conn *conn);
    /* A whole message, text being valid UTF-8. The bytes are good until it returns. False: not now;
     * the same message comes again after conn_resume. */
    bool (*message)(struct conn *conn, bool binary, const uint8_t *bytes, size_t len);
    /* A ping or a pong has come, with its payload; a ping has its answer by itself. NULL: never
     * mind. */
    void (*control)(struct conn *conn, enum ws_opcode opcode, struct slice payload);
    /* What unpacks compressed messages, of the loop's. NULL: ws_conn_accept never agrees to any. */
    struct deflater *(*deflater)(struct conn *conn);
    bool binary; /* binary messages are taken */
};

/* The 101 that answers a valid handshake. `deflate`: agrees to compress if the client offers it. */
void ws_conn_accept(struct conn *conn, const struct http_request *request, struct slice key,
                    bool deflate);

/* Input as of struct conn_handler. */
size_t ws_conn_input(struct conn *conn, const struct ws_endpoint *endpoint, uint8_t *bytes,
                     size_t len);

/* What max_input of the handler must be for messages up to `max`. */
size_t ws_conn_max_input(size_t max);

/* A close frame behind everything queued; then the connection ends. */
void ws_conn_close(struct conn *conn, uint16_t code, const char *why);

void ws_part_drop(struct ws_part **part);

#endif
