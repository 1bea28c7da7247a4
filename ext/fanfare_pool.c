#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include <string.h>
#include <syslog.h>

#include "zend_exceptions.h"

#include "fanfare_errors.h"
#include "fanfare_pool.h"

#define TURN_NS 2000000u

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

void fanfare_tally_take(struct fanfare_tally *tally, struct fanfare_tally *from)
{
	tally->acknowledged += from->acknowledged;
	tally->rejected += from->rejected;
	if (from->failed && !tally->failed) {
		tally->failed = true;
		tally->first = from->first;
		memcpy(tally->where, from->where, sizeof(tally->where));
	}
	from->acknowledged = 0;
	from->rejected = 0;
	from->failed = false;
}

/* A free slot, or that of the peer that was used longest ago and waits for nothing. -1 when all of them wait. */
static int free_slot(void)
{
	int best = -1;

	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		struct fanfare_peer *peer = FANFARE_G(peers)[i];

		if (peer == NULL) {
			return i;
		}
		fanfare_peer_check_fork(peer);
		if (fanfare_peer_pending(peer) == 0 && (best < 0 || peer->used < FANFARE_G(peers)[best]->used)) {
			best = i;
		}
	}
	if (best >= 0) {
		fanfare_tally_take(&FANFARE_G(closed), &FANFARE_G(peers)[best]->tally);
		fanfare_peer_free(FANFARE_G(peers)[best]);
		FANFARE_G(peers)[best] = NULL;
	}
	return best;
}

static int make_room(const struct fanfare_client *client)
{
	struct fanfare_budget budget;
	struct fanfare_outcome ignored;
	uint64_t now, deadline;
	int slot = free_slot();

	if (slot >= 0) {
		return slot;
	}
	fanfare_pool_budget(client, &budget);
	now = fanfare_io_now();
	deadline = now + (uint64_t) (budget.timeout * 1e9);
	/* in turns, as nobody knows which one is answered first */
	for (int i = 0; now < deadline; i = (i + 1) % FANFARE_MAX_PEERS) {
		if (fanfare_peer_collect(FANFARE_G(peers)[i], now + TURN_NS, &ignored) == 0) {
			return free_slot();
		}
		now = fanfare_io_now();
	}
	return -1;
}

static struct fanfare_peer *find_or_create(struct fanfare_client *client, const char *socket, size_t socket_len,
                                           const char *app, size_t app_len, const char *secret, size_t secret_len,
                                           bool quiet)
{
	struct fanfare_address address;
	struct fanfare_peer *peer;
	const char *why;
	int slot;

	for (unsigned int i = 0; i < FANFARE_MAX_PEERS; i++) {
		peer = FANFARE_G(peers)[i];
		if (peer != NULL && same(peer->socket, peer->socket_len, socket, socket_len) &&
		    same(peer->app, peer->app_len, app, app_len) && same(peer->secret, peer->secret_len, secret, secret_len)) {
			client->peer_slot = i;
			return peer;
		}
	}
	if (quiet) {
		return NULL;
	}
	if (fanfare_io_address(&address, socket, socket_len, &why) != 0) {
		zend_throw_exception_ex(fanfare_ce_configuration, 0, "The socket \"%s\" %s", socket, why);
		return NULL;
	}
	slot = make_room(client);
	if (slot < 0) {
		struct fanfare_outcome outcome = {.status = FANFARE_CONNECT, .index = -1};
		snprintf(outcome.text, sizeof(outcome.text), "all %d connections of this thread wait for answers",
		         FANFARE_MAX_PEERS);
		fanfare_throw(&outcome, socket);
		return NULL;
	}
	peer = fanfare_peer_new(++FANFARE_G(clock), &address, socket, socket_len, app, app_len, secret, secret_len);
	if (peer == NULL) {
		struct fanfare_outcome outcome = {.status = FANFARE_NO_MEMORY, .index = -1};
		fanfare_throw(&outcome, socket);
		return NULL;
	}
	FANFARE_G(peers)[slot] = peer;
	client->peer_slot = (unsigned int) slot;
	return peer;
}

static const char *setting(const char *value)
{
	return value == NULL ? "" : value;
}

static struct fanfare_peer *resolve(struct fanfare_client *client, bool quiet)
{
	const char *ini_app = setting(FANFARE_G(app_id)), *ini_secret = setting(FANFARE_G(app_secret));
	const char *app = ini_app, *secret = ini_secret, *socket = setting(FANFARE_G(socket));
	size_t app_len = strlen(app), secret_len = strlen(secret), socket_len = strlen(socket);

	if (client->app != NULL) {
		/* the secret of the ini settings belongs to the application of the ini settings */
		if (!same(ZSTR_VAL(client->app), ZSTR_LEN(client->app), ini_app, app_len)) {
			secret = "";
			secret_len = 0;
		}
		app = ZSTR_VAL(client->app);
		app_len = ZSTR_LEN(client->app);
	}
	if (client->secret != NULL) {
		secret = ZSTR_VAL(client->secret);
		secret_len = ZSTR_LEN(client->secret);
	}
	if (client->socket != NULL) {
		socket = ZSTR_VAL(client->socket);
		socket_len = ZSTR_LEN(client->socket);
	}

	if (!quiet && app_len == 0) {
		zend_throw_exception(fanfare_ce_configuration,
		                     "No application: set fanfare.app_id or give the app to Fanfare\\Client", 0);
		return NULL;
	}
	if (!quiet && secret_len == 0) {
		zend_throw_exception_ex(fanfare_ce_configuration, 0,
		                        "No secret for the application \"%s\": set fanfare.app_secret together with "
		                        "fanfare.app_id, or give the secret to Fanfare\\Client",
		                        app);
		return NULL;
	}
	if (!quiet && app_len > 1024) {
		zend_throw_exception(fanfare_ce_configuration, "The application id is longer than 1024 bytes", 0);
		return NULL;
	}
	return find_or_create(client, socket, socket_len, app, app_len, secret, secret_len, quiet);
}

struct fanfare_peer *fanfare_pool_peer(struct fanfare_client *client, bool quiet)
{
	struct fanfare_peer *peer = client->peer;

	if (UNEXPECTED(peer == NULL || FANFARE_G(peers)[client->peer_slot] != peer || peer->id != client->peer_id ||
	               client->ini_generation != FANFARE_G(ini_generation))) {
		peer = resolve(client, quiet);
		if (peer == NULL) {
			return NULL;
		}
		client->peer = peer;
		client->peer_id = peer->id;
		client->ini_generation = FANFARE_G(ini_generation);
	}
	peer->used = ++FANFARE_G(clock);
	return peer;
}

void fanfare_pool_budget(const struct fanfare_client *client, struct fanfare_budget *budget)
{
	budget->timeout = client->timeout > 0 ? client->timeout : FANFARE_G(timeout);
	budget->breaker = FANFARE_G(breaker);
	budget->async_bytes = (size_t) FANFARE_G(async_buffer);
}

uint64_t fanfare_pool_flush(double timeout, struct fanfare_tally *tally)
{
	uint64_t deadline = fanfare_io_now() + (uint64_t) (timeout * 1e9), unknown = 0;

	memset(tally, 0, sizeof(*tally));
	fanfare_tally_take(tally, &FANFARE_G(closed));
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		struct fanfare_peer *peer = FANFARE_G(peers)[i];
		struct fanfare_outcome outcome;
		unsigned int left;

		if (peer == NULL) {
			continue;
		}
		left = fanfare_peer_collect(peer, deadline, &outcome);
		if (left != 0) {
			fanfare_peer_tally_failure(peer, &outcome);
		}
		fanfare_tally_take(tally, &peer->tally);
		unknown += left;
	}
	return unknown;
}

void fanfare_pool_request_end(void)
{
	uint64_t deadline = 0;

	memset(&FANFARE_G(closed), 0, sizeof(FANFARE_G(closed)));
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		struct fanfare_peer *peer = FANFARE_G(peers)[i];
		struct fanfare_outcome outcome;
		unsigned int left, unsent;

		if (peer == NULL) {
			continue;
		}
		fanfare_peer_check_fork(peer);
		if (fanfare_peer_pending(peer) == 0 && peer->tally.rejected == 0) {
			memset(&peer->tally, 0, sizeof(peer->tally));
			continue;
		}
		if (deadline == 0) {
			deadline = fanfare_io_now() + (uint64_t) (FANFARE_G(shutdown_flush) * 1e9);
		}
		left = fanfare_peer_collect(peer, deadline, &outcome);
		/* after a lost connection everything is unsent again, but for what had its answer */
		unsent = peer->ring_unsent == peer->ring_len ? left : peer->ring_unsent;
		if (peer->tally.rejected != 0 || unsent != 0 || (left != 0 && FANFARE_G(shutdown_flush) > 0)) {
			char line[800], why[400] = "";

			if (peer->tally.failed) {
				fanfare_outcome_text(&peer->tally.first, peer->socket, why, sizeof(why));
			} else if (left != 0) {
				fanfare_outcome_text(&outcome, peer->socket, why, sizeof(why));
			}
			snprintf(line, sizeof(line),
			         "fanfare: messages of application %s at the end of the request: %u not sent, %u without an "
			         "answer, %llu rejected: %s",
			         peer->app, unsent, left - unsent, (unsigned long long) peer->tally.rejected, why);
			php_log_err_with_severity(line, LOG_WARNING);
		}
		fanfare_peer_forget(peer);
	}
}

void fanfare_pool_free(zend_fanfare_globals *globals)
{
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		if (globals->peers[i] != NULL) {
			fanfare_peer_free(globals->peers[i]);
			globals->peers[i] = NULL;
		}
	}
}
