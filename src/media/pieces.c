// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/pieces.h"

#include "base/arena.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "base/mem.h"

#include <openssl/sha.h>
#include <string.h>

enum { READ_BYTES = 32 << 20, WORD_BYTES = 48 };

static bool init(struct pieces *pieces, uint64_t bytes, uint32_t piece_bytes)
{
    uint64_t count = bytes / piece_bytes + (bytes % piece_bytes != 0);
    if (count == 0 || count > PIECES_MAX_COUNT)
        return false;
    *pieces = (struct pieces){.bytes = bytes,
                              .piece_bytes = piece_bytes,
                              .count = (size_t)count,
                              .sha256 = mem_zalloc((size_t)count * PIECES_SHA256_BYTES)};
    return true;
}

bool pieces_init(struct pieces *pieces, uint64_t bytes)
{
    return init(pieces, bytes, PIECES_BYTES);
}

void pieces_release(struct pieces *pieces)
{
    mem_free(pieces->sha256);
    *pieces = (struct pieces){0};
}

size_t pieces_size(const struct pieces *pieces, size_t i)
{
    uint64_t begin = (uint64_t)i * pieces->piece_bytes, left = pieces->bytes - begin;
    return left < pieces->piece_bytes ? (size_t)left : pieces->piece_bytes;
}

void pieces_digest(struct text bytes, uint8_t ret_sha256[PIECES_SHA256_BYTES])
{
    SHA256((const uint8_t *)bytes.data, bytes.size, ret_sha256);
}

bool pieces_are(const struct pieces *pieces, size_t i, struct text bytes)
{
    uint8_t sha256[PIECES_SHA256_BYTES];
    if (i >= pieces->count || bytes.size != pieces_size(pieces, i))
        return false;
    pieces_digest(bytes, sha256);
    return memcmp(sha256, pieces->sha256[i], sizeof sha256) == 0;
}

void pieces_write(const struct pieces *pieces, struct text name, struct buffer *out)
{
    struct json json;
    struct buffer word;
    json_init(&json, out);
    buffer_init(&word, WORD_BYTES);
    json_begin_object(&json);
    json_member_text(&json, "format", TEXT("pieces 1.0"));
    json_member_text(&json, "of", name);
    json_member_u64(&json, "bytes", pieces->bytes);
    json_member_u64(&json, "pieceBytes", pieces->piece_bytes);
    json_name(&json, "sha256");
    json_begin_array(&json);
    for (size_t i = 0; i < pieces->count; i++) {
        buffer_reset(&word);
        encode_base64url(&word, pieces->sha256[i], PIECES_SHA256_BYTES);
        json_text(&json, buffer_view(&word));
    }
    json_end_array(&json);
    json_end_object(&json);
    buffer_release(&word);
}

/* --- reading --- */

static bool read_number(const struct json_node *root, struct text name, uint64_t most,
                        uint64_t *ret)
{
    const struct json_node *node = json_tree_member(root, name);
    if (!json_tree_is(node, JSON_NODE_INTEGER) || node->integer <= 0 ||
        (uint64_t)node->integer > most)
        return false;
    *ret = (uint64_t)node->integer;
    return true;
}

static bool read_words(const struct json_node *words, struct pieces *pieces)
{
    size_t i = 0;
    if (words->count != pieces->count)
        return false;
    for (const struct json_node *word = json_tree_items(words); word; word = word->next)
        if (!json_tree_is(word, JSON_NODE_TEXT) ||
            decode_base64url(word->text, pieces->sha256[i++], PIECES_SHA256_BYTES) !=
                PIECES_SHA256_BYTES)
            return false;
    return true;
}

static bool read_root(const struct json_node *root, struct text name, struct pieces *ret)
{
    const struct json_node *format = json_tree_member(root, TEXT("format")),
                           *of = json_tree_member(root, TEXT("of")),
                           *words = json_tree_member(root, TEXT("sha256"));
    struct pieces pieces = {0};
    uint64_t bytes, each;
    if (!json_tree_is(format, JSON_NODE_TEXT) || !text_starts(format->text, TEXT("pieces 1.")) ||
        !json_tree_is(of, JSON_NODE_TEXT) || !text_equal(of->text, name) ||
        !json_tree_is(words, JSON_NODE_ARRAY) ||
        !read_number(root, TEXT("bytes"), INT64_MAX, &bytes) ||
        !read_number(root, TEXT("pieceBytes"), PIECES_MOST_BYTES, &each) ||
        each < PIECES_LEAST_BYTES || !init(&pieces, bytes, (uint32_t)each))
        return false;
    if (read_words(words, &pieces)) {
        *ret = pieces;
        return true;
    }
    pieces_release(&pieces);
    return false;
}

bool pieces_read(struct text body, struct text name, struct pieces *ret)
{
    const char *why;
    struct arena *arena = arena_new(READ_BYTES);
    bool is_read = read_root(json_tree_read(arena, body, &why), name, ret);
    arena_free(&arena);
    return is_read;
}
