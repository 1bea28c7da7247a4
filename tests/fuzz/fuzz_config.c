/*
 * Fuzz target: a configuration file. The bytes up to the first 0xff are the file, the rest is the
 * value of two variables of the environment.
 *
 * Held to: a result exactly when no error was reported; every report is one line of valid UTF-8;
 * what was accepted keeps the promises of ops/config.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ops/config_load.h"
#include "ops/config_file.h"
#include "ops/config_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void count(void *arg, bool error, const char *text)
{
    require(*text != '\0' && config_text_is_clean(text, strlen(text)));
    *(unsigned int *)arg += error;
}

static char *variable(const char *name, const uint8_t *value, size_t len)
{
    size_t name_len = strlen(name);
    char *text = mem_alloc(name_len + len + 1);

    memcpy(text, name, name_len);
    memcpy(text + name_len, value, len);
    text[name_len + len] = '\0';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    const uint8_t *split = memchr(input, 0xff, len);
    size_t file_len = split == NULL ? len : (size_t)(split - input);
    size_t rest = split == NULL ? 0 : len - file_len - 1;
    unsigned int errors = 0;
    char *envp[3] = {NULL, NULL, NULL};

    if (rest > 0) {
        envp[0] = variable("FANFARE_SERVER_LISTEN=", split + 1, rest);
        envp[1] = variable("FANFARE_APP_ID=", split + 1, rest);
    }
    struct config *config = config_parse("f", (const char *)input, file_len, envp, count, &errors);
    require((config == NULL) == (errors > 0));
    if (config != NULL) {
        require(config->listen.count > 0 && config->napps > 0 && config->workers <= 64);
        require(*config->socket != '\0' && config->mode <= 0777);
        for (size_t i = 0; i < config->napps; i++) {
            const struct app_settings *app = &config->apps[i];
            require(value_is_app_id(app->id, strlen(app->id)));
            require(*app->key != '\0' && *app->secret != '\0' && app->webhook_url != NULL);
        }
    }
    config_free(config);
    mem_free(envp[0]);
    mem_free(envp[1]);
    return 0;
}
