// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/id.h"

/*
 * key: names of groups as fixed bytes, and the ids derived from them
 * (docs/formats/assigned-ids.md).
 *
 * A key is 128 bits of SipHash with fixed keys over folded parts: equal for names that people take
 * for one
 * ("Björk", "BJORK "), kept in library.db.  It decides grouping only; ids are made once and then
 * kept, whatever becomes of the key.
 */
struct key {
    uint8_t bytes[16];
};

struct key_maker {
    char
        text[4096]; /* what does not fit is mixed into the tail, so that long names stay distinct */
    size_t size;
};
void key_begin(struct key_maker *maker, const char *kind);
/* A part is folded: compatibility forms, case, marks, runs of white space.  Bytes that are not
 * UTF-8 stay as they are. */
void key_name(struct key_maker *maker, struct text name);
/* A part as it is: ids, paths, dates. */
void key_exact(struct key_maker *maker, struct text part);
void key_number(struct key_maker *maker, int64_t number);
struct key key_end(const struct key_maker *maker);

/* SHA-256 of kind, NUL, bytes, number (u32 LE): the first 16 bytes. */
struct catalog_id id_derive(const char *kind, const void *bytes, size_t size, uint32_t number);
/* Ordinal 0 is the audio id itself; duplicates of the same audio get derived ids. */
struct catalog_id id_of_track(const uint8_t audio_id[16], uint32_t ordinal);
struct catalog_id id_of_folder(int32_t root, struct text path);
