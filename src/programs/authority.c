// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/authority.h"

#include "base/log.h"
#include "io/file.h"
#include "programs/certificate.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 * 1024 };

/* A key and its certificate; either may be NULL. */
struct pair {
    EVP_PKEY *key;
    X509 *certificate;
};

static void pair_release(struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
    *pair = (struct pair){0};
}

static int read_pair(int folder, const char *name, struct pair *ret)
{
    struct buffer pem;
    buffer_init(&pem, FILE_MAX_BYTES);
    int error = file_read(folder, name, &pem);
    if (error == 0) {
        ret->certificate = certificate_read(buffer_view(&pem));
        ret->key = certificate_read_key(buffer_view(&pem));
    }
    if (pem.data)
        explicit_bzero(pem.data, pem.capacity);
    buffer_release(&pem);
    if (error == 0 &&
        (!ret->key || !ret->certificate || X509_check_private_key(ret->certificate, ret->key) != 1))
        error = -EBADMSG;
    if (error < 0)
        pair_release(ret);
    return error;
}

/* Key and certificate in one file, so that a crash never leaves one of each generation. */
static int write_pair(int folder, const char *name, const struct pair *pair, struct buffer *why)
{
    struct buffer pem;
    buffer_init(&pem, FILE_MAX_BYTES);
    int error = -EIO;
    if (certificate_write_key(pair->key, &pem) && certificate_write(pair->certificate, &pem))
        error = file_write_atomic(folder, name, buffer_view(&pem), 0600);
    if (pem.data)
        explicit_bzero(pem.data, pem.capacity);
    buffer_release(&pem);
    if (error < 0)
        buffer_printf(why, "%s cannot be written: %.*s", name, TEXT_ARGS(log_errno(error)));
    return error;
}

/* What devices install: the certificate alone. */
static int write_public(int folder, const char *name, X509 *certificate, struct buffer *why)
{
    struct buffer pem;
    buffer_init(&pem, FILE_MAX_BYTES);
    int error = certificate_write(certificate, &pem)
                    ? file_write_atomic(folder, name, buffer_view(&pem), 0644)
                    : -EIO;
    buffer_release(&pem);
    if (error < 0)
        buffer_printf(why, "%s cannot be written: %.*s", name, TEXT_ARGS(log_errno(error)));
    return error;
}

static int make_authority(int folder, const struct text *names, size_t count, int64_t now_s,
                          struct pair *ret, struct buffer *why)
{
    char host[65] = "", label[128];
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(label, sizeof label, "Sostenuto on %.40s", host);
    ret->key = certificate_key_new();
    ret->certificate =
        ret->key ? certificate_authority_new(ret->key, label, names, count, now_s) : NULL;
    if (!ret->certificate) {
        buffer_printf(why, "no authority could be made: %s", certificate_error());
        pair_release(ret);
        return -EIO;
    }
    int error = write_pair(folder, "ca.pem", ret, why);
    if (error == 0)
        error = write_public(folder, "ca.crt", ret->certificate, why);
    if (error < 0)
        pair_release(ret);
    return error;
}

static int issue(int folder, const struct text *names, size_t count, const struct pair *authority,
                 int64_t now_s, struct buffer *why)
{
    for (size_t i = 0; i < count; i++) {
        if (certificate_permits(authority->certificate, names[i]))
            continue;
        buffer_printf(why,
                      "the authority that is there may not sign for \"%.*s\"; make a new one with "
                      "--new-authority "
                      "(devices must install it again)",
                      TEXT_ARGS(names[i]));
        return -EPERM;
    }
    struct pair server = {.key = certificate_key_new()};
    if (server.key)
        server.certificate = certificate_server_new(server.key, names, count,
                                                    authority->certificate, authority->key, now_s);
    int error = -EIO;
    if (server.certificate)
        error = write_pair(folder, "server.pem", &server, why);
    else
        buffer_printf(why, "no certificate could be made: %s", certificate_error());
    pair_release(&server);
    return error;
}

static int open_folder(const char *keys_folder, struct buffer *why)
{
    int error = file_make_dirs(AT_FDCWD, keys_folder, 0700);
    int folder = error < 0 ? error : file_open_dir(AT_FDCWD, keys_folder);
    if (folder < 0)
        buffer_printf(why, "%s: %.*s", keys_folder, TEXT_ARGS(log_errno(folder)));
    return folder;
}

int authority_init(const char *keys_folder, const struct text *names, size_t count,
                   bool is_new_authority, int64_t now_s, enum authority_outcome *ret_outcome,
                   struct buffer *why)
{
    struct pair authority = {0};
    int folder = open_folder(keys_folder, why);
    if (folder < 0)
        return folder;
    int error = read_pair(folder, "ca.pem", &authority);
    enum authority_outcome outcome = AUTHORITY_KEPT;
    if (is_new_authority || error == -ENOENT) {
        pair_release(&authority);
        outcome = AUTHORITY_MADE;
        error = make_authority(folder, names, count, now_s, &authority, why);
    } else if (error < 0) {
        buffer_printf(why, "%s/ca.pem: %.*s; make a new one with --new-authority", keys_folder,
                      TEXT_ARGS(log_errno(error)));
    }
    if (error == 0)
        error = issue(folder, names, count, &authority, now_s, why);
    pair_release(&authority);
    (void)close(folder);
    if (error == 0)
        *ret_outcome = outcome;
    return error;
}

static int renew(int folder, const struct pair *authority, const struct pair *former, int64_t now_s,
                 struct buffer *why)
{
    struct pair server = {.key = certificate_key_new()};
    if (server.key)
        server.certificate = certificate_server_again(
            server.key, former->certificate, authority->certificate, authority->key, now_s);
    int error = -EIO;
    if (server.certificate)
        error = write_pair(folder, "server.pem", &server, why);
    else
        buffer_printf(why, "no certificate could be made: %s", certificate_error());
    pair_release(&server);
    return error;
}

int authority_renew(const char *keys_folder, int64_t now_s, struct buffer *why)
{
    struct pair authority = {0}, former = {0};
    int folder = file_open_dir(AT_FDCWD, keys_folder);
    if (folder < 0)
        return folder == -ENOENT ? 0 : folder;
    int result = 0;
    if (read_pair(folder, "ca.pem", &authority) == 0 &&
        read_pair(folder, "server.pem", &former) == 0 &&
        X509_check_issued(authority.certificate, former.certificate) == X509_V_OK &&
        certificate_is_due(former.certificate, now_s)) {
        result = renew(folder, &authority, &former, now_s, why);
        result = result == 0 ? 1 : result;
    }
    pair_release(&authority);
    pair_release(&former);
    (void)close(folder);
    return result;
}

bool authority_fingerprint(const char *keys_folder, char ret_hex[96])
{
    struct buffer pem;
    buffer_init(&pem, FILE_MAX_BYTES);
    int folder = file_open_dir(AT_FDCWD, keys_folder);
    X509 *certificate = NULL;
    if (folder >= 0 && file_read(folder, "ca.crt", &pem) == 0)
        certificate = certificate_read(buffer_view(&pem));
    bool is_found = certificate && certificate_fingerprint(certificate, ret_hex);
    X509_free(certificate);
    buffer_release(&pem);
    if (folder >= 0)
        (void)close(folder);
    return is_found;
}
