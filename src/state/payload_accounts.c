// SPDX-License-Identifier: GPL-3.0-or-later
/* Kinds about who somebody is: accounts, passwords, apps, sessions, passkeys, and what an edge asks
 * the origin to do with them. */
#include "state/payload_in.h"

#include "base/encode.h"
#include "trust/passkey.h"
#include "trust/password.h"
#include "trust/refresh.h"
#include "trust/secret.h"

/* Hex is written as people write numbers: the highest digit first. */
static uint64_t in_libraries(struct in *in)
{
    uint64_t number = 0;
    uint8_t mask[8] = {0};
    if (decode_hex(in_text(in, "libraries", 16), mask, sizeof mask) != sizeof mask)
        in_fault(in, "libraries must be a mask of 16 hex digits");
    for (size_t i = 0; i < sizeof mask; i++)
        number = number << 8 | mask[i];
    return number;
}

void payload_read_account(struct in *in)
{
    struct text name = in_text(in, "name", NAME_MAX_BYTES);
    if (in_has(in, "name") && name.size == 0)
        in_fault(in, "an account needs a name");
    if (in_has(in, "name"))
        in_put(in, SPACE_ACCOUNT_NAME, TEXT_NONE, name, false);
    if (in_has(in, "admin"))
        in_put_integer(in, SPACE_ACCOUNT_ADMIN, TEXT_NONE, in_bool(in, "admin"), 1);
    if (in_has(in, "disabled"))
        in_put_integer(in, SPACE_ACCOUNT_DISABLED, TEXT_NONE, in_bool(in, "disabled"), 1);
    if (in_has(in, "created"))
        in_put_integer(in, SPACE_ACCOUNT_CREATED, TEXT_NONE, (uint64_t)in_time(in, "created"), 8);
    if (!in_has(in, "libraries"))
        return;
    uint64_t number = in_libraries(in); /* none is a value, too */
    in_put(in, SPACE_ACCOUNT_LIBRARIES, TEXT_NONE, text_make((const char *)&number, sizeof number),
           false);
}

void payload_read_account_delete(struct in *in) { in_put_final(in, SPACE_ACCOUNT_NAME, TEXT_NONE); }

void payload_read_password(struct in *in)
{
    struct text hash = in_text(in, "hash", PASSWORD_HASH_BYTES - 1);
    if (!in_has(in, "hash"))
        in_fault(in, "a password needs its hash");
    in_put(in, SPACE_PASSWORD, TEXT_NONE, hash, false);
}

void payload_read_app(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct buffer value;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    in_append_decoded(in, "index", SECRET_INDEX_BYTES, &value);
    in_append_decoded(in, "sealed", SECRET_SEALED_BYTES, &value);
    buffer_text(&value, in_text(in, "label", NAME_MAX_BYTES));
    in_put_buffer(in, SPACE_APP, uid_view(&id), &value);
}

void payload_read_app_revoke(struct in *in) { in_put_end(in, SPACE_APP); }

void payload_read_session(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct buffer value;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_integer(in, "rotated", 0, INT64_MAX >> 17));
    buffer_u64(&value, (uint64_t)in_integer(in, "created", 0, INT64_MAX >> 17));
    buffer_u64(&value, (uint64_t)in_integer(in, "expires", 0, INT64_MAX >> 17));
    in_append_decoded(in, "current", sizeof(struct refresh_hash), &value);
    in_append_decoded(in, "previous", sizeof(struct refresh_hash), &value);
    buffer_text(&value, in_text(in, "label", NAME_MAX_BYTES));
    in_put_buffer(in, SPACE_SESSION, uid_view(&id), &value);
}

void payload_read_session_revoke(struct in *in) { in_put_end(in, SPACE_SESSION); }

void payload_read_passkey(struct in *in)
{
    uint8_t credential[PASSKEY_CREDENTIAL_MAX_BYTES], key[PASSKEY_KEY_MAX_BYTES];
    struct buffer value;
    size_t credential_size = in_bytes(in, "credential", credential, sizeof credential),
           key_size = in_bytes(in, "key", key, sizeof key);
    struct uid id = passkey_uid(text_make((const char *)credential, credential_size));
    buffer_init(&value, 2048);
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    buffer_u64(&value, in_has(in, "used") ? (uint64_t)in_time(in, "used") : 0);
    buffer_u32(&value, (uint32_t)in_integer(in, "count", 0, UINT32_MAX));
    buffer_u32(&value, (uint32_t)in_integer(in, "algorithm", INT16_MIN, INT16_MAX));
    buffer_u16(&value, (uint16_t)credential_size);
    buffer_u16(&value, (uint16_t)key_size);
    buffer_append(&value, credential, credential_size);
    buffer_append(&value, key, key_size);
    buffer_text(&value, in_text(in, "label", NAME_MAX_BYTES));
    in_put_buffer(in, SPACE_PASSKEY, uid_view(&id), &value);
}

void payload_read_passkey_revoke(struct in *in) { in_put_end(in, SPACE_PASSKEY); }

static unsigned in_members(struct in *in)
{
    unsigned members = 0;
    if (in_has(in, "admin"))
        members |= REQUEST_HAS_ADMIN | (in_bool(in, "admin") ? REQUEST_ADMIN : 0);
    if (in_has(in, "disabled"))
        members |= REQUEST_HAS_DISABLED | (in_bool(in, "disabled") ? REQUEST_DISABLED : 0);
    if (in_has(in, "libraries"))
        members |= REQUEST_HAS_LIBRARIES;
    return members;
}

void payload_read_request(struct in *in)
{
    struct uid id = in_uid(in, "id"), session = in_uid(in, "session"), about = in_uid(in, "about");
    struct text name = in_text(in, "name", NAME_MAX_BYTES);
    unsigned members = in_members(in);
    enum request_what what;
    struct buffer value;
    if (!request_what_from(in_text(in, "what", NAME_MAX_BYTES), &what))
        in_fault(in, "a request must say what is asked for: make, change or delete");
    else if (what == REQUEST_MAKE && name.size == 0)
        in_fault(in, "an account needs a name");
    if (in->why)
        return;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_time(in, "asked"));
    buffer_append(&value, session.bytes, UID_BYTES);
    buffer_append(&value, about.bytes, UID_BYTES);
    buffer_byte(&value, (uint8_t)what);
    buffer_byte(&value, (uint8_t)members);
    buffer_u64(&value, members & REQUEST_HAS_LIBRARIES ? in_libraries(in) : 0);
    buffer_text(&value, name);
    in_put_buffer(in, SPACE_REQUEST, uid_view(&id), &value);
}

void payload_read_request_decided(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct buffer value;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_time(in, "at"));
    buffer_byte(&value, in_bool(in, "done"));
    buffer_text(&value, in_text(in, "why", NAME_MAX_BYTES));
    in_put_buffer(in, SPACE_REQUEST_DECIDED, uid_view(&id), &value);
}

void payload_read_request_forget(struct in *in)
{
    struct uid id = in_uid(in, "id");
    in_put_final(in, SPACE_REQUEST, uid_view(&id));
    in_put_final(in, SPACE_REQUEST_DECIDED, uid_view(&id));
}
