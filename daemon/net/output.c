#include "net/output.h"

#include <errno.h>
#include <sys/socket.h>

#include "net/tls.h"

void output_run(struct output_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ssize_t sent;
        if (ops[i].tls != NULL) {
            ops[i].sent = tls_write(ops[i].tls, ops[i].bytes, ops[i].len);
            continue;
        }
        do {
            sent = send(ops[i].fd, ops[i].bytes, ops[i].len, MSG_DONTWAIT | MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        ops[i].sent = sent >= 0 ? (int64_t)sent : -(int64_t)errno;
    }
}
