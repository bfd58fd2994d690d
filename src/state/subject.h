// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * subject: what an operation is about: a track, album or artist of the catalogue, opaque here.
 *
 * Text form: kind, "-", 22 characters of base64url ("tr-…", "al-…", "ar-…", also "fo-", "pl-"),
 * the same as catalog/id.h prints.  Equality is by kind and bytes.
 */
enum { SUBJECT_BYTES = 18, SUBJECT_TEXT_BYTES = 25 };

struct subject {
    char kind[2]; /* two lower-case letters */
    struct uid uid;
};
_Static_assert(sizeof(struct subject) == SUBJECT_BYTES,
               "a subject has no padding: it serves as a key");

struct subject_text {
    char characters[SUBJECT_TEXT_BYTES + 1]; /* NUL-terminated */
};

struct subject subject_make(const char *kind, const uint8_t bytes[UID_BYTES]);
struct text subject_text(struct subject_text *storage, struct subject subject);
bool subject_from_text(struct text t, struct subject *ret) MUST_USE; /* strict */

static inline bool subject_equal(struct subject a, struct subject b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}
static inline bool subject_is(struct subject subject, const char *kind)
{
    return subject.kind[0] == kind[0] && subject.kind[1] == kind[1];
}
static inline struct text subject_view(const struct subject *subject)
{
    return (struct text){(const char *)subject, SUBJECT_BYTES};
}
