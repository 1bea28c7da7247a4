/*
 * Who may see names and change things by the admin listener: /api/ and the console. On the hub.
 *
 * With [admin] token: who sends it (Authorization: Bearer), and browsers that have a session, which
 * a login with the token begins. Without one, on loopback alone: root and the daemon's own user, as
 * the kernel names them, as on the admin socket; by a name of this machine, so that no page of
 * another site reaches us by a name that leads here (DNS rebinding).
 *
 * A proxy on this machine speaks for anybody: what says that it came through one needs a token.
 *
 * A browser sends its cookie, and comes from this machine, whatever page it is that asks. So from a
 * browser nothing is changed and nothing is streamed unless the page is our own: by Origin.
 */
#ifndef FF_LINKS_ADMIN_AUTH_H
#define FF_LINKS_ADMIN_AUTH_H

#include "base/buf.h"
#include "web/http_conn.h"

#define ADMIN_AUTH_SECRET  32u             /* bytes of what sessions are signed with */
#define ADMIN_AUTH_SECONDS (12u * 60 * 60) /* of a session */
#define ADMIN_AUTH_SESSION 96u             /* bytes of one as text, with its NUL */
#define ADMIN_AUTH_COOKIE  "fanfare_console"
#define ADMIN_TOKEN_NONE   "none" /* in place of a token: nobody is let in here */

#define ADMIN_AUTH_PLACES 64u
#define ADMIN_AUTH_WRONGS                                                                          \
    20u /* wrong tokens of a place in a second; what comes then is not judged */
#define ADMIN_AUTH_HELD "Too many wrong tokens have come from this address: try again in a second"

/* What sessions are signed with, and how many wrong tokens have come from where in this second.
 * Addresses share places; those of one network of IPv6 (/64) have the same. */
struct admin_guard {
    uint8_t secret[ADMIN_AUTH_SECRET];
    struct {
        uint64_t second;
        uint32_t wrong;
    } places[ADMIN_AUTH_PLACES];
};

enum admin_auth {
    ADMIN_AUTH_YES,
    ADMIN_AUTH_OFF,      /* the token is "none" */
    ADMIN_AUTH_NO_TOKEN, /* none is set, and whoever asks is not the daemon's user */
    ADMIN_AUTH_MISSING,  /* it came with none */
    ADMIN_AUTH_WRONG,    /* another token, or a session that is over */
    ADMIN_AUTH_PROXY,    /* none is set, and it came through a proxy: whoever may be behind that */
    ADMIN_AUTH_BUSY,     /* too many wrong tokens from its address: not judged */
    ADMIN_AUTH_HOST,     /* the name in Host is not one of this machine */
    ADMIN_AUTH_ORIGIN,   /* a page of another site asks */
};

/* Judges a request. `changes`: it changes something, or opens a stream. */
enum admin_auth admin_auth_judge(struct conn *conn, const struct http_request *request,
                                 bool changes) MUST_CHECK;
/* The same; false: it was refused, with what to do. */
bool admin_auth_allowed(struct conn *conn, const struct http_request *request,
                        bool changes) MUST_CHECK;

/* For a token that comes otherwise: whether it is not to be judged now, and that it was wrong. */
bool admin_auth_held(struct conn *conn) MUST_CHECK;
void admin_auth_wrong(struct conn *conn);

/* The rest is pure. */

/* In the same time whatever differs. An empty token is nobody's. */
bool admin_auth_token_is(const char *token, struct slice given) MUST_CHECK;
/* Whether a Host names this machine: localhost, an address of loopback; with a port or without. */
bool admin_auth_host_is_local(struct slice host) MUST_CHECK;
/* Whether an Origin is the one that this Host has. */
bool admin_auth_origin_is(struct slice origin, struct slice host) MUST_CHECK;
/* A session until then (seconds since 1970), for a cookie. It ends as well with another token, and
 * with the process, whose secret it is. Returns its length. */
size_t admin_auth_session(char out[ADMIN_AUTH_SESSION], const uint8_t secret[ADMIN_AUTH_SECRET],
                          const char *token, uint64_t until);
/* Whether the Cookie header has one that is good now. */
bool admin_auth_session_is(struct slice cookies, const uint8_t secret[ADMIN_AUTH_SECRET],
                           const char *token, uint64_t now) MUST_CHECK;
/* Whether an address of [admin] listen is reached from this machine alone. */
bool admin_auth_is_loopback(const char *listen) MUST_CHECK;

#endif
