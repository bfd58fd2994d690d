// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/invitation.h"

#include "base/encode.h"

#include <sodium.h>
#include <string.h>

#define FORM "sj1"
enum { SECRET_CHARACTERS = 43, HOST_MAX_BYTES = 253 };

void invitation_draw(struct invitation *invitation)
{
    randombytes_buf(invitation->secret, sizeof invitation->secret);
}

void invitation_digest(const uint8_t secret[INVITATION_SECRET_BYTES],
                       uint8_t ret[INVITATION_DIGEST_BYTES])
{
    crypto_hash_sha256(ret, secret, INVITATION_SECRET_BYTES);
}

void invitation_write(const struct invitation *invitation, struct buffer *out)
{
    buffer_text(out, TEXT(FORM "."));
    encode_base64url(out, invitation->addresses, strlen(invitation->addresses));
    buffer_byte(out, '.');
    encode_base64url(out, invitation->root_digest, sizeof invitation->root_digest);
    buffer_byte(out, '.');
    encode_base64url(out, invitation->secret, sizeof invitation->secret);
}

/* --- addresses --- */

static bool is_of(struct text text, const char *others)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_plain && (c == 0 || !strchr(others, c)))
            return false;
    }
    return text.size > 0;
}

static bool is_host(struct text host)
{
    if (host.size > HOST_MAX_BYTES)
        return false;
    if (text_starts(host, TEXT("[")) && text_ends(host, TEXT("]")))
        return is_of(text_make(host.data + 1, host.size - 2), ":.");
    return is_of(host, ".-");
}

bool invitation_address_is_sound(struct text address)
{
    const char *colon = address.size ? memrchr(address.data, ':', address.size) : NULL;
    uint64_t port;
    if (!colon)
        return false;
    size_t at = (size_t)(colon - address.data);
    return is_host(text_make(address.data, at)) && text_to_u64(text_from(address, at + 1), &port) &&
           port > 0 && port < 65536 && address.data[at + 1] != '0';
}

static bool are_sound(struct text addresses)
{
    struct text rest = addresses, one;
    size_t count = 0;
    while (text_split(&rest, ',', &one))
        if (!invitation_address_is_sound(one) || ++count > INVITATION_ADDRESSES_MAX)
            return false;
    return count > 0;
}

/* --- reading --- */

static bool take_addresses(struct text part, struct invitation *ret)
{
    size_t size = decode_base64url(part, ret->addresses, sizeof ret->addresses - 1);
    if (size == SIZE_MAX || memchr(ret->addresses, 0, size))
        return false;
    ret->addresses[size] = 0;
    return are_sound(text_make(ret->addresses, size));
}

static bool take_bytes(struct text part, uint8_t ret[INVITATION_SECRET_BYTES])
{
    return part.size == SECRET_CHARACTERS &&
           decode_base64url(part, ret, INVITATION_SECRET_BYTES) == INVITATION_SECRET_BYTES;
}

bool invitation_read(struct text token, struct invitation *ret, const char **ret_why)
{
    struct text rest = text_trim(token), form, addresses, fingerprint;
    struct invitation read;
    *ret_why = "that is no token: it begins with " FORM ". and was printed by sostenuto invite";
    if (rest.size > INVITATION_TEXT_MAX_BYTES || !text_split(&rest, '.', &form) ||
        !text_equal(form, TEXT(FORM)))
        return false;
    *ret_why = "the token is damaged or was cut off: copy all of it, from " FORM ". to its end";
    if (!text_split(&rest, '.', &addresses) || !text_split(&rest, '.', &fingerprint) ||
        !take_addresses(addresses, &read) || !take_bytes(fingerprint, read.root_digest) ||
        !take_bytes(rest, read.secret))
        return false;
    *ret = read;
    sodium_memzero(read.secret, sizeof read.secret);
    return true;
}
