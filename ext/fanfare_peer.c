#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php.h"

#include "fanfare_peer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEER_KEEP ((size_t) 1 << 20) /* a buffer that grew beyond is given back when it is empty */

static bool peer_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

bool fanfare_identity_same(const struct fanfare_identity *a, const struct fanfare_identity *b)
{
	return peer_same(a->socket, a->socket_len, b->socket, b->socket_len) &&
	       peer_same(a->app, a->app_len, b->app, b->app_len) &&
	       peer_same(a->secret, a->secret_len, b->secret, b->secret_len);
}

static char *peer_copy(const char *text, size_t len)
{
	char *copy = calloc(1, len + 1);

	if (copy != NULL) {
		memcpy(copy, text, len);
	}
	return copy;
}

int fanfare_identity_copy(struct fanfare_identity *out, const struct fanfare_identity *from)
{
	*out = *from;
	out->socket = peer_copy(from->socket, from->socket_len);
	out->app = peer_copy(from->app, from->app_len);
	out->secret = peer_copy(from->secret, from->secret_len);
	if (out->socket == NULL || out->app == NULL || out->secret == NULL) {
		fanfare_identity_free(out);
		return -1;
	}
	return 0;
}

void fanfare_identity_free(struct fanfare_identity *identity)
{
	if (identity->secret != NULL) {
		ZEND_SECURE_ZERO((char *) identity->secret, identity->secret_len);
	}
	free((char *) identity->socket);
	free((char *) identity->app);
	free((char *) identity->secret);
	memset(identity, 0, sizeof(*identity));
}

struct fanfare_peer *fanfare_peer_new(uint64_t id, const struct fanfare_address *address,
                                      const struct fanfare_identity *identity)
{
	struct fanfare_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		return NULL;
	}
	if (fanfare_identity_copy(&peer->identity, identity) != 0) {
		free(peer);
		return NULL;
	}
	peer->id = id;
	peer->fd = -1;
	peer->next_seq = 1;
	peer->address = *address;
	ff_ipc_unpacker_init(&peer->unpacker);
	msgpack_sbuffer_init(&peer->hello);
	msgpack_sbuffer_init(&peer->head);
	fanfare_log_init(&peer->log);
	return peer;
}

void fanfare_peer_free(struct fanfare_peer *peer)
{
	fanfare_peer_drop(peer);
	fanfare_identity_free(&peer->identity);
	free(peer->in);
	msgpack_sbuffer_destroy(&peer->hello);
	msgpack_sbuffer_destroy(&peer->head);
	fanfare_log_free(&peer->log);
	ff_ipc_unpacker_free(&peer->unpacker);
	free(peer);
}

void fanfare_peer_drop(struct fanfare_peer *peer)
{
	/* without shutdown(2): a forked process may use the same socket */
	if (peer->fd >= 0) {
		close(peer->fd);
		peer->fd = -1;
	}
	peer->busy = false;
	peer->proven = false;
	peer->patience = 0;
	peer->in_start = peer->in_end = 0;
	peer->hello.size = 0;
	fanfare_log_rewind(&peer->log);
}

void fanfare_peer_shrink(msgpack_sbuffer *buffer)
{
	if (buffer->alloc > PEER_KEEP) {
		msgpack_sbuffer_destroy(buffer);
		msgpack_sbuffer_init(buffer);
	}
	buffer->size = 0;
}

void fanfare_peer_forget(struct fanfare_peer *peer)
{
	fanfare_log_clear(&peer->log);
	memset(&peer->counts, 0, sizeof(peer->counts));
}

void fanfare_peer_forked(struct fanfare_peer *peer)
{
	fanfare_peer_drop(peer);
	fanfare_peer_forget(peer);
	/* two processes with one identity would take each other's numbers for frames that were sent before */
	peer->has_producer = false;
	peer->next_seq = 1;
	memset(&peer->breaker, 0, sizeof(peer->breaker));
}

void fanfare_peer_reject_log(struct fanfare_peer *peer)
{
	if (fanfare_peer_pending(peer) != 0) {
		peer->counts.rejected += fanfare_peer_pending(peer);
		fanfare_counts_fail(&peer->counts, &peer->refusal, peer->identity.socket);
	}
	fanfare_log_clear(&peer->log);
}
