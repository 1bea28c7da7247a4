/*
 * A Sec-WebSocket-Extensions header.
 *
 * Holds: the verdict is the same twice; what is taken is a window from 8 to 15, and offering it
 * alone in the plainest words is taken in the same way; the answer fits its room.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/ws_extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    check(copy != NULL);
    memcpy(copy, data, size);
    struct ws_deflate got = {0}, again = {0};
    struct slice header = {copy, size};
    bool taken = ws_deflate_accept(header, &got);
    check(ws_deflate_accept(header, &again) == taken);
    if (taken) {
        char answer[WS_DEFLATE_ANSWER_MAX], plain[80];
        check(got.server_bits >= 8 && got.server_bits <= 15);
        check(got.server_bits == again.server_bits && got.limited == again.limited);
        check(got.limited || got.server_bits == 15);
        size_t len = ws_deflate_answer(&got, answer);
        check(len < sizeof(answer) && memcmp(answer + len - 2, "\r\n", 2) == 0);
        int written = snprintf(plain, sizeof(plain), "permessage-deflate;server_max_window_bits=%u",
                               got.server_bits);
        check(ws_deflate_accept((struct slice){plain, (size_t)written}, &again));
        check(again.server_bits == got.server_bits);
    }
    free(copy);
    return 0;
}
