#include "ops/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_MAX (1u << 20) /* a chain of certificates has some kilobytes */

/* One pair while it is read. */
struct pair {
    const char *certificate, *key; /* their files */
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *private;
    config_report_fn *report;
    void *arg;
};

static void certificates_say(struct pair *pair, bool error, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void certificates_say(struct pair *pair, bool error, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    pair->report(pair->arg, error, text);
}

/* ---- files ---- */

static void certificates_say_unreadable(struct pair *pair, const char *what, const char *path,
                                        int error)
{
    char hint[256] = "";
    if (error == EACCES || error == EPERM) {
        const struct passwd *user = getpwuid(geteuid());
        snprintf(hint, sizeof(hint),
                 ": let the user %s read it and enter its directories, for example with setfacl or "
                 "by a copy made at each renewal",
                 user != NULL ? user->pw_name : "that fanfared runs as");
    } else if (error == ENOENT) {
        snprintf(hint, sizeof(hint), ": correct [tls] %s",
                 strcmp(what, "key") == 0 ? "key" : "certificate");
    }
    certificates_say(pair, true, "cannot read the %s %s: %s%s", what, path, strerror(error), hint);
}

/* The whole file, or NULL with a report. Never waits for a pipe or a device. */
static BIO *certificates_read_file(struct pair *pair, const char *what, const char *path,
                                   struct stat *info)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, info) != 0) {
        certificates_say_unreadable(pair, what, path, errno);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    if (!S_ISREG(info->st_mode) || info->st_size > FILE_MAX) {
        certificates_say(pair, true, "the %s %s is %s, not a PEM file", what, path,
                         S_ISDIR(info->st_mode)   ? "a directory"
                         : S_ISREG(info->st_mode) ? "over 1 MB"
                                                  : "a pipe or a device");
        close(fd);
        return NULL;
    }
    char *bytes = mem_alloc((size_t)info->st_size + 1);
    size_t len = 0;
    ssize_t got;
    while (len < (size_t)info->st_size &&
           (got = read(fd, bytes + len, (size_t)info->st_size - len)) > 0) {
        len += (size_t)got;
    }
    close(fd);
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || (len > 0 && BIO_write(bio, bytes, (int)len) != (int)len)) {
        BIO_free(bio);
        bio = NULL;
        certificates_say(pair, true, "cannot read the %s %s: out of memory", what, path);
    }
    OPENSSL_cleanse(bytes, (size_t)info->st_size);
    mem_free(bytes);
    return bio;
}

static bool certificates_bio_has(BIO *bio, const char *text)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    return len > 0 && memmem(bytes, (size_t)len, text, strlen(text)) != NULL;
}

static const char *certificates_last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "no reason given";
}

static int certificates_read_certificate(struct pair *pair)
{
    struct stat info;
    BIO *bio = certificates_read_file(pair, "certificate", pair->certificate, &info);
    if (bio == NULL) {
        return -1;
    }
    bool holds_key = certificates_bio_has(bio, "PRIVATE KEY-----");
    bool holds_certificate = certificates_bio_has(bio, "-----BEGIN CERTIFICATE-----") ||
                             certificates_bio_has(bio, "-----BEGIN TRUSTED CERTIFICATE-----") ||
                             certificates_bio_has(bio, "-----BEGIN X509 CERTIFICATE-----");
    int result = -1;
    ERR_clear_error();
    if (!holds_certificate) {
        certificates_say(
            pair, true, "%s holds no PEM certificate%s", pair->certificate,
            holds_key ? " but a private key: [tls] certificate and key may have been mixed up"
                      : ": [tls] certificate needs a file with -----BEGIN CERTIFICATE-----, the "
                        "server's own first");
        goto out;
    }
    pair->leaf = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    pair->chain = sk_X509_new_null();
    if (pair->leaf == NULL || pair->chain == NULL) {
        certificates_say(pair, true, "%s: its certificate is damaged (%s)", pair->certificate,
                         certificates_last_reason());
        goto out;
    }
    X509 *issuer;
    while ((issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(pair->chain, issuer) == 0) {
            X509_free(issuer);
            goto out;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        certificates_say(pair, true, "%s: certificate %d in it is damaged (%s)", pair->certificate,
                         sk_X509_num(pair->chain) + 2, certificates_last_reason());
        goto out;
    }
    result = 0;
out:
    ERR_clear_error();
    BIO_free(bio);
    return result;
}

/* Called when the key is encrypted: nobody is there to be asked. */
static int certificates_on_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)arg = true;
    return -1;
}

static int certificates_read_key(struct pair *pair)
{
    struct stat info;
    BIO *bio = certificates_read_file(pair, "key", pair->key, &info);
    if (bio == NULL) {
        return -1;
    }
    bool encrypted = false;
    bool holds_certificate = certificates_bio_has(bio, "-----BEGIN CERTIFICATE-----");
    bool holds_key = certificates_bio_has(bio, "PRIVATE KEY-----");
    ERR_clear_error();
    pair->private = PEM_read_bio_PrivateKey(bio, NULL, certificates_on_passphrase, &encrypted);
    BIO_free(bio);
    if (encrypted) {
        certificates_say(
            pair, true,
            "the key %s is encrypted, and nobody can be asked for its passphrase: decrypt it with "
            "\"openssl pkey -in %s -out NEW\" and protect it by its permissions",
            pair->key, pair->key);
    } else if (!holds_key) {
        certificates_say(pair, true, "%s holds no PEM private key%s", pair->key,
                         holds_certificate
                             ? " but a certificate: [tls] certificate and key may have been "
                               "mixed up"
                             : ": [tls] key needs a file with -----BEGIN PRIVATE KEY-----");
    } else if (pair->private == NULL) {
        certificates_say(pair, true, "%s: the private key is damaged (%s)", pair->key,
                         certificates_last_reason());
    }
    ERR_clear_error();
    if (pair->private == NULL) {
        return -1;
    }
    if ((info.st_mode & S_IROTH) != 0) {
        certificates_say(pair, false, "everybody can read the key %s: chmod o-r it", pair->key);
    }
    return 0;
}

/* ---- pairs ---- */

static void certificates_print_time(const ASN1_TIME *time, char *out, size_t size)
{
    struct tm tm = {.tm_mday = 1};
    ASN1_TIME_to_tm(time, &tm);
    strftime(out, size, "%Y-%m-%d %H:%M UTC", &tm);
}

static void certificates_check_dates(struct pair *pair)
{
    char when[64];
    const ASN1_TIME *from = X509_get0_notBefore(pair->leaf);
    const ASN1_TIME *until = X509_get0_notAfter(pair->leaf);
    if (X509_cmp_current_time(until) < 0) {
        certificates_print_time(until, when, sizeof(when));
        certificates_say(
            pair, false,
            "the certificate %s expired at %s and clients will refuse it: renew it, then reload",
            pair->certificate, when);
    } else if (X509_cmp_current_time(from) > 0) {
        certificates_print_time(from, when, sizeof(when));
        certificates_say(
            pair, false,
            "the certificate %s is valid only from %s on and clients will refuse it till then: "
            "check the clock of this machine",
            pair->certificate, when);
    }
}

static int certificates_load_pair(struct tls_context *context, struct pair *pair)
{
    const char *why;
    /* Both are read, so that both can be complained of. */
    int failed = certificates_read_certificate(pair) | certificates_read_key(pair);
    if (failed != 0) {
        return -1;
    }
    if (X509_check_private_key(pair->leaf, pair->private) != 1) {
        ERR_clear_error();
        certificates_say(
            pair, true,
            "the key %s does not belong to the certificate %s: the files in [tls] certificate and "
            "key must be in the same order, and the server's certificate comes first in its file",
            pair->key, pair->certificate);
        return -1;
    }
    if (tls_context_add(context, pair->leaf, pair->chain, pair->private, &why) != 0) {
        certificates_say(pair, true, "the certificate %s with the key %s cannot be used: %s",
                         pair->certificate, pair->key, why);
        return -1;
    }
    certificates_check_dates(pair);
    return 0;
}

int certificates_load(const struct config *config, struct tls_context *previous,
                      struct tls_context **out, config_report_fn *report, void *arg)
{
    *out = NULL;
    size_t count = config->tls_certificate.count; /* as many as keys: checked by the loader */
    if (count == 0) {
        return 0;
    }
    int result = 0;
    struct tls_context *context = tls_context_new(previous);
    if (context == NULL) {
        report(arg, true, "cannot make a TLS context: out of memory or without random numbers");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct pair pair = {
            .certificate = config->tls_certificate.items[i],
            .key = config->tls_key.items[i],
            .report = report,
            .arg = arg,
        };
        result |= certificates_load_pair(context, &pair);
        X509_free(pair.leaf);
        sk_X509_pop_free(pair.chain, X509_free);
        EVP_PKEY_free(pair.private);
    }
    if (result != 0) {
        tls_context_unref(context);
        return -1;
    }
    *out = context;
    return 0;
}
