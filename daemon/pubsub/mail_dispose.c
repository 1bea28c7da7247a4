#include "pubsub/mail_dispose.h"

#include "base/mem.h"
#include "pubsub/mail.h"
#include "pubsub/request.h"
#include "pubsub/trace.h"

void mail_dispose(struct mail *mail)
{
    switch ((enum mail_type)mail->type) {
    case MAIL_DELIVER:
        frame_unref(((struct mail_deliver *)mail)->frame);
        trace_part_drop(((struct mail_deliver *)mail)->trace);
        break;
    case MAIL_PUBLISH:
        frame_unref(((struct mail_publish *)mail)->frame);
        break;
    case MAIL_JOINED:
        mail_joined_free((struct mail_joined *)mail);
        break;
    case MAIL_TELL:
        frame_unref(((struct mail_tell *)mail)->frame);
        break;
    case MAIL_REQUEST:
        request_free(((struct mail_request *)mail)->request);
        break;
    case MAIL_RESPONSE:
        frame_unref(((struct mail_response *)mail)->body);
        break;
    case MAIL_RELOAD:
        apps_unref(((struct mail_reload *)mail)->apps);
        break;
    case MAIL_RELOADED:
    case MAIL_DRAIN:
    case MAIL_DRAINED:
    case MAIL_TERMINATE:
    case MAIL_TERMINATED:
    case MAIL_STOP:
    case MAIL_COUNT:
    case MAIL_JOIN:
    case MAIL_LEAVE:
    case MAIL_WATCH:
    case MAIL_LIST_SOCKETS:
    case MAIL_SOCKETS:
    case MAIL_SESSION:
        break;
    }
    mem_free(mail);
}
