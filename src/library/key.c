// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/key.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>
#include <utf8proc.h>

static const struct hash_key first_half = {UINT64_C(0x736f7374656e7574),
                                           UINT64_C(0x6f206c6962726172)};
static const struct hash_key second_half = {UINT64_C(0x79206b6579206f66),
                                            UINT64_C(0x20612067726f7570)};

static void append(struct key_maker *maker, const char *data, size_t size)
{
    size_t room = sizeof maker->text - maker->size;
    if (size > room) {
        uint64_t rest = hash_bytes(first_half, data, size);
        maker->size = sizeof maker->text - sizeof rest;
        memcpy(maker->text + maker->size, &rest, sizeof rest);
        maker->size = sizeof maker->text;
        return;
    }
    bytes_copy(maker->text + maker->size, data, size);
    maker->size += size;
}

static void end_part(struct key_maker *maker) { append(maker, "\0", 1); }

void key_begin(struct key_maker *maker, const char *kind)
{
    maker->size = 0;
    key_exact(maker, text_of(kind));
}

void key_exact(struct key_maker *maker, struct text part)
{
    append(maker, part.data, part.size);
    end_part(maker);
}

void key_number(struct key_maker *maker, int64_t number)
{
    append(maker, (const char *)&number, sizeof number);
    end_part(maker);
}

static bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Lower case and single spaces, none at the ends. */
static void append_ascii(struct key_maker *maker, struct text name)
{
    bool is_gap = false, has_some = false;
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        if (is_space(byte)) {
            is_gap = has_some;
            continue;
        }
        if (is_gap)
            append(maker, " ", 1);
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte + ('a' - 'A'));
        append(maker, &byte, 1);
        is_gap = false;
        has_some = true;
    }
}

static bool is_ascii(struct text name)
{
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] >= 0x80)
            return false;
    return true;
}

void key_name(struct key_maker *maker, struct text name)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t size = -1;
    if (!is_ascii(name))
        size =
            utf8proc_map((const utf8proc_uint8_t *)name.data, (utf8proc_ssize_t)name.size, &folded,
                         UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE |
                             UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
    append_ascii(maker, size >= 0 ? text_make((const char *)folded, (size_t)size) : name);
    mem_free(folded);
    end_part(maker);
}

struct key key_end(const struct key_maker *maker)
{
    uint64_t halves[2] = {hash_bytes(first_half, maker->text, maker->size),
                          hash_bytes(second_half, maker->text, maker->size)};
    struct key key;
    memcpy(key.bytes, halves, sizeof key.bytes);
    return key;
}

struct catalog_id id_derive(const char *kind, const void *bytes, size_t size, uint32_t number)
{
    const uint8_t little[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                               (uint8_t)(number >> 24)};
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
                   EVP_DigestUpdate(context, kind, strlen(kind) + 1) &&
                   EVP_DigestUpdate(context, bytes, size) &&
                   EVP_DigestUpdate(context, little, sizeof little) &&
                   EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    assert(is_done);
    struct catalog_id id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    return id;
}

struct catalog_id id_of_track(const uint8_t audio_id[16], uint32_t ordinal)
{
    struct catalog_id id;
    memcpy(id.bytes, audio_id, sizeof id.bytes);
    return ordinal ? id_derive("sostenuto track", audio_id, 16, ordinal) : id;
}

struct catalog_id id_of_folder(int32_t root, struct text path)
{
    return id_derive("sostenuto folder", path.data ? path.data : "", path.size, (uint32_t)root);
}
