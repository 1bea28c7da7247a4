#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"

struct tls {
    SSL *ssl;
    struct tls_context *context;
    struct counters *counters;
    bool ready, broken, closed;
    bool drained; /* the last read found the socket empty */
    bool read_wants_write, write_wants_read;
};

/* For a browser or curl that was sent to the wrong port or with the wrong scheme. */
static const char plain_http[] =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 65\r\n"
    "Connection: close\r\n"
    "\r\n"
    "{\"error\":\"This port speaks TLS: connect with https:// or wss://\"}";

struct tls *tls_new(struct tls_context *context, int fd, struct counters *counters)
{
    struct tls *tls = mem_try_alloc(sizeof(*tls));
    if (tls == NULL) {
        return NULL;
    }
    *tls = (struct tls){.ssl = tls_context_ssl(context), .counters = counters, .context = context};
    if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1) {
        SSL_free(tls->ssl);
        mem_free(tls);
        ERR_clear_error();
        return NULL;
    }
    tls_context_ref(context);
    return tls;
}

void tls_free(struct tls *tls)
{
    SSL_free(tls->ssl);
    tls_context_unref(tls->context);
    mem_free(tls);
}

bool tls_ready(const struct tls *tls)
{
    return tls->ready;
}

bool tls_unread(const struct tls *tls)
{
    return !tls->drained;
}

bool tls_read_wants_write(const struct tls *tls)
{
    return tls->read_wants_write;
}

bool tls_write_wants_read(const struct tls *tls)
{
    return tls->write_wants_read;
}

/* ---- what went wrong ---- */

static enum counter tls_counter_of(unsigned long error, bool ended)
{
    int reason = ERR_GET_REASON(error);
    if (ended || ERR_GET_LIB(error) != ERR_LIB_SSL) {
        return ended ? COUNTER_TLS_ENDED : COUNTER_TLS_MALFORMED;
    }
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return COUNTER_TLS_HTTP;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_INAPPROPRIATE_FALLBACK:
        return COUNTER_TLS_UNSUPPORTED;
    default:
        return reason >= SSL_AD_REASON_OFFSET ? COUNTER_TLS_REJECTED : COUNTER_TLS_MALFORMED;
    }
}

/* A failure that ends the connection: counted, and told at the level of one who looks for it. */
static void tls_failed(struct tls *tls, bool ended)
{
    unsigned long error = ERR_peek_error();
    tls->broken = true;
    if (tls->ready) {
        if (!ended) {
            counter_add(tls->counters, COUNTER_BAD_TLS, 1);
        }
    } else if (!ended || BIO_number_read(SSL_get_rbio(tls->ssl)) > 0) {
        /* Who connects and leaves without a word, as probes do, has not failed. */
        counter_add(tls->counters, tls_counter_of(error, ended), 1);
    }
    if (!ended && log_enabled(LOG_LEVEL_DEBUG)) {
        const char *reason = ERR_reason_error_string(error);
        log_limited(LOG_LEVEL_DEBUG, "tls", "%s failed: %s",
                    tls->ready ? "a connection" : "a handshake",
                    reason != NULL ? reason : "no reason given");
    }
    int reason = ERR_GET_REASON(error);
    if (!tls->ready && ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_HTTP_REQUEST) {
        /* Nothing has been sent on this socket yet: its buffer has room. */
        ssize_t ignored = send(SSL_get_fd(tls->ssl), plain_http, sizeof(plain_http) - 1,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)ignored;
    }
    ERR_clear_error();
}

/* ---- reading and writing ---- */

static void tls_note_ready(struct tls *tls)
{
    if (!tls->ready && SSL_is_init_finished(tls->ssl)) {
        tls->ready = true;
        counter_add(tls->counters, COUNTER_TLS_HANDSHAKES, 1);
        if (SSL_session_reused(tls->ssl)) {
            counter_add(tls->counters, COUNTER_TLS_RESUMED, 1);
        }
    }
}

ssize_t tls_read(struct tls *tls, uint8_t *room, size_t size)
{
    size_t total = 0;
    if (tls->broken) {
        return -EPROTO;
    }
    tls->drained = tls->read_wants_write = false;
    ERR_clear_error();
    for (;;) {
        size_t got = 0;
        errno = 0;
        int result = SSL_read_ex(tls->ssl, room + total, size - total, &got);
        int error = errno;
        tls_note_ready(tls);
        if (result == 1) {
            total += got;
            if (total == size) {
                return (ssize_t)total;
            }
            continue;
        }
        switch (SSL_get_error(tls->ssl, result)) {
        case SSL_ERROR_WANT_WRITE:
            tls->read_wants_write = true;
            /* fall through */
        case SSL_ERROR_WANT_READ:
            tls->drained = true;
            return total > 0 ? (ssize_t)total : -EAGAIN;
        case SSL_ERROR_ZERO_RETURN:
            if (total > 0) {
                return (ssize_t)total; /* the end comes with the next read again */
            }
            if (!tls->ready) {
                tls_failed(tls, true);
            }
            return 0;
        case SSL_ERROR_SYSCALL:
            tls_failed(tls, true);
            error = error != 0 ? error : ECONNRESET;
            break;
        default:
            tls_failed(tls, false);
            error = EPROTO;
            break;
        }
        return total > 0 ? (ssize_t)total : -error;
    }
}

int64_t tls_write(struct tls *tls, const uint8_t *bytes, size_t len)
{
    size_t total = 0;
    if (tls->broken) {
        return -EPROTO;
    }
    tls->write_wants_read = false;
    ERR_clear_error();
    while (total < len) {
        size_t took = 0;
        errno = 0;
        int result = SSL_write_ex(tls->ssl, bytes + total, len - total, &took);
        if (result == 1) {
            total += took;
            continue;
        }
        int error = errno;
        int what = SSL_get_error(tls->ssl, result);
        if (what == SSL_ERROR_WANT_WRITE || what == SSL_ERROR_WANT_READ) {
            tls->write_wants_read = what == SSL_ERROR_WANT_READ;
            break;
        }
        tls_failed(tls, what == SSL_ERROR_SYSCALL);
        return what == SSL_ERROR_SYSCALL && error != 0 && error != EAGAIN ? -error : -EPROTO;
    }
    return total > 0 ? (int64_t)total : -EAGAIN;
}

int tls_close(struct tls *tls)
{
    if (tls->broken || tls->closed || !tls->ready) {
        return 0;
    }
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);
    if (result < 0 && SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_WRITE) {
        return -EAGAIN;
    }
    tls->closed = true;
    ERR_clear_error();
    return 0;
}
