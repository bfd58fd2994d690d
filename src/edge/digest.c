// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/digest.h"

#include "http/fields.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

/* ":base64:" (RFC 8941 3.3.5) of exactly `size` bytes. */
static bool read_bytes(struct text item, uint8_t *out, size_t size)
{
    unsigned char raw[DIGEST_BYTES_MAX + 3];
    size_t encoded = (size + 2) / 3 * 4;
    size_t padding = (3 - size % 3) % 3;
    if (item.size != encoded + 2 || item.data[0] != ':' || item.data[item.size - 1] != ':')
        return false;
    int got = EVP_DecodeBlock(raw, (const unsigned char *)item.data + 1, (int)encoded);
    if (got < 0 || (size_t)got != size + padding)
        return false;
    memcpy(out, raw, size);
    return true;
}

static bool find(const struct http_response *response, struct text field, struct text algorithm,
                 struct digest *digest, size_t size)
{
    for (size_t i = 0; i < response->field_count; i++) {
        struct text rest = response->fields[i].value, item;
        if (!text_equal_nocase(response->fields[i].name, field))
            continue;
        while (http_list_next(&rest, &item))
            if (text_starts(item, algorithm) && item.size > algorithm.size &&
                item.data[algorithm.size] == '=' &&
                read_bytes(text_from(item, algorithm.size + 1), digest->stated, size)) {
                digest->size = (uint8_t)size;
                return true;
            }
    }
    return false;
}

static const EVP_MD *stated(const struct http_response *response, struct digest *digest)
{
    static const struct text fields[] = {TEXT_INIT("Repr-Digest"), TEXT_INIT("Content-Digest")};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (find(response, fields[i], TEXT("sha-256"), digest, 32))
            return EVP_sha256();
        if (find(response, fields[i], TEXT("sha-512"), digest, 64))
            return EVP_sha512();
    }
    return NULL;
}

void digest_begin(struct digest *digest, const struct http_response *response)
{
    *digest = (struct digest){0};
    if (response->status != 200)
        return;
    const EVP_MD *algorithm = stated(response, digest);
    if (!algorithm)
        return;
    digest->state = EVP_MD_CTX_new();
    int is_begun = digest->state && EVP_DigestInit_ex(digest->state, algorithm, NULL);
    assert(is_begun);
}

void digest_add(struct digest *digest, struct text piece)
{
    if (digest->state)
        EVP_DigestUpdate(digest->state, piece.data, piece.size);
}

bool digest_end(struct digest *digest)
{
    uint8_t found[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!digest->state)
        return true;
    int is_made = EVP_DigestFinal_ex(digest->state, found, &size);
    assert(is_made);
    digest_release(digest);
    return size == digest->size && memcmp(found, digest->stated, size) == 0;
}

void digest_release(struct digest *digest)
{
    EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}
