/*
 * What is noted for one that looks at the console: a bounded number a second of what passes, evenly
 * spread over it, as JSON. On the hub.
 *
 * Owns the text of a second. Knows nothing of who looks, of connections, or of how often a second
 * ends. What does not fit is left out whole.
 */
#ifndef FF_LINKS_CONSOLE_NOTES_H
#define FF_LINKS_CONSOLE_NOTES_H

#include "base/buf.h"
#include "pubsub/broadcast.h"

#define CONSOLE_SAMPLES 20u         /* of them in a second */
#define CONSOLE_PAYLOAD 2048u       /* bytes of one that are shown */
#define CONSOLE_NOTES   (64u << 10) /* bytes of all of a second */

/* Every stride-th of what is seen is noted, as many as CONSOLE_SAMPLES in a second: the stride is
 * the one that would have been right for the second before. */
struct console_notes {
    struct buf json; /* items with commas between them */
    uint64_t seen;
    uint32_t stride, noted;
};

void console_notes_init(struct console_notes *notes);
void console_notes_free(struct console_notes *notes);
/* Another second begins. */
void console_notes_next(struct console_notes *notes);

/* Counts it; the stride says whether it is noted. `here`: subscribers of this node. */
void console_note_message(struct console_notes *notes, const struct hub *hub,
                          const struct broadcast *broadcast, uint32_t here, bool payload);
void console_note_announcement(struct console_notes *notes, const struct hub *hub,
                               const struct announcement *announcement);

/* ,"KEY":{"seen":n,"items":[...]} */
int console_notes_write(struct buf *out, const char *key,
                        const struct console_notes *notes) MUST_CHECK;

#endif
