// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

/*
 * huffman: strings of HPACK that are Huffman-coded (RFC 7541 5.2, Appendix B) are read here; we
 * never write them: what we send often has an index, and the rest is short.
 */

/* The shortest code has five bits. */
static inline size_t huffman_most(size_t coded_size) { return coded_size * 8 / 5; }

/* Decodes into `out`, which has room for huffman_most(coded.size).  False: the padding is wrong or
 * too long, or an end of string stands within. */
bool huffman_decode(struct text coded, char *out, size_t *ret_size) MUST_USE;
