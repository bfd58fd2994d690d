// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/hash.h"

/*
 * huffman_memo: long strings that were decoded lately, by their coded bytes.
 *
 * A path that carries a grant is some 200 bytes, which no encoder puts into HPACK's table, because
 * it is a secret and changes: it is coded anew in each request for the same song, range after
 * range, and decoding it symbol by symbol was a fifth of what an answer of 1 KiB cost.
 *
 * What a string decodes to depends on its bytes alone, so nothing here can be stale, and one memo
 * serves all connections of a loop.  A string has one place, chosen by a keyed hash of all its
 * bytes; the later one stays.  Bytes are compared only after the hash of 64 bits was the same, so
 * how long a miss takes tells nobody what else is remembered.
 */
struct huffman_memo;

enum {
    HUFFMAN_MEMO_PLACES = 64,
    HUFFMAN_MEMO_LEAST_BYTES = 48, /* shorter ones are decoded as quickly as found */
    HUFFMAN_MEMO_MOST_BYTES = 512, /* coded */
};

struct huffman_memo *huffman_memo_new(struct hash_key key) MUST_USE; /* 85 KiB */
void huffman_memo_free(struct huffman_memo **memo);

static inline bool huffman_memo_takes(size_t coded_bytes)
{
    return coded_bytes >= HUFFMAN_MEMO_LEAST_BYTES && coded_bytes <= HUFFMAN_MEMO_MOST_BYTES;
}
/*
 * As huffman_decode(), of a size that the memo takes.  *ret is borrowed until the next call.
 * False: it is not the code, and is not remembered.
 */
bool huffman_memo_decode(struct huffman_memo *memo, struct text coded, struct text *ret) MUST_USE;
