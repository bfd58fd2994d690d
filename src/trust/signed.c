// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/signed.h"

#include "base/encode.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

static const char CONTEXT[] = "sostenuto object 1"; /* with its NUL */
enum { DIGEST_BYTES = 32, DIGEST_TEXT_BYTES = 44, SIGNATURE_TEXT_BYTES = 86 };

/* --- key ids --- */

struct key_id key_id_of(const uint8_t public_key[SIGNED_PUBLIC_BYTES])
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    struct key_id id;
    crypto_hash_sha256(digest, public_key, SIGNED_PUBLIC_BYTES);
    memcpy(id.bytes, digest, sizeof id.bytes);
    return id;
}

struct text key_id_text(struct key_id_text *storage, struct key_id id)
{
    sodium_bin2base64(storage->characters, sizeof storage->characters, id.bytes, sizeof id.bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text_make(storage->characters, KEY_ID_TEXT_BYTES);
}

bool key_id_from_text(struct text t, struct key_id *ret)
{
    return t.size == KEY_ID_TEXT_BYTES &&
           decode_base64url(t, ret->bytes, sizeof ret->bytes) == sizeof ret->bytes;
}

bool key_id_equal(struct key_id a, struct key_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* --- making --- */

static bool is_name(struct text name)
{
    bool is_fine = name.size && name.size <= SIGNED_NAME_MAX_BYTES && name.data[0] == '/';
    for (size_t i = 0; is_fine && i < name.size; i++)
        is_fine = name.data[i] > ' ' && name.data[i] < 0x7f;
    return is_fine;
}

static void digest_text(struct text body, char ret[DIGEST_TEXT_BYTES + 1])
{
    uint8_t digest[DIGEST_BYTES];
    crypto_hash_sha256(digest, (const uint8_t *)body.data, body.size);
    sodium_bin2base64(ret, DIGEST_TEXT_BYTES + 1, digest, sizeof digest,
                      sodium_base64_VARIANT_ORIGINAL);
}

/* The bytes that are signed: the context, then the preamble down to the signature's line. */
static void to_be_signed(struct buffer *out, struct text preamble)
{
    buffer_init(out, sizeof CONTEXT + SIGNED_MAX_PREAMBLE_BYTES);
    buffer_append(out, CONTEXT, sizeof CONTEXT);
    buffer_text(out, preamble);
}

void signed_seal(const uint8_t secret[SIGNED_SECRET_BYTES], const struct signed_object *object,
                 struct buffer *out)
{
    struct key_id_text key;
    struct buffer message;
    uint8_t signature[crypto_sign_BYTES];
    char digest[DIGEST_TEXT_BYTES + 1];
    size_t start = out->size;
    assert(is_name(object->name) && object->body.size <= SIGNED_MAX_BODY_BYTES);
    assert(object->issued_s >= 0 && object->expires_s >= object->issued_s);
    digest_text(object->body, digest);
    buffer_printf(out,
                  "sostenuto-signed: 1\nname: %.*s\nversion: %" PRIu64 ".%" PRIu64
                  "\nissued: %" PRId64 "\nexpires: %" PRId64 "\ndigest: sha-256=:%s:\nkey: %.*s\n",
                  TEXT_ARGS(object->name), object->epoch, object->number, object->issued_s,
                  object->expires_s, digest,
                  TEXT_ARGS(key_id_text(&key, key_id_of(secret + SIGNED_PUBLIC_BYTES))));
    if (out->overflowed)
        return;
    to_be_signed(&message, text_make(out->data + start, out->size - start));
    crypto_sign_detached(signature, NULL, (const uint8_t *)message.data, message.size, secret);
    buffer_release(&message);
    buffer_text(out, TEXT("signature: "));
    encode_base64url(out, signature, sizeof signature);
    buffer_text(out, TEXT("\n\n"));
    buffer_text(out, object->body);
}

/* --- reading --- */

struct parsed {
    struct signed_object object;
    struct text signed_part, digest;
    uint8_t signature[crypto_sign_BYTES];
};

/* Takes "label: value LF" off the front. */
static bool take_line(struct text *rest, struct text label, struct text *ret_value)
{
    size_t end = text_find_byte(*rest, '\n');
    if (end == SIZE_MAX || !text_starts(*rest, label))
        return false;
    *ret_value = text_make(rest->data + label.size, end - label.size);
    *rest = text_from(*rest, end + 1);
    return true;
}

/* Digits in their only spelling: no leading zero. */
static bool take_number(struct text digits, uint64_t max, uint64_t *ret)
{
    return text_to_u64(digits, ret) && *ret <= max && (digits.size == 1 || digits.data[0] != '0');
}

static bool take_version(struct text version, struct signed_object *ret)
{
    struct text rest = version, epoch;
    return text_split(&rest, '.', &epoch) && rest.data &&
           take_number(epoch, UINT64_MAX, &ret->epoch) &&
           take_number(rest, UINT64_MAX, &ret->number);
}

static bool take_times(struct text issued, struct text expires, struct signed_object *ret)
{
    uint64_t issued_s, expires_s;
    if (!take_number(issued, INT64_MAX, &issued_s) || !take_number(expires, INT64_MAX, &expires_s))
        return false;
    ret->issued_s = (int64_t)issued_s;
    ret->expires_s = (int64_t)expires_s;
    return issued_s <= expires_s;
}

static bool parse(struct text bytes, struct parsed *ret)
{
    struct text rest = bytes, magic, version, issued, expires, key, signature;
    if (bytes.size > SIGNED_MAX_PREAMBLE_BYTES + (size_t)SIGNED_MAX_BODY_BYTES ||
        !take_line(&rest, TEXT("sostenuto-signed: 1"), &magic) || magic.size ||
        !take_line(&rest, TEXT("name: "), &ret->object.name) || !is_name(ret->object.name) ||
        !take_line(&rest, TEXT("version: "), &version) || !take_version(version, &ret->object) ||
        !take_line(&rest, TEXT("issued: "), &issued) ||
        !take_line(&rest, TEXT("expires: "), &expires) ||
        !take_times(issued, expires, &ret->object) ||
        !take_line(&rest, TEXT("digest: sha-256=:"), &ret->digest) ||
        ret->digest.size != DIGEST_TEXT_BYTES + 1 || !text_ends(ret->digest, TEXT(":")) ||
        !take_line(&rest, TEXT("key: "), &key) || !key_id_from_text(key, &ret->object.key))
        return false;
    ret->digest.size--;
    ret->signed_part = text_make(bytes.data, bytes.size - rest.size);
    if (ret->signed_part.size > SIGNED_MAX_PREAMBLE_BYTES ||
        !take_line(&rest, TEXT("signature: "), &signature) ||
        signature.size != SIGNATURE_TEXT_BYTES ||
        decode_base64url(signature, ret->signature, sizeof ret->signature) !=
            sizeof ret->signature ||
        !text_starts(rest, TEXT("\n")))
        return false;
    ret->object.body = text_from(rest, 1);
    return ret->object.body.size <= SIGNED_MAX_BODY_BYTES;
}

static bool verifies(const struct parsed *parsed, const uint8_t public_key[SIGNED_PUBLIC_BYTES])
{
    struct buffer message;
    char digest[DIGEST_TEXT_BYTES + 1];
    to_be_signed(&message, parsed->signed_part);
    bool is_signed = crypto_sign_verify_detached(parsed->signature, (const uint8_t *)message.data,
                                                 message.size, public_key) == 0;
    buffer_release(&message);
    if (!is_signed)
        return false;
    digest_text(parsed->object.body, digest);
    return text_equal(parsed->digest, text_of(digest));
}

bool signed_names_key(struct text bytes, struct key_id *ret)
{
    struct parsed parsed;
    if (!parse(bytes, &parsed))
        return false;
    *ret = parsed.object.key;
    return true;
}

bool signed_body(struct text bytes, struct text *ret)
{
    struct parsed parsed;
    if (!parse(bytes, &parsed))
        return false;
    *ret = parsed.object.body;
    return true;
}

enum signed_verdict signed_open(const uint8_t public_key[SIGNED_PUBLIC_BYTES], struct text bytes,
                                struct text name, int64_t now_s, struct signed_object *ret)
{
    struct parsed parsed;
    if (!parse(bytes, &parsed))
        return SIGNED_MALFORMED;
    if (!key_id_equal(parsed.object.key, key_id_of(public_key)))
        return SIGNED_UNKNOWN_KEY;
    if (!verifies(&parsed, public_key))
        return SIGNED_FORGED;
    if (name.size && !text_equal(name, parsed.object.name))
        return SIGNED_OTHER;
    if (parsed.object.issued_s > now_s + SIGNED_EARLY_S)
        return SIGNED_EARLY;
    *ret = parsed.object;
    return now_s < parsed.object.expires_s ? SIGNED_GOOD : SIGNED_EXPIRED;
}

bool signed_is_newer(const struct signed_object *candidate, const struct signed_object *held)
{
    if (candidate->epoch != held->epoch)
        return candidate->epoch > held->epoch;
    if (candidate->number != held->number)
        return candidate->number > held->number;
    return candidate->issued_s > held->issued_s;
}

const char *signed_verdict_words(enum signed_verdict verdict)
{
    static const char *const words[] = {
        [SIGNED_GOOD] = "is good",
        [SIGNED_MALFORMED] = "is not a signed object",
        [SIGNED_UNKNOWN_KEY] = "is signed by a key that is not known here",
        [SIGNED_FORGED] = "is altered: its signature or digest does not verify",
        [SIGNED_OTHER] = "is another object",
        [SIGNED_EARLY] = "comes from the future: compare the clocks",
        [SIGNED_EXPIRED] = "has expired",
    };
    return words[verdict];
}
