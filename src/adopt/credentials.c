// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/credentials.h"

#include "api/answer.h"
#include "base/encode.h"
#include "base/guard.h"
#include "http/message.h"
#include "io/random.h"
#include "trust/password.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    SALT_TAG_BYTES = 8,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES
};

/* --- reading --- */

static bool put(char *out, size_t room, struct text t)
{
    if (t.size >= room || text_find_byte(t, '\0') != SIZE_MAX)
        return false;
    bytes_copy(out, t.data, t.size);
    out[t.size] = '\0';
    return true;
}

/* "enc:" and hex is the same password. */
static bool put_password(char *out, size_t room, struct text typed)
{
    size_t size = SIZE_MAX;
    if (text_starts(typed, TEXT("enc:")))
        size = decode_hex(text_from(typed, 4), out, room - 1);
    if (size >= room)
        return put(out, room, typed);
    out[size] = '\0';
    return true;
}

static void add(struct buffer *out, const char *name, struct text value)
{
    buffer_printf(out, "%s%s=", out->size ? "&" : "", name);
    encode_percent(out, value, false);
}

static bool finish_query(struct buffer *out, struct credentials *ret)
{
    bool fits = !out->overflowed && put(ret->query, sizeof ret->query, buffer_view(out));
    sodium_memzero(out->data, out->size);
    buffer_release(out);
    return fits;
}

bool credentials_of_operator(struct text name, struct text password, struct credentials *ret)
{
    struct buffer out;
    *ret = (struct credentials){.kind = 'p'};
    buffer_init(&out, CREDENTIALS_QUERY_BYTES);
    add(&out, "u", name);
    add(&out, "p", password);
    bool fits = put(ret->listener, sizeof ret->listener, name) &&
                put_password(ret->secret, sizeof ret->secret, password);
    return finish_query(&out, ret) && fits;
}

static bool read_key(struct text key, struct credentials *ret)
{
    struct buffer out;
    uint8_t hash[16];
    char hex[2 * sizeof hash + 1];
    *ret = (struct credentials){.kind = 'k'};
    crypto_generichash(hash, sizeof hash, (const uint8_t *)key.data, key.size, NULL, 0);
    (void)snprintf(ret->listener, sizeof ret->listener, "key:%s",
                   sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
    buffer_init(&out, CREDENTIALS_QUERY_BYTES);
    add(&out, "apiKey", key);
    bool fits = put(ret->secret, sizeof ret->secret, key);
    return finish_query(&out, ret) && fits;
}

static bool read_token(struct text name, struct text token, struct text salt,
                       struct credentials *ret)
{
    struct buffer out;
    *ret = (struct credentials){.kind = 't'};
    buffer_init(&out, CREDENTIALS_QUERY_BYTES);
    add(&out, "u", name);
    add(&out, "t", token);
    add(&out, "s", salt);
    int size =
        snprintf(ret->secret, sizeof ret->secret, "%.*s\n%.*s", TEXT_ARGS(token), TEXT_ARGS(salt));
    bool fits = put(ret->listener, sizeof ret->listener, name) && size > 0 &&
                (size_t)size < sizeof ret->secret;
    return finish_query(&out, ret) && fits;
}

/* The one of them that a server may take `name` for: some know no case, some trim. */
static struct text sign_in_name(struct text name)
{
    static const struct text names[] = {TEXT_INIT("u"), TEXT_INIT("p"), TEXT_INIT("t"),
                                        TEXT_INIT("s"), TEXT_INIT("apiKey")};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (text_equal_nocase(text_trim(name), names[i]))
            return names[i];
    return TEXT_NONE;
}

/* Of JSONP what stands before the answer is the asker's: it must not read as one (pass_read()). */
static bool says_something(const struct http_parameter *parameter)
{
    return text_equal_nocase(text_trim(parameter->name), TEXT("callback")) &&
           parameter->value.size && !answer_callback_is_safe(parameter->value);
}

/* Whether a server cannot read another name or secret in it than we do: nothing is said twice, and
 * in one way only. */
static bool is_plain(const struct http_parameters *parameters)
{
    bool has_key = http_parameter(parameters, TEXT("apiKey")).data,
         has_name = http_parameter(parameters, TEXT("u")).data,
         has_password = http_parameter(parameters, TEXT("p")).data,
         has_token = http_parameter(parameters, TEXT("t")).data ||
                     http_parameter(parameters, TEXT("s")).data;
    for (size_t i = 0; i < parameters->count; i++) {
        const struct http_parameter *each = &parameters->items[i];
        struct text name = sign_in_name(each->name);
        if (says_something(each) ||
            (name.data && (!text_equal(name, each->name) ||
                           !text_equal(each->value, http_parameter(parameters, name)))))
            return false;
    }
    return has_key + (has_name || has_password || has_token) <= 1 && !(has_password && has_token);
}

bool credentials_read(const struct http_parameters *parameters, struct credentials *ret)
{
    struct text name = http_parameter(parameters, TEXT("u")),
                password = http_parameter(parameters, TEXT("p")),
                token = http_parameter(parameters, TEXT("t")),
                salt = http_parameter(parameters, TEXT("s")),
                key = http_parameter(parameters, TEXT("apiKey"));
    bool is_good = false;
    *ret = (struct credentials){0};
    if (guard_is_on(GUARD_ADOPT_PLAIN_SIGN_IN) && !is_plain(parameters))
        return false;
    if (name.size && password.size)
        is_good = credentials_of_operator(name, password, ret);
    else if (name.size && token.size && salt.size)
        is_good = read_token(name, token, salt, ret);
    else if (key.size && !name.size)
        is_good = read_key(key, ret);
    if (!is_good)
        credentials_wipe(ret);
    return is_good;
}

void credentials_wipe(struct credentials *credentials)
{
    sodium_memzero(credentials, sizeof *credentials);
}

struct credentials_digest credentials_digest(const struct keys *keys,
                                             const struct credentials *credentials)
{
    struct credentials_digest digest;
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, keys->indexing, sizeof keys->indexing,
                                  sizeof digest.bytes);
    (void)crypto_generichash_update(&state, (const uint8_t *)&credentials->kind, 1);
    (void)crypto_generichash_update(&state, (const uint8_t *)credentials->listener,
                                    strlen(credentials->listener) + 1);
    (void)crypto_generichash_update(&state, (const uint8_t *)credentials->secret,
                                    strlen(credentials->secret));
    (void)crypto_generichash_final(&state, digest.bytes, sizeof digest.bytes);
    return digest;
}

/* --- verifiers --- */

/* "p", "k", or "t" and a keyed hash of the salt in hex. */
struct verifier_kind {
    char text[2 + 2 * SALT_TAG_BYTES];
};

static struct verifier_kind kind_of(const struct keys *keys, const struct credentials *credentials)
{
    struct verifier_kind kind = {{credentials->kind}};
    const char *salt = strchr(credentials->secret, '\n');
    if (credentials->kind != 't' || !salt)
        return kind;
    struct credentials salted = {.kind = 's'};
    (void)snprintf(salted.listener, sizeof salted.listener, "%s", credentials->listener);
    (void)snprintf(salted.secret, sizeof salted.secret, "%s", salt + 1);
    struct credentials_digest digest = credentials_digest(keys, &salted);
    (void)sodium_bin2hex(kind.text + 1, sizeof kind.text - 1, digest.bytes, SALT_TAG_BYTES);
    return kind;
}

/* The number of the one that fits, -1 without; *ret_count: how many there are of this kind. */
static int64_t find(struct book *book, const struct verifier_kind *kind,
                    const struct credentials *credentials, size_t *ret_count)
{
    sqlite3_stmt *row = book_query(
        book,
        "SELECT number, hash FROM verifier WHERE listener = ? AND kind = ? ORDER BY number DESC",
        "ss", credentials->listener, kind->text);
    int64_t found = -1;
    *ret_count = 0;
    while (row && found < 0 && sqlite3_step(row) == SQLITE_ROW) {
        ++*ret_count;
        if (password_verify(text_of(credentials->secret), book_text(row, 1)))
            found = sqlite3_column_int64(row, 0);
    }
    (void)sqlite3_finalize(row);
    return found;
}

enum verifier verifier_check(struct book *book, const struct keys *keys,
                             const struct credentials *credentials)
{
    size_t count;
    struct verifier_kind kind = kind_of(keys, credentials);
    if (!guard_is_on(GUARD_ADOPT_PROOF))
        return VERIFIER_GOOD;
    if (find(book, &kind, credentials, &count) >= 0)
        return VERIFIER_GOOD;
    if (count > 0)
        return VERIFIER_WRONG;
    if (credentials->kind != 't') /* a salt of nobody's tells nothing of who is known */
        password_verify_nobody(text_of(credentials->secret));
    return VERIFIER_NONE;
}

bool verifier_keep(struct book *book, const struct keys *keys,
                   const struct credentials *credentials)
{
    struct verifier_kind kind = kind_of(keys, credentials);
    struct password_hash hash;
    size_t count;
    if (find(book, &kind, credentials, &count) >= 0)
        return true;
    return password_hash(text_of(credentials->secret), &hash) &&
           book_do(book, "INSERT INTO verifier(listener, kind, hash) VALUES(?, ?, ?)", "sss",
                   credentials->listener, kind.text, hash.text) &&
           book_do(
               book,
               "DELETE FROM verifier WHERE listener = ?1 AND substr(kind, 1, 1) = substr(?2, 1, 1)"
               " AND number NOT IN (SELECT number FROM verifier WHERE listener = ?1"
               " AND substr(kind, 1, 1) = substr(?2, 1, 1) ORDER BY number DESC LIMIT ?3)",
               "ssi", credentials->listener, kind.text, (int64_t)VERIFIERS_PER_KIND);
}

void verifier_forget(struct book *book, const struct keys *keys,
                     const struct credentials *credentials)
{
    size_t count;
    struct verifier_kind kind = kind_of(keys, credentials);
    int64_t number = find(book, &kind, credentials, &count);
    if (number >= 0)
        (void)book_do(book, "DELETE FROM verifier WHERE number = ?", "i", number);
}

/* --- sealed --- */

size_t credentials_seal(const struct keys *keys, const struct credentials *credentials,
                        uint8_t ret[CREDENTIALS_SEALED_BYTES])
{
    unsigned long long size = 0;
    random_fill(ret, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        ret + NONCE_BYTES, &size, (const uint8_t *)credentials->query, strlen(credentials->query),
        (const uint8_t *)credentials->listener, strlen(credentials->listener), NULL, ret,
        keys->sealing);
    return NONCE_BYTES + (size_t)size;
}

bool credentials_unseal(const struct keys *keys, struct text sealed, struct text listener,
                        char ret[CREDENTIALS_QUERY_BYTES])
{
    unsigned long long size = 0;
    const uint8_t *bytes = (const uint8_t *)sealed.data;
    if (sealed.size < NONCE_BYTES + TAG_BYTES || sealed.size > CREDENTIALS_SEALED_BYTES)
        return false;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            (uint8_t *)ret, &size, NULL, bytes + NONCE_BYTES, sealed.size - NONCE_BYTES,
            (const uint8_t *)listener.data, listener.size, bytes, keys->sealing) != 0)
        return false;
    ret[size < CREDENTIALS_QUERY_BYTES ? size : CREDENTIALS_QUERY_BYTES - 1] = '\0';
    return true;
}
