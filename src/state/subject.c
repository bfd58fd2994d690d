// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/subject.h"

static bool is_kind(const char kind[2])
{
    return kind[0] >= 'a' && kind[0] <= 'z' && kind[1] >= 'a' && kind[1] <= 'z';
}

struct subject subject_make(const char *kind, const uint8_t bytes[UID_BYTES])
{
    struct subject subject;
    memcpy(subject.kind, kind, sizeof subject.kind);
    memcpy(subject.uid.bytes, bytes, UID_BYTES);
    return subject;
}

struct text subject_text(struct subject_text *storage, struct subject subject)
{
    struct uid_text uid;
    memcpy(storage->characters, subject.kind, 2);
    storage->characters[2] = '-';
    memcpy(storage->characters + 3, uid_text(&uid, subject.uid).data, UID_TEXT_BYTES);
    storage->characters[SUBJECT_TEXT_BYTES] = '\0';
    return text_make(storage->characters, SUBJECT_TEXT_BYTES);
}

bool subject_from_text(struct text t, struct subject *ret)
{
    struct uid uid;
    if (t.size != SUBJECT_TEXT_BYTES || t.data[2] != '-' || !is_kind(t.data) ||
        !uid_from_text(text_from(t, 3), &uid))
        return false;
    *ret = subject_make(t.data, uid.bytes);
    return true;
}
