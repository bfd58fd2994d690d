// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client.h"
#include "scripted_server.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* A certificate for `name` ("IP:127.0.0.1"), signed by itself. */
static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1,
                               0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

struct told {
    struct loop *loop;
    enum client_outcome outcome;
    size_t body_bytes;
};

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    ((struct told *)context)->body_bytes += piece.size;
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct told *told = context;
    told->outcome = outcome;
    loop_stop(told->loop);
}

static const struct client_handler handler = {NULL, on_body, on_end};

struct stage {
    struct loop *loop;
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    struct scripted_server server;
    SSL_CTX *tls;
    char ca_file[64];
    struct told told;
};

static void write_ca(struct stage *stage, X509 *certificate)
{
    snprintf(stage->ca_file, sizeof stage->ca_file, "/tmp/sostenuto-client-ca-XXXXXX");
    int fd = mkstemp(stage->ca_file);
    FILE *file = fdopen(fd, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
}

/* The server shows a certificate for `name`; the client trusts it, or the system's list. */
static void raise_curtain(struct stage *stage, const struct say *script, size_t count,
                          const char *name, bool trusts)
{
    char url[64], why[256];
    struct client_limits limits = client_limits_default();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key, name);
    *stage = (struct stage){.loop = loop_new(), .tls = SSL_CTX_new(TLS_server_method())};
    SSL_CTX_use_certificate(stage->tls, certificate);
    SSL_CTX_use_PrivateKey(stage->tls, key);
    write_ca(stage, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    scripted_start(&stage->server, script, count, stage->tls);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", stage->server.port);
    stage->client = client_new(stage->loop, trusts ? stage->ca_file : NULL, why, sizeof why);
    stage->origin = client_origin_new(stage->client, text_of(url), NULL, &limits);
    stage->pool = client_pool_new(stage->origin, NULL);
    stage->told.loop = stage->loop;
}

static void drop_curtain(struct stage *stage)
{
    client_pool_free(&stage->pool);
    scripted_stop(&stage->server);
    client_origin_free(&stage->origin);
    client_free(&stage->client);
    loop_free(&stage->loop);
    SSL_CTX_free(stage->tls);
    unlink(stage->ca_file);
}

static enum client_outcome get(struct stage *stage)
{
    const struct client_request request = {
        .method = HTTP_METHOD_GET, .target = TEXT("/a"), .deadline_ms = 10000, .discards = true};
    stage->told.body_bytes = 0;
    if (client_ask(stage->pool, &request, &handler, &stage->told))
        loop_run(stage->loop);
    return stage->told.outcome;
}

#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define OK_BIG "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"

static void trusted(void)
{
    static const struct say script[] = {{OK_5 "hello"},
                                        {OK_BIG, .repeats = 1000000},
                                        {"HTTP/1.1 200 OK\r\n\r\nhello", SAY_CLOSE},
                                        {"HTTP/1.1 200 OK\r\n\r\nhello", SAY_RESET}};
    struct stage stage;
    raise_curtain(&stage, script, ARRAY_SIZE(script), "IP:127.0.0.1", true);
    OK(get(&stage) == CLIENT_DONE && stage.told.body_bytes == 5, "an answer through TLS");
    OK(get(&stage) == CLIENT_DONE && stage.told.body_bytes == 1000000,
       "a large one, whose records wait decrypted");
    OK(get(&stage) == CLIENT_DONE && client_counts(stage.client)->connects == 1,
       "on one connection, whose end is told by TLS");
    enum client_outcome outcome = get(&stage); /* the reset may overtake the header */
    OK(outcome == CLIENT_TRUNCATED || outcome == CLIENT_RESET,
       "an end that TLS does not tell is a cut");
    drop_curtain(&stage);
}

static void distrusted(void)
{
    static const struct say script[] = {{OK_5 "hello"}};
    struct stage stage;
    raise_curtain(&stage, script, 1, "IP:127.0.0.1", false);
    OK(get(&stage) == CLIENT_NO_TLS, "a certificate that nobody vouches for is refused");
    drop_curtain(&stage);
    raise_curtain(&stage, script, 1, "IP:127.0.0.2", true);
    OK(get(&stage) == CLIENT_NO_TLS, "and so is one of another address");
    drop_curtain(&stage);
    raise_curtain(&stage, script, 1, "DNS:example.org", true);
    OK(get(&stage) == CLIENT_NO_TLS, "or of a name");
    drop_curtain(&stage);
}

static void names(void)
{
    static const struct say script[] = {{OK_5 "hello"}};
    struct client_limits limits = client_limits_default();
    struct stage stage;
    char url[64], why[256] = "";
    raise_curtain(&stage, script, 1, "DNS:edge.example.org", true);
    client_pool_free(&stage.pool);
    client_origin_free(&stage.origin);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", stage.server.port);
    stage.origin = client_origin_new(stage.client, text_of(url), "edge.example.org", &limits);
    stage.pool = client_pool_new(stage.origin, NULL);
    OK(get(&stage) == CLIENT_DONE, "an origin's name is what its certificate must say");
    OK(text_contains(text_make(stage.server.seen, stage.server.seen_size),
                     TEXT("Host: edge.example.org:")),
       "and what Host says");
    drop_curtain(&stage);
    OK(!client_new(NULL, "/dev/null", why, sizeof why) && why[0],
       "a CA file without a certificate is refused with a reason");
}

int main(void)
{
    trusted();
    distrusted();
    names();
    return tap_done();
}
