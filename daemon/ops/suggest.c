#include "ops/suggest.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 48

/* Edit distance with neighbours swapped counting one, three rows at a time. Both are at most
 * LONGEST bytes. */
static size_t suggest_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b_len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t best = last[j - 1] + (x != y);
            if (last[j] + 1 < best) {
                best = last[j] + 1;
            }
            if (now[j - 1] + 1 < best) {
                best = now[j - 1] + 1;
            }
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b_len];
}

size_t suggest(const char *word, const char *const *names, size_t count)
{
    size_t word_len = strlen(word), nearest = SUGGEST_NONE, least = SUGGEST_NONE;

    if (word_len == 0 || word_len > LONGEST) {
        return SUGGEST_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        size_t name_len = strlen(names[i]);
        if (name_len > LONGEST) {
            continue;
        }
        size_t apart = suggest_distance(word, word_len, names[i], name_len);
        if (apart <= (name_len + 2) / 4 + 1 && apart < name_len && apart < least) {
            least = apart;
            nearest = i;
        }
    }
    return nearest;
}
