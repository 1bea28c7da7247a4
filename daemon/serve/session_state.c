#include "serve/session_state.h"

#include "base/mem.h"

struct session_rare *session_rare(struct conn *conn)
{
    struct session *session = session_of(conn);
    if (session->rare == NULL) {
        session->rare = mem_try_alloc(sizeof(*session->rare));
        if (session->rare != NULL) {
            *session->rare = (struct session_rare){0};
        }
    }
    return session->rare;
}

void session_rare_free(struct conn *conn)
{
    struct session *session = session_of(conn);
    if (session->rare != NULL) {
        mem_free(session->rare->user);
        mem_free(session->rare);
        session->rare = NULL;
    }
}
