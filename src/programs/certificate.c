// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { DAY_S = 24 * 60 * 60, EXTENSION_MAX_BYTES = 16 * 1024, PEM_MAX_BYTES = 64 * 1024 };

/* Where a household's devices live; an authority may sign for these besides its given names. */
static const char private_places[] =
    "permitted;DNS:localhost,permitted;DNS:local,permitted;DNS:home.arpa,permitted;DNS:lan,"
    "permitted;DNS:internal,"
    "permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:10.0.0.0/255.0.0.0,permitted;IP:172.16.0.0/"
    "255.240.0.0,"
    "permitted;IP:192.168.0.0/255.255.0.0,permitted;IP:169.254.0.0/"
    "255.255.0.0,permitted;IP:100.64.0.0/255.192.0.0,"
    "permitted;IP:::1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF,permitted;IP:FC00::/"
    "FE00::,permitted;IP:FE80::/FFC0::";

const char *certificate_error(void)
{
    const char *words = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return words ? words : "libcrypto failed";
}

EVP_PKEY *certificate_key_new(void) { return EVP_EC_gen("P-256"); }

static bool is_address(struct text name, unsigned char *ret_bytes, size_t *ret_size)
{
    char copy[64];
    if (name.size == 0 || name.size >= sizeof copy)
        return false;
    (void)snprintf(copy, sizeof copy, "%.*s", TEXT_ARGS(name));
    *ret_size = 4;
    if (inet_pton(AF_INET, copy, ret_bytes) == 1)
        return true;
    *ret_size = 16;
    return inet_pton(AF_INET6, copy, ret_bytes) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* 159 random bits: positive and unique (RFC 5280 4.1.2.2). */
static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool is_set = number && BN_rand(number, 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return is_set;
}

/* An unsigned certificate with everything but its extensions. */
static X509 *draft(EVP_PKEY *key, struct text common_name, const X509 *issuer, int days,
                   int64_t now_s)
{
    X509 *certificate = X509_new();
    if (!certificate)
        return NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    time_t now = (time_t)now_s;
    /* an hour back, for clocks that are a little late */
    bool is_good =
        X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
        X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -3600, &now) &&
        X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &now) &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Sostenuto",
                                   -1, -1, 0) == 1 &&
        X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name.data,
            (int)(common_name.size < 64 ? common_name.size : 64), -1, 0) == 1 &&
        X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) == 1;
    if (is_good)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Signs, or frees when something before failed. */
static X509 *sign(X509 *certificate, bool is_good, EVP_PKEY *key)
{
    if (is_good && X509_sign(certificate, key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static void write_constraint(struct buffer *out, struct text name)
{
    unsigned char bytes[16];
    size_t size;
    if (!is_address(name, bytes, &size))
        buffer_printf(out, ",permitted;DNS:%.*s", TEXT_ARGS(name));
    else
        buffer_printf(out, ",permitted;IP:%.*s/%s", TEXT_ARGS(name),
                      size == 4 ? "255.255.255.255" : "FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF");
}

X509 *certificate_authority_new(EVP_PKEY *key, const char *label, const struct text *names,
                                size_t count, int64_t now_s)
{
    X509 *certificate = draft(key, text_of(label), NULL, CERTIFICATE_AUTHORITY_DAYS, now_s);
    if (!certificate)
        return NULL;
    struct buffer constraints;
    buffer_init(&constraints, EXTENSION_MAX_BYTES);
    buffer_printf(&constraints, "critical,%s", private_places);
    for (size_t i = 0; i < count; i++)
        write_constraint(&constraints, names[i]);
    buffer_append(&constraints, "", 1);
    bool is_good =
        !constraints.overflowed &&
        add_extension(certificate, certificate, NID_basic_constraints,
                      "critical,CA:TRUE,pathlen:0") &&
        add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
        add_extension(certificate, certificate, NID_name_constraints, constraints.data);
    buffer_release(&constraints);
    return sign(certificate, is_good, key);
}

static bool add_server_extensions(X509 *certificate, X509 *authority)
{
    return add_extension(certificate, authority, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, authority, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, authority, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, authority, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, authority, NID_authority_key_identifier, "keyid:always");
}

X509 *certificate_server_new(EVP_PKEY *key, const struct text *names, size_t count, X509 *authority,
                             EVP_PKEY *authority_key, int64_t now_s)
{
    X509 *certificate = draft(key, names[0], authority, CERTIFICATE_SERVER_DAYS, now_s);
    if (!certificate)
        return NULL;
    struct buffer alternatives;
    buffer_init(&alternatives, EXTENSION_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[16];
        size_t size;
        buffer_printf(&alternatives, "%s%s:%.*s", i ? "," : "",
                      is_address(names[i], bytes, &size) ? "IP" : "DNS", TEXT_ARGS(names[i]));
    }
    buffer_append(&alternatives, "", 1);
    bool is_good = !alternatives.overflowed && add_server_extensions(certificate, authority) &&
                   add_extension(certificate, authority, NID_subject_alt_name, alternatives.data);
    buffer_release(&alternatives);
    return sign(certificate, is_good, authority_key);
}

X509 *certificate_server_again(EVP_PKEY *key, X509 *former, X509 *authority,
                               EVP_PKEY *authority_key, int64_t now_s)
{
    X509 *certificate = draft(key, TEXT("renewed"), authority, CERTIFICATE_SERVER_DAYS, now_s);
    if (!certificate)
        return NULL;
    int at = X509_get_ext_by_NID(former, NID_subject_alt_name, -1);
    bool is_good = at >= 0 &&
                   X509_set_subject_name(certificate, X509_get_subject_name(former)) == 1 &&
                   add_server_extensions(certificate, authority) &&
                   X509_add_ext(certificate, X509_get_ext(former, at), -1) == 1;
    return sign(certificate, is_good, authority_key);
}

/* --- what an authority may sign --- */

/* RFC 5280 4.2.1.10: the name itself or one beneath it. */
static bool dns_is_beneath(struct text name, struct text base)
{
    if (name.size == base.size)
        return text_equal_nocase(name, base);
    return name.size > base.size && text_ends_nocase(name, base) &&
           name.data[name.size - base.size - 1] == '.';
}

static bool address_is_beneath(const unsigned char *address, size_t size,
                               const ASN1_OCTET_STRING *range)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(range);
    if (ASN1_STRING_length(range) != (int)(2 * size))
        return false;
    for (size_t i = 0; i < size; i++)
        if ((address[i] & bytes[size + i]) != (bytes[i] & bytes[size + i]))
            return false;
    return true;
}

static bool is_beneath(struct text name, const GENERAL_NAME *base)
{
    unsigned char bytes[16];
    size_t size;
    int type;
    const void *value = GENERAL_NAME_get0_value(base, &type);
    if (is_address(name, bytes, &size))
        return type == GEN_IPADD && address_is_beneath(bytes, size, value);
    return type == GEN_DNS &&
           dns_is_beneath(name, text_make((const char *)ASN1_STRING_get0_data(value),
                                          (size_t)ASN1_STRING_length(value)));
}

bool certificate_permits(X509 *authority, struct text name)
{
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(authority, NID_name_constraints, NULL, NULL);
    bool is_permitted = false;
    for (int i = 0; constraints && i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); i++)
        is_permitted |=
            is_beneath(name, sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base);
    NAME_CONSTRAINTS_free(constraints);
    return is_permitted;
}

bool certificate_is_due(const X509 *certificate, int64_t now_s)
{
    time_t then = (time_t)(now_s + (int64_t)CERTIFICATE_RENEW_DAYS * DAY_S);
    return X509_cmp_time(X509_get0_notAfter(certificate), &then) <= 0;
}

/* --- PEM --- */

static bool take_memory(BIO *memory, bool is_written, struct buffer *out)
{
    char *data = NULL;
    long size = is_written ? BIO_get_mem_data(memory, &data) : 0;
    if (size > 0)
        buffer_append(out, data, (size_t)size);
    BIO_free(memory);
    return size > 0 && !out->overflowed;
}

bool certificate_write(X509 *certificate, struct buffer *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    return memory && take_memory(memory, PEM_write_bio_X509(memory, certificate) == 1, out);
}

bool certificate_write_key(EVP_PKEY *key, struct buffer *out)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    return memory &&
           take_memory(memory,
                       PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1,
                       out);
}

static BIO *reading(struct text pem)
{
    return pem.size > 0 && pem.size <= PEM_MAX_BYTES ? BIO_new_mem_buf(pem.data, (int)pem.size)
                                                     : NULL;
}

X509 *certificate_read(struct text pem)
{
    BIO *memory = reading(pem);
    X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    return certificate;
}

EVP_PKEY *certificate_read_key(struct text pem)
{
    BIO *memory = reading(pem);
    EVP_PKEY *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    return key;
}

bool certificate_fingerprint(const X509 *certificate, char ret_hex[96])
{
    unsigned char digest[32];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1 || size != sizeof digest)
        return false;
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(ret_hex + 3 * i, 4, i + 1 < sizeof digest ? "%02X:" : "%02X", digest[i]);
    return true;
}
