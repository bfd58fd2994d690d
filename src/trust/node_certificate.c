// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_certificate.h"

#include "base/encode.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <string.h>

enum { SERIAL_BITS = 159, VALUE_MAX_BYTES = 160 };

struct uid node_id_of(const uint8_t key[SIGNED_PUBLIC_BYTES])
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    struct uid id;
    crypto_hash_sha256(digest, key, SIGNED_PUBLIC_BYTES);
    memcpy(id.bytes, digest, sizeof id.bytes);
    return id;
}

void node_key_of_seed(const uint8_t seed[NODE_SEED_BYTES], uint8_t ret[SIGNED_PUBLIC_BYTES])
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    crypto_sign_seed_keypair(ret, secret, seed);
    sodium_memzero(secret, sizeof secret);
}

/* --- reading --- */

static X509 *first_of(struct text pem)
{
    BIO *bio = BIO_new_mem_buf(pem.data ? pem.data : "", (int)pem.size);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return certificate;
}

static bool time_of(const ASN1_TIME *time, int64_t *ret)
{
    struct tm when;
    if (ASN1_TIME_to_tm(time, &when) != 1)
        return false;
    *ret = (int64_t)timegm(&when);
    return true;
}

bool node_certificate_read(struct text pem, struct node_certificate_facts *ret)
{
    X509 *certificate = first_of(pem);
    struct node_certificate_facts facts;
    size_t size = sizeof facts.key;
    const EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
    bool is_good = key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
                   EVP_PKEY_get_raw_public_key(key, facts.key, &size) == 1 &&
                   time_of(X509_get0_notBefore(certificate), &facts.from_s) &&
                   time_of(X509_get0_notAfter(certificate), &facts.until_s);
    X509_free(certificate);
    ERR_clear_error();
    if (is_good)
        *ret = facts;
    return is_good;
}

bool node_certificate_is_due(const struct node_certificate_facts *facts, int64_t now_s)
{
    return now_s >= facts->until_s - (NODE_CERTIFICATE_LIFE_S - NODE_CERTIFICATE_RENEW_S);
}

/* --- making --- */

struct draft {
    const char *common_name;
    const uint8_t *key;
    const X509 *issuer; /* NULL: itself */
    int64_t from_s, until_s;
};

static bool set_key(X509 *certificate, const uint8_t key[SIGNED_PUBLIC_BYTES])
{
    EVP_PKEY *public_key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, SIGNED_PUBLIC_BYTES);
    bool is_set = public_key && X509_set_pubkey(certificate, public_key) == 1;
    EVP_PKEY_free(public_key);
    return is_set;
}

/* Positive and unique (RFC 5280 4.1.2.2). */
static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool is_set = number &&
                  BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return is_set;
}

static X509 *begin(const struct draft *draft)
{
    X509 *certificate = X509_new();
    if (!certificate)
        return NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    const unsigned char *name = (const unsigned char *)draft->common_name;
    bool is_good =
        X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)draft->from_s) &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)draft->until_s) &&
        set_key(certificate, draft->key) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate,
                             draft->issuer ? X509_get_subject_name(draft->issuer) : subject) == 1;
    if (is_good)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* Signs, writes and frees. */
static bool finish(X509 *certificate, bool is_good, const uint8_t seed[NODE_SEED_BYTES],
                   struct buffer *out)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, NODE_SEED_BYTES);
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    is_good = is_good && key && bio && X509_sign(certificate, key, NULL) > 0 &&
              PEM_write_bio_X509(bio, certificate) == 1;
    long size = is_good ? BIO_get_mem_data(bio, &bytes) : 0;
    if (is_good)
        buffer_append(out, bytes, (size_t)size);
    BIO_free(bio);
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_clear_error();
    return is_good && !out->overflowed;
}

static bool extend_authority(X509 *certificate, X509 *issuer, const char *constraints)
{
    return extend(certificate, issuer, NID_basic_constraints, constraints) &&
           extend(certificate, issuer, NID_key_usage, "critical,keyCertSign") &&
           extend(certificate, issuer, NID_subject_key_identifier, "hash") &&
           (issuer == certificate ||
            extend(certificate, issuer, NID_authority_key_identifier, "keyid:always"));
}

bool node_certificate_root(const uint8_t root_seed[NODE_SEED_BYTES], int64_t now_s,
                           struct buffer *out)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    node_key_of_seed(root_seed, key);
    const struct draft draft = {.common_name = "Sostenuto root",
                                .key = key,
                                .from_s = now_s - NODE_CERTIFICATE_EARLY_S,
                                .until_s = 253402300799}; /* no end: RFC 5280 4.1.2.5 */
    X509 *certificate = begin(&draft);
    bool is_good =
        certificate && extend_authority(certificate, certificate, "critical,CA:TRUE,pathlen:1");
    return finish(certificate, is_good, root_seed, out);
}

bool node_certificate_authority(const uint8_t root_seed[NODE_SEED_BYTES], struct text root_pem,
                                const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                                struct buffer *out)
{
    X509 *root = first_of(root_pem);
    const struct draft draft = {.common_name = "Sostenuto nodes",
                                .key = key,
                                .issuer = root,
                                .from_s = now_s - NODE_CERTIFICATE_EARLY_S,
                                .until_s = now_s + NODE_AUTHORITY_LIFE_S};
    X509 *certificate = root ? begin(&draft) : NULL;
    bool is_good = certificate && extend_authority(certificate, root, "critical,CA:TRUE,pathlen:0");
    is_good = finish(certificate, is_good, root_seed, out);
    X509_free(root);
    return is_good;
}

static void name_node(enum node_role role, const uint8_t key[SIGNED_PUBLIC_BYTES],
                      struct buffer *out)
{
    struct uid id = node_id_of(key);
    buffer_printf(out, "DNS:%s,DNS:", role == NODE_ORIGIN ? NODE_ORIGIN_NAME : NODE_EDGE_NAME);
    encode_hex(out, id.bytes, sizeof id.bytes);
    buffer_text(out, TEXT(".node.sostenuto.internal"));
    buffer_byte(out, 0);
}

static bool extend_leaf(X509 *certificate, X509 *authority, const char *names)
{
    return extend(certificate, authority, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(certificate, authority, NID_key_usage, "critical,digitalSignature") &&
           extend(certificate, authority, NID_ext_key_usage, "serverAuth,clientAuth") &&
           extend(certificate, authority, NID_subject_key_identifier, "hash") &&
           extend(certificate, authority, NID_authority_key_identifier, "keyid:always") &&
           extend(certificate, authority, NID_subject_alt_name, names);
}

bool node_certificate_leaf(const uint8_t authority_seed[NODE_SEED_BYTES], struct text authority_pem,
                           enum node_role role, const uint8_t key[SIGNED_PUBLIC_BYTES],
                           int64_t now_s, struct buffer *out)
{
    X509 *authority = first_of(authority_pem);
    const struct draft draft = {.common_name =
                                    role == NODE_ORIGIN ? "Sostenuto origin" : "Sostenuto edge",
                                .key = key,
                                .issuer = authority,
                                .from_s = now_s - NODE_CERTIFICATE_EARLY_S,
                                .until_s = now_s + NODE_CERTIFICATE_LIFE_S};
    X509 *certificate = authority ? begin(&draft) : NULL;
    struct buffer names;
    buffer_init(&names, VALUE_MAX_BYTES);
    name_node(role, key, &names);
    bool is_good =
        certificate && !names.overflowed && extend_leaf(certificate, authority, names.data);
    is_good = finish(certificate, is_good, authority_seed, out);
    buffer_release(&names);
    X509_free(authority);
    return is_good;
}
