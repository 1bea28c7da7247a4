#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "php_fanfare.h"

#include <string.h>
#include <syslog.h>

#include "zend_exceptions.h"

#include "fanfare_async.h"
#include "fanfare_errors.h"
#include "fanfare_pool.h"

#define POOL_TURN_NS   2000000u
#define POOL_MINUTE_NS 60000000000u
#define POOL_MAX_APP   1024u

/* What a peer that had to make room has still to report. */
struct fanfare_retired {
	struct fanfare_retired *next;
	struct fanfare_identity identity;
	struct fanfare_counts counts;
};

unsigned int fanfare_fork_generation;

static void pool_free_retired(struct fanfare_retired *retired)
{
	while (retired != NULL) {
		struct fanfare_retired *next = retired->next;

		fanfare_identity_free(&retired->identity);
		free(retired);
		retired = next;
	}
}

static void pool_check_fork(void)
{
	if (EXPECTED(FANFARE_G(fork_generation) == fanfare_fork_generation)) {
		return;
	}
	FANFARE_G(fork_generation) = fanfare_fork_generation;
	FANFARE_G(async_spent) = 0;
	pool_free_retired(FANFARE_G(retired));
	FANFARE_G(retired) = NULL;
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		if (FANFARE_G(peers)[i] != NULL) {
			fanfare_peer_forked(FANFARE_G(peers)[i]);
		}
	}
}

/* ---- time ---- */

static uint64_t pool_ns(double seconds)
{
	return (uint64_t) (seconds * 1e9); /* at most a day: whoever set it was told so */
}

void fanfare_pool_budget(const struct fanfare_client *client, struct fanfare_budget *budget)
{
	budget->limit = pool_ns(client->timeout > 0 ? client->timeout : FANFARE_G(timeout));
	budget->allowance = budget->limit;
	budget->deadline = 0;
	budget->breaker = FANFARE_G(breaker);
	budget->async_bytes = (size_t) FANFARE_G(async_buffer);
}

void fanfare_pool_async_budget(const struct fanfare_client *client, struct fanfare_budget *budget)
{
	fanfare_pool_budget(client, budget);
	if (EXPECTED(FANFARE_G(async_spent) == 0)) {
		return;
	}
	if (fanfare_io_now() - FANFARE_G(async_since) > POOL_MINUTE_NS) {
		FANFARE_G(async_spent) = 0;
	}
	budget->allowance -= FANFARE_G(async_spent) < budget->limit ? FANFARE_G(async_spent) : budget->limit;
}

void fanfare_pool_async_done(const struct fanfare_budget *budget, bool answered)
{
	uint64_t begin = budget->deadline - budget->allowance;

	if (EXPECTED(budget->deadline == 0)) {
		return;
	}
	if (answered) {
		FANFARE_G(async_spent) = 0;
		return;
	}
	if (FANFARE_G(async_spent) == 0) {
		FANFARE_G(async_since) = begin;
	}
	FANFARE_G(async_spent) += fanfare_io_now() - begin;
}

/* ---- slots ---- */

/* Keeps what the peer has to report. False when memory ran out. */
static bool pool_retire(struct fanfare_peer *peer)
{
	struct fanfare_retired *retired;

	if (fanfare_counts_empty(&peer->counts)) {
		return true;
	}
	retired = calloc(1, sizeof(*retired));
	if (retired == NULL || fanfare_identity_copy(&retired->identity, &peer->identity) != 0) {
		free(retired);
		return false;
	}
	fanfare_counts_take(&retired->counts, &peer->counts);
	retired->next = FANFARE_G(retired);
	FANFARE_G(retired) = retired;
	return true;
}

/* Takes what was kept under this identity. There is one entry at most: a peer that comes back takes it along. */
static void pool_take_retired(const struct fanfare_identity *identity, struct fanfare_counts *counts)
{
	for (struct fanfare_retired **at = &FANFARE_G(retired); *at != NULL; at = &(*at)->next) {
		struct fanfare_retired *retired = *at;

		if (fanfare_identity_same(&retired->identity, identity)) {
			fanfare_counts_take(counts, &retired->counts);
			*at = retired->next;
			retired->next = NULL;
			pool_free_retired(retired);
			return;
		}
	}
}

/* A free slot, or that of the peer that was used longest ago and waits for nothing. -1 when all of them wait. */
static int pool_free_slot(void)
{
	struct fanfare_peer **peers = FANFARE_G(peers);
	int best = -1;

	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		if (peers[i] == NULL) {
			return i;
		}
		if (fanfare_peer_pending(peers[i]) == 0 && (best < 0 || peers[i]->used < peers[best]->used)) {
			best = i;
		}
	}
	if (best < 0 || !pool_retire(peers[best])) {
		return -1;
	}
	fanfare_peer_free(peers[best]);
	peers[best] = NULL;
	return best;
}

static int pool_make_room(struct fanfare_budget *budget)
{
	struct fanfare_outcome ignored;
	uint64_t now;
	int slot = pool_free_slot();

	if (slot >= 0) {
		return slot;
	}
	fanfare_budget_begin(budget);
	/* in turns, as nobody knows which one is answered first */
	for (int i = 0; (now = fanfare_io_now()) < budget->deadline; i = (i + 1) % FANFARE_MAX_PEERS) {
		struct fanfare_budget turn = *budget;

		turn.allowance = POOL_TURN_NS;
		turn.deadline = now + POOL_TURN_NS < budget->deadline ? now + POOL_TURN_NS : budget->deadline;
		if (fanfare_async_collect(FANFARE_G(peers)[i], &turn, &ignored) == 0) {
			return pool_free_slot();
		}
		/* one that fails at once must not make a busy loop of this */
		if (fanfare_io_pause(turn.deadline) != FANFARE_IO_OK) {
			break;
		}
	}
	return -1;
}

static struct fanfare_peer *pool_lookup(struct fanfare_client *client, const struct fanfare_identity *identity)
{
	for (unsigned int i = 0; i < FANFARE_MAX_PEERS; i++) {
		struct fanfare_peer *peer = FANFARE_G(peers)[i];

		if (peer != NULL && fanfare_identity_same(&peer->identity, identity)) {
			client->peer_slot = i;
			return peer;
		}
	}
	return NULL;
}

static bool pool_address(const struct fanfare_identity *identity, struct fanfare_address *address)
{
	const char *why;

	if (fanfare_io_address(address, identity->socket, identity->socket_len, &why) != 0) {
		zend_throw_exception_ex(fanfare_ce_configuration, 0, "The socket \"%s\" %s", identity->socket, why);
		return false;
	}
	return true;
}

static struct fanfare_peer *pool_create(struct fanfare_client *client, const struct fanfare_identity *identity,
                                        struct fanfare_budget *budget)
{
	struct fanfare_outcome outcome;
	struct fanfare_address address;
	struct fanfare_peer *peer;
	int slot;

	if (!pool_address(identity, &address)) {
		return NULL;
	}
	fanfare_outcome_init(&outcome);
	slot = pool_make_room(budget);
	if (slot < 0) {
		snprintf(outcome.text, sizeof(outcome.text), "all %d connections of this thread wait for answers",
		         FANFARE_MAX_PEERS);
		fanfare_outcome_fail(&outcome, FANFARE_CONNECT, FANFARE_PHASE_CONNECT, false);
		fanfare_throw(&outcome, identity->socket);
		return NULL;
	}
	peer = fanfare_peer_new(++FANFARE_G(clock), &address, identity);
	if (peer == NULL) {
		fanfare_outcome_fail(&outcome, FANFARE_NO_MEMORY, FANFARE_PHASE_CONNECT, false);
		fanfare_throw(&outcome, identity->socket);
		return NULL;
	}
	pool_take_retired(identity, &peer->counts);
	FANFARE_G(peers)[slot] = peer;
	client->peer_slot = (unsigned int) slot;
	return peer;
}

/* ---- handles ---- */

static void pool_set(const char **text, size_t *len, const zend_string *own, const char *ini)
{
	if (own != NULL) {
		*text = ZSTR_VAL(own);
		*len = ZSTR_LEN(own);
	} else {
		*text = ini == NULL ? "" : ini;
		*len = strlen(*text);
	}
}

/* Views that are good as long as neither the client nor an ini setting changes. */
static void pool_identity(const struct fanfare_client *client, struct fanfare_identity *identity)
{
	const char *ini_app = FANFARE_G(app_id) == NULL ? "" : FANFARE_G(app_id), *ini_secret = FANFARE_G(app_secret);

	pool_set(&identity->socket, &identity->socket_len, client->socket, FANFARE_G(socket));
	pool_set(&identity->app, &identity->app_len, client->app, ini_app);
	if (identity->app_len != strlen(ini_app) || memcmp(identity->app, ini_app, identity->app_len) != 0) {
		ini_secret = ""; /* that of the ini settings belongs to the application of the ini settings */
	}
	pool_set(&identity->secret, &identity->secret_len, client->secret, ini_secret);
}

static bool pool_check_identity(const struct fanfare_identity *identity)
{
	if (identity->app_len == 0) {
		zend_throw_exception(fanfare_ce_configuration,
		                     "No application: set fanfare.app_id or give the app to Fanfare\\Client", 0);
		return false;
	}
	if (identity->secret_len == 0) {
		zend_throw_exception_ex(fanfare_ce_configuration, 0,
		                        "No secret for the application \"%s\": set fanfare.app_secret together with "
		                        "fanfare.app_id, or give the secret to Fanfare\\Client",
		                        identity->app);
		return false;
	}
	if (identity->app_len > POOL_MAX_APP) {
		zend_throw_exception(fanfare_ce_configuration, "The application id is longer than 1024 bytes", 0);
		return false;
	}
	return true;
}

/* What the handle meant at its last call, if it still means the same and that is still there. */
static struct fanfare_peer *pool_remembered(const struct fanfare_client *client)
{
	struct fanfare_peer *peer = client->peer;

	if (UNEXPECTED(peer == NULL || FANFARE_G(peers)[client->peer_slot] != peer || peer->id != client->peer_id ||
	               client->ini_generation != FANFARE_G(ini_generation))) {
		return NULL;
	}
	return peer;
}

static struct fanfare_peer *pool_remember(struct fanfare_client *client, struct fanfare_peer *peer)
{
	if (peer != NULL) {
		client->peer = peer;
		client->peer_id = peer->id;
		client->ini_generation = FANFARE_G(ini_generation);
	}
	return peer;
}

bool fanfare_pool_identity(const struct fanfare_client *client, struct fanfare_identity *identity,
                           struct fanfare_address *address)
{
	pool_identity(client, identity);
	return pool_check_identity(identity) && pool_address(identity, address);
}

struct fanfare_peer *fanfare_pool_peer(struct fanfare_client *client, struct fanfare_budget *budget)
{
	struct fanfare_peer *peer;

	pool_check_fork();
	peer = pool_remembered(client);
	if (UNEXPECTED(peer == NULL)) {
		struct fanfare_identity identity;

		pool_identity(client, &identity);
		if (!pool_check_identity(&identity)) {
			return NULL;
		}
		peer = pool_lookup(client, &identity);
		if (peer == NULL) {
			peer = pool_create(client, &identity, budget);
		}
		if (pool_remember(client, peer) == NULL) {
			return NULL;
		}
	}
	peer->used = ++FANFARE_G(clock);
	return peer;
}

struct fanfare_peer *fanfare_pool_find(struct fanfare_client *client)
{
	struct fanfare_peer *peer;
	struct fanfare_identity identity;

	pool_check_fork();
	peer = pool_remembered(client);
	if (peer != NULL) {
		return peer;
	}
	pool_identity(client, &identity);
	return pool_remember(client, pool_lookup(client, &identity));
}

/* ---- flush ---- */

static void pool_flush_budget(struct fanfare_budget *budget, uint64_t ns)
{
	budget->limit = pool_ns(FANFARE_G(timeout));
	budget->allowance = ns;
	budget->deadline = fanfare_io_now() + ns;
	budget->breaker = FANFARE_G(breaker);
	budget->async_bytes = 0;
}

static uint64_t pool_flush_peer(struct fanfare_peer *peer, struct fanfare_budget *budget, struct fanfare_counts *counts)
{
	struct fanfare_outcome outcome;
	unsigned int left = fanfare_async_collect(peer, budget, &outcome);

	if (left != 0) {
		fanfare_counts_fail(&peer->counts, &outcome, peer->identity.socket);
	}
	fanfare_counts_take(counts, &peer->counts);
	return left;
}

uint64_t fanfare_pool_flush_client(struct fanfare_client *client, uint64_t ns, struct fanfare_counts *counts)
{
	struct fanfare_peer *peer = fanfare_pool_find(client);
	struct fanfare_identity identity;
	struct fanfare_budget budget;

	memset(counts, 0, sizeof(*counts));
	if (peer == NULL) {
		pool_identity(client, &identity);
		pool_take_retired(&identity, counts);
		return 0;
	}
	pool_flush_budget(&budget, ns);
	budget.limit = pool_ns(client->timeout > 0 ? client->timeout : FANFARE_G(timeout));
	return pool_flush_peer(peer, &budget, counts);
}

uint64_t fanfare_pool_flush(uint64_t ns, struct fanfare_counts *counts)
{
	struct fanfare_budget budget;
	uint64_t unanswered = 0;

	memset(counts, 0, sizeof(*counts));
	pool_check_fork();
	pool_flush_budget(&budget, ns);
	for (struct fanfare_retired *retired = FANFARE_G(retired); retired != NULL; retired = retired->next) {
		fanfare_counts_take(counts, &retired->counts);
	}
	pool_free_retired(FANFARE_G(retired));
	FANFARE_G(retired) = NULL;
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		if (FANFARE_G(peers)[i] != NULL) {
			unanswered += pool_flush_peer(FANFARE_G(peers)[i], &budget, counts);
		}
	}
	return unanswered;
}

/* ---- the end ---- */

static void pool_report(const char *app, const char *when, unsigned int unsent, unsigned int unanswered,
                        const struct fanfare_counts *counts, const struct fanfare_outcome *outcome, const char *socket)
{
	char line[900], why[480], unconfirmed[64] = "";

	if (counts->unconfirmed != 0) {
		snprintf(unconfirmed, sizeof(unconfirmed), ", %llu not acknowledged by the cluster",
		         (unsigned long long) counts->unconfirmed);
	}
	fanfare_outcome_text(counts->failed ? &counts->first : outcome, socket, why, sizeof(why));
	snprintf(line, sizeof(line),
	         "fanfare: messages of application %s at the end of the %s: %u not sent, %u without an answer (maybe "
	         "delivered), %llu rejected%s: %s",
	         app, when, unsent, unanswered, (unsigned long long) counts->rejected, unconfirmed, why);
	php_log_err_with_severity(line, LOG_WARNING);
}

/* Whether there are answers that nobody has asked for and that somebody should know. */
static bool pool_is_told(const struct fanfare_counts *counts)
{
	return counts->rejected != 0 || counts->unconfirmed != 0;
}

/* Last chance for the peer's messages; what becomes of them is logged and forgotten. */
static void pool_settle(struct fanfare_peer *peer, const char *when, struct fanfare_budget *budget)
{
	struct fanfare_outcome outcome;
	unsigned int left, unsent;

	if (fanfare_peer_pending(peer) != 0 || pool_is_told(&peer->counts)) {
		if (budget->deadline == 0) {
			pool_flush_budget(budget, pool_ns(FANFARE_G(shutdown_flush)));
		}
		left = fanfare_async_collect(peer, budget, &outcome);
		unsent = fanfare_log_never_left(&peer->log);
		if (pool_is_told(&peer->counts) || unsent != 0 || (left != 0 && FANFARE_G(shutdown_flush) > 0)) {
			pool_report(peer->identity.app, when, unsent, left - unsent, &peer->counts, &outcome,
			            peer->identity.socket);
		}
	}
	fanfare_peer_forget(peer);
}

void fanfare_pool_close(struct fanfare_client *client)
{
	struct fanfare_peer *peer = fanfare_pool_find(client);
	struct fanfare_budget budget = {0};

	if (peer == NULL) {
		return;
	}
	pool_settle(peer, "connection", &budget);
	fanfare_peer_drop(peer);
	free(peer->in);
	peer->in = NULL;
	peer->in_cap = 0;
}

void fanfare_pool_request_end(void)
{
	struct fanfare_budget budget = {0};

	pool_check_fork();
	FANFARE_G(async_spent) = 0;
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		if (FANFARE_G(peers)[i] != NULL) {
			pool_settle(FANFARE_G(peers)[i], "request", &budget);
		}
	}
	for (struct fanfare_retired *retired = FANFARE_G(retired); retired != NULL; retired = retired->next) {
		if (pool_is_told(&retired->counts)) {
			pool_report(retired->identity.app, "request", 0, 0, &retired->counts, &retired->counts.first,
			            retired->identity.socket);
		}
	}
	pool_free_retired(FANFARE_G(retired));
	FANFARE_G(retired) = NULL;
}

void fanfare_pool_free(zend_fanfare_globals *globals)
{
	for (int i = 0; i < FANFARE_MAX_PEERS; i++) {
		if (globals->peers[i] != NULL) {
			fanfare_peer_free(globals->peers[i]);
			globals->peers[i] = NULL;
		}
	}
	pool_free_retired(globals->retired);
	globals->retired = NULL;
}
