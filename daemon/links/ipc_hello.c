#include "links/ipc_hello.h"

#include <stdio.h>

#include "base/clock.h"
#include "proto/sign.h"
#include "shared/ipc_pack.h"

const char *ipc_hello_judge(const struct apps *apps, const struct ff_ipc_hello *hello,
                            struct app **app, char *why, size_t size)
{
    if (hello->version < FF_IPC_VERSION_MIN || hello->version > FF_IPC_VERSION) {
        snprintf(why, size,
                 "protocol version %u is not spoken here, only %d to %d; update fanfared or the "
                 "extension",
                 hello->version, FF_IPC_VERSION_MIN, FF_IPC_VERSION);
        return FF_IPC_REASON_PROTOCOL;
    }
    *app = apps_by_id(apps, hello->app.p, hello->app.len);
    if (*app == NULL) {
        snprintf(
            why, size,
            "no application has this id; compare FANFARE_APP_ID with the daemon's configuration");
        return FF_IPC_REASON_UNKNOWN_APP;
    }
    uint64_t now = clock_wall_ms();
    uint64_t skew = now > hello->unix_ms ? now - hello->unix_ms : hello->unix_ms - now;
    if (skew > FF_IPC_MAX_CLOCK_SKEW_MS) {
        snprintf(why, size, "the hello's clock is %llu s off, 600 are allowed",
                 (unsigned long long)(skew / 1000));
        return FF_IPC_REASON_UNAUTHORIZED;
    }
    char text[160 + 64];
    uint8_t mac[SIGN_LEN];
    if (hello->app.len > 64) {
        snprintf(why, size, "the application's id is too long");
        return FF_IPC_REASON_UNAUTHORIZED;
    }
    struct slice part = {text, ff_ipc_mac_text(text, hello->app, hello->producer, hello->unix_ms)};
    sign_hmac((*app)->secret, &part, 1, mac);
    if (!sign_equal(mac, hello->mac, SIGN_LEN)) {
        snprintf(why, size,
                 "the secret is wrong; compare FANFARE_APP_SECRET with the daemon's configuration");
        return FF_IPC_REASON_UNAUTHORIZED;
    }
    if (!(*app)->settings->enabled) {
        snprintf(why, size, "the application is disabled");
        return FF_IPC_REASON_APP_DISABLED;
    }
    return NULL;
}
