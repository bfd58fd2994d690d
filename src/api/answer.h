// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"

/*
 * answer: writes one OpenSubsonic answer as JSON, JSONP or XML from the same calls, without
 * building a tree.
 *
 *                                     JSON                          XML
 *     answer_begin(a, "album");       "album": {                    <album
 *     answer_u64(a, "year", 1969);      "year": 1969,                 year="1969"
 *     answer_list(a, "song");           "song": [                   >
 *     answer_item(a);                     {                           <song
 *     answer_text(a, "id", id);             "id": "tr-…"                id="tr-…"
 *     answer_end(a);                      }                           />
 *     answer_end(a);                    ]
 *     answer_end(a);                  }                             </album>
 *
 * Plain members are attributes in XML, so within one object they come before its lists and objects
 * (asserted). Text that is a person's is escaped and always valid in its format; names are literals
 * of ours. `is_plain` is for clients of plain Subsonic 1.16.1: whoever writes a member of
 * OpenSubsonic's asks it first.
 */
enum answer_format { ANSWER_XML, ANSWER_JSON, ANSWER_JSONP };

enum { ANSWER_DEPTH = 12 };

struct answer {
    struct buffer *out;
    struct json json;
    enum answer_format format;
    bool is_plain;
    unsigned depth;
    struct answer_level {
        const char *name; /* of the element, or of each item of a list */
        bool is_list;
        bool tag_is_open; /* XML: "<name …" stands there without its ">" */
    } levels[ANSWER_DEPTH];
};

/* Begins an answer on an empty buffer; `callback` (JSONP only) has passed
 * answer_callback_is_safe(). */
void answer_init(struct answer *answer, struct buffer *out, enum answer_format format,
                 struct text callback, bool is_plain);
/* The envelope: <subsonic-response> with its members.  `status` is "ok" or "failed". */
void answer_open(struct answer *answer, const char *status, struct text server_version);
void answer_close(struct answer *answer);
const char *answer_content_type(enum answer_format format);
/* Letters, digits, '_', '$', '.', '[', ']' only, 1 to 100: a name in JavaScript, and nothing that
 * runs. */
bool answer_callback_is_safe(struct text callback);

void answer_begin(struct answer *answer, const char *name); /* an object that is a member */
void answer_list(struct answer *answer, const char *name);  /* a list that is a member */
void answer_item(struct answer *answer);                    /* an object in the list */
void answer_end(struct answer *answer);                     /* the innermost of the three */

void answer_text(struct answer *answer, const char *name, struct text value);
void answer_u64(struct answer *answer, const char *name, uint64_t value);
void answer_i64(struct answer *answer, const char *name, int64_t value);
void answer_bool(struct answer *answer, const char *name, bool value);
void answer_double(struct answer *answer, const char *name, double value, unsigned decimals);
void answer_date(struct answer *answer, const char *name, int64_t unix_ms); /* RFC 3339, UTC */
/* Left out when empty or zero. */
void answer_some_text(struct answer *answer, const char *name, struct text value);
void answer_some_u64(struct answer *answer, const char *name, uint64_t value);
void answer_some_date(struct answer *answer, const char *name, int64_t unix_ms);

/* The object's own text: member "value" in JSON, content in XML; last in its object. */
void answer_value(struct answer *answer, struct text value);
/* A member that is an element of its own in XML: <biography>…</biography>. */
void answer_element(struct answer *answer, const char *name, struct text value);
/* Bare texts and numbers in a list: ["a","b"], or <moods>a</moods><moods>b</moods>. */
void answer_list_text(struct answer *answer, struct text value);
void answer_list_u64(struct answer *answer, uint64_t value);
