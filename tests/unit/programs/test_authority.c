// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/authority.h"

#include "io/file.h"
#include "programs/certificate.h"
#include "tap.h"
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sostenuto-authority-XXXXXX";
static struct buffer why;
static const int64_t now_s = 1800000000;
static const struct text home[] = {TEXT_INIT("nas.local"), TEXT_INIT("192.168.1.5"),
                                   TEXT_INIT("music.example.org")};

static X509 *read_certificate(const char *name)
{
    struct buffer pem;
    buffer_init(&pem, 65536);
    int dir = file_open_dir(AT_FDCWD, folder);
    X509 *certificate =
        file_read(dir, name, &pem) == 0 ? certificate_read(buffer_view(&pem)) : NULL;
    buffer_release(&pem);
    (void)close(dir);
    return certificate;
}

/* What a browser asks: does this chain hold for that name at that time? */
static bool holds(const char *name, int64_t at_s)
{
    X509 *authority = read_certificate("ca.crt"), *server = read_certificate("server.pem");
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    (void)X509_STORE_add_cert(store, authority);
    (void)X509_STORE_CTX_init(context, store, server, NULL);
    X509_STORE_CTX_set_time(context, 0, (time_t)at_s);
    bool is_good =
        X509_verify_cert(context) == 1 &&
        (X509_check_host(server, name, 0, 0, NULL) == 1 || X509_check_ip_asc(server, name, 0) == 1);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(server);
    X509_free(authority);
    return is_good;
}

static int init(const struct text *names, size_t count, bool is_new,
                enum authority_outcome *ret_outcome)
{
    buffer_reset(&why);
    return authority_init(folder, names, count, is_new, now_s, ret_outcome, &why);
}

static void test_constraints(void)
{
    X509 *authority = read_certificate("ca.crt");
    static const struct {
        struct text name;
        bool is_permitted;
    } rows[] = {
        {TEXT_INIT("music.example.org"), true}, {TEXT_INIT("a.music.example.org"), true},
        {TEXT_INIT("example.org"), false},      {TEXT_INIT("xmusic.example.org"), false},
        {TEXT_INIT("other.local"), true},       {TEXT_INIT("bank.example"), false},
        {TEXT_INIT("10.1.2.3"), true},          {TEXT_INIT("172.31.0.1"), true},
        {TEXT_INIT("172.32.0.1"), false},       {TEXT_INIT("8.8.8.8"), false},
        {TEXT_INIT("fd00::1"), true},           {TEXT_INIT("2001:db8::1"), false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK(certificate_permits(authority, rows[i].name) == rows[i].is_permitted, rows[i].name.data);
    X509_free(authority);
}

/* libcrypto, not only we, must hold the authority to its names. */
static void test_foreign_name(void)
{
    struct buffer pem;
    buffer_init(&pem, 65536);
    int dir = file_open_dir(AT_FDCWD, folder);
    OK(file_read(dir, "ca.pem", &pem) == 0, "the authority is there");
    X509 *authority = certificate_read(buffer_view(&pem));
    EVP_PKEY *authority_key = certificate_read_key(buffer_view(&pem)), *key = certificate_key_new();
    struct text bank = TEXT("bank.example");
    X509 *stolen = certificate_server_new(key, &bank, 1, authority, authority_key, now_s);
    buffer_reset(&pem);
    OK(stolen && certificate_write(stolen, &pem) &&
           file_write_atomic(dir, "server.pem", buffer_view(&pem), 0600) == 0,
       "a stolen authority signs for a bank");
    OK(!holds("bank.example", now_s), "and no device believes it");
    X509_free(stolen);
    X509_free(authority);
    EVP_PKEY_free(authority_key);
    EVP_PKEY_free(key);
    buffer_release(&pem);
    (void)close(dir);
}

int main(void)
{
    enum authority_outcome outcome = AUTHORITY_KEPT;
    char fingerprint[96], again[96];
    struct stat status;
    char path[128];
    const int64_t day_s = 86400;
    buffer_init(&why, 1024);
    if (!mkdtemp(folder))
        return 1;
    OK(!authority_fingerprint(folder, fingerprint), "before init there is no authority");
    OK(init(home, ARRAY_SIZE(home), false, &outcome) == 0 && outcome == AUTHORITY_MADE,
       "init makes an authority");
    OK(holds("nas.local", now_s) && holds("192.168.1.5", now_s) &&
           holds("music.example.org", now_s),
       "the certificate holds for every name given");
    OK(!holds("other.local", now_s), "and for no other");
    OK(!holds("nas.local", now_s + 398 * day_s), "not for ever");
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, i ? "ca.pem" : "server.pem");
        OK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600,
           "private keys are for their owner alone");
    }
    test_constraints();
    OK(authority_fingerprint(folder, fingerprint) && strlen(fingerprint) == 95,
       "the authority has a fingerprint");
    OK(init(home, 1, false, &outcome) == 0 && outcome == AUTHORITY_KEPT &&
           authority_fingerprint(folder, again) && strcmp(fingerprint, again) == 0,
       "a second init keeps the authority that devices know");
    OK(authority_renew(folder, now_s, &why) == 0, "a fresh certificate is not renewed");
    OK(authority_renew(folder, now_s + 340 * day_s, &why) == 1, "one near its end is");
    OK(holds("nas.local", now_s + 500 * day_s), "for the same names and another term");
    OK(init(&TEXT("bank.example"), 1, false, &outcome) == -EPERM && why.size > 0,
       "a name outside its limits is refused");
    OK(init(&TEXT("bank.example"), 1, true, &outcome) == 0 && outcome == AUTHORITY_MADE,
       "unless a new one is wanted");
    OK(init(home, ARRAY_SIZE(home), true, &outcome) == 0, "and back");
    test_foreign_name();
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder,
                       ((const char *[]){"ca.pem", "ca.crt", "server.pem"})[i]);
        (void)unlink(path);
    }
    OK(rmdir(folder) == 0, "nothing else was left in the folder");
    buffer_release(&why);
    return tap_done();
}
