/*
 * Webhooks: what happens on an application's channels, told to its webhook_url in Pusher's format.
 *
 * Owns a queue for each application that has a URL (links/webhook_queue); requests are made by
 * links/webhook_http on a thread of its own, which is started with the first. Runs on the hub and
 * never waits. Nothing is announced before an application has a URL.
 */
#ifndef FF_LINKS_WEBHOOK_H
#define FF_LINKS_WEBHOOK_H

#include "pubsub/hub.h"

struct webhooks;

/* Before the hub's loop runs. Takes the settings as they are; hub->webhooks is set. */
struct webhooks *webhooks_new(struct hub *hub);

/* The applications' settings have changed. What waits for a URL that is gone is dropped. */
void webhooks_configure(struct webhooks *webhooks);

/* This node has found that one dead (pubsub/elsewhere.h), of which it had heard last at heard_ms:
 * tells what that one may not have told any more. */
void webhooks_teller_gone(struct webhooks *webhooks, uint32_t teller, uint64_t heard_ms);

/* Nobody can return any more: what was held back goes now. */
void webhooks_hurry(struct webhooks *webhooks);

/* Events that are still to be delivered. */
uint64_t webhooks_waiting(const struct webhooks *webhooks);

/* What is left is dropped, counted and logged. Breaks off what is under way. */
void webhooks_free(struct webhooks *webhooks);

#endif
