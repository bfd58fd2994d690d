// SPDX-License-Identifier: GPL-3.0-or-later
/* The way back: bytes of cells, as payload*.c wrote them, into structs that borrow. */
#include "base/reader.h"
#include "state/payload.h"
#include "trust/passkey.h"
#include "trust/refresh.h"
#include "trust/secret.h"

static struct text rest_of(struct reader *reader) { return reader_bytes(reader, reader->left); }

static const uint8_t *bytes_of(struct reader *reader, size_t size)
{
    return (const uint8_t *)reader_bytes(reader, size).data;
}

uint64_t cell_integer(struct text value)
{
    struct reader reader = reader_of(value);
    return value.size <= 8 ? reader_le(&reader, value.size) : 0;
}

bool app_value_read(struct text value, struct app_value *ret)
{
    struct reader reader = reader_of(value);
    ret->created_ms = (int64_t)reader_u64(&reader);
    ret->index = bytes_of(&reader, SECRET_INDEX_BYTES);
    ret->sealed = bytes_of(&reader, SECRET_SEALED_BYTES);
    ret->label = rest_of(&reader);
    return !reader.failed;
}

bool session_value_read(struct text value, struct session_value *ret)
{
    struct reader reader = reader_of(value);
    ret->rotated_ms = (int64_t)reader_u64(&reader);
    ret->created_ms = (int64_t)reader_u64(&reader);
    ret->expires_ms = (int64_t)reader_u64(&reader);
    ret->current = bytes_of(&reader, sizeof(struct refresh_hash));
    ret->previous = bytes_of(&reader, sizeof(struct refresh_hash));
    ret->label = rest_of(&reader);
    return !reader.failed;
}

bool passkey_value_read(struct text value, struct passkey_value *ret)
{
    struct reader reader = reader_of(value);
    ret->created_ms = (int64_t)reader_u64(&reader);
    ret->used_ms = (int64_t)reader_u64(&reader);
    ret->count = reader_u32(&reader);
    ret->algorithm = (int)reader_u32(&reader);
    size_t credential_size = reader_u16(&reader), key_size = reader_u16(&reader);
    ret->credential = reader_bytes(&reader, credential_size);
    ret->key = reader_bytes(&reader, key_size);
    ret->label = rest_of(&reader);
    return !reader.failed && credential_size && credential_size <= PASSKEY_CREDENTIAL_MAX_BYTES &&
           key_size && key_size <= PASSKEY_KEY_MAX_BYTES;
}

bool share_value_read(struct text value, struct share_value *ret)
{
    struct reader reader = reader_of(value);
    ret->created_ms = (int64_t)reader_u64(&reader);
    ret->expires_ms = (int64_t)reader_u64(&reader);
    ret->subjects = reader_bytes(&reader, (size_t)reader_u32(&reader) * SUBJECT_BYTES);
    ret->description = rest_of(&reader);
    return !reader.failed;
}

bool queue_value_read(struct text value, struct queue_value *ret)
{
    struct reader reader = reader_of(value);
    ret->current = reader_u32(&reader);
    ret->position_ms = (int64_t)reader_u64(&reader);
    ret->client = reader_bytes(&reader, reader_u8(&reader));
    ret->subjects = rest_of(&reader);
    return !reader.failed && ret->subjects.size % SUBJECT_BYTES == 0;
}

bool bookmark_value_read(struct text value, struct bookmark_value *ret)
{
    struct reader reader = reader_of(value);
    ret->position_ms = (int64_t)reader_u64(&reader);
    ret->created_ms = (int64_t)reader_u64(&reader);
    ret->comment = rest_of(&reader);
    return !reader.failed;
}

bool request_value_read(struct text value, struct request_value *ret)
{
    struct reader reader = reader_of(value);
    ret->asked_ms = (int64_t)reader_u64(&reader);
    ret->session = uid_read(&reader);
    ret->about = uid_read(&reader);
    ret->what = reader_u8(&reader);
    ret->members = reader_u8(&reader);
    ret->libraries = reader_u64(&reader);
    ret->name = rest_of(&reader);
    return !reader.failed && ret->what < REQUEST_WHATS;
}

bool decision_value_read(struct text value, struct decision_value *ret)
{
    struct reader reader = reader_of(value);
    ret->decided_ms = (int64_t)reader_u64(&reader);
    ret->is_done = reader_u8(&reader) != 0;
    ret->why = rest_of(&reader);
    return !reader.failed;
}
