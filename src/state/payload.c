// SPDX-License-Identifier: GPL-3.0-or-later
/* One function per kind, from the table at the end; each reads members through `struct in`, which
 * remembers the first fault. */
#include "state/payload.h"

#include "base/encode.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "state/clock.h"
#include "state/position.h"
#include "trust/passkey.h"
#include "trust/password.h"
#include "trust/refresh.h"
#include "trust/secret.h"

#include <jansson.h>

enum {
    ARENA_BYTES = 32 * 1024 * 1024, /* a payload of many small parts, as nodes */
    QUEUE_MAX_TRACKS = 8000,
    SHARE_MAX_SUBJECTS = 2000,
    CLIENT_MAX_BYTES = 64
};

struct in {
    const struct operation *operation;
    const struct json_node *object;
    struct changes *changes;
    const char *why; /* NULL while all is well */
};

void changes_init(struct changes *changes)
{
    *changes = (struct changes){.arena = arena_new(ARENA_BYTES)};
}

void changes_release(struct changes *changes)
{
    mem_free_p(&changes->items);
    arena_free(&changes->arena);
}

/* --- members --- */

static void fault(struct in *in, const char *why)
{
    if (!in->why)
        in->why = why;
}

static const struct json_node *member(const struct in *in, const char *name)
{
    return json_tree_member(in->object, text_of(name));
}

static bool has(const struct in *in, const char *name) { return member(in, name) != NULL; }

static struct text words_of(const struct json_node *value)
{
    return json_tree_is(value, JSON_NODE_TEXT) ? value->text : TEXT_NONE;
}

static struct text in_text(struct in *in, const char *name, size_t max_bytes)
{
    const struct json_node *value = member(in, name);
    struct text t = words_of(value);
    if (value && value->kind != JSON_NODE_TEXT)
        fault(in, "a member that must be a text is not");
    else if (t.size > max_bytes)
        fault(in, "a text is too long");
    return t;
}

static int64_t in_integer(struct in *in, const char *name, int64_t least, int64_t most)
{
    const struct json_node *value = member(in, name);
    bool is_integer = json_tree_is(value, JSON_NODE_INTEGER);
    int64_t number = is_integer ? value->integer : 0;
    if (!is_integer || number < least || number > most)
        fault(in, "a number is missing or out of range");
    return number;
}

/* Unix ms; optional, with the time of the operation as default.  At most a minute ahead of when it
 * was accepted. */
static int64_t in_time(struct in *in, const char *name)
{
    int64_t latest = in->operation->accepted_ms + OPERATION_FUTURE_MS;
    int64_t at =
        has(in, name) ? in_integer(in, name, 1, INT64_MAX >> 17) : clock_ms(in->operation->hlc);
    at = in->operation->accepted_ms && at > latest ? latest : at;
    return at > 0 ? at : 1; /* 0 means "never" in cells */
}

static bool in_bool(struct in *in, const char *name)
{
    const struct json_node *value = member(in, name);
    if (!json_tree_is(value, JSON_NODE_BOOL))
        fault(in, "a member must be true or false");
    return value && value->integer == 1 && value->kind == JSON_NODE_BOOL;
}

static struct uid in_uid(struct in *in, const char *name)
{
    struct uid uid = {{0}};
    struct text t = in_text(in, name, SUBJECT_TEXT_BYTES);
    if (!uid_from_text(t.size == SUBJECT_TEXT_BYTES ? text_from(t, 3) : t,
                       &uid)) /* "pl-…" or bare */
        fault(in,
              "an id must be 22 characters of base64url, with or without its two letters and dash");
    return uid;
}

static struct subject subject_of(struct in *in, const struct json_node *value)
{
    struct subject subject = {0};
    if (!subject_from_text(words_of(value), &subject))
        fault(in, "an id must be two letters, a dash and 22 characters of base64url");
    return subject;
}

static struct subject in_subject(struct in *in, const char *name)
{
    return subject_of(in, member(in, name));
}

static const struct json_node *in_array(struct in *in, const char *name, size_t max_items)
{
    static const struct json_node none = {.kind = JSON_NODE_ARRAY};
    const struct json_node *value = member(in, name);
    if (json_tree_is(value, JSON_NODE_ARRAY) && value->count <= max_items)
        return value;
    fault(in, "a list is missing or too long");
    return &none;
}

/* --- cells --- */

static void put(struct in *in, enum space space, struct text key, struct text value, bool is_final)
{
    struct changes *changes = in->changes;
    if (changes->count == CHANGES_MAX) {
        fault(in, "changes too much at once");
        return;
    }
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity ? changes->capacity * 2 : 16;
        changes->items =
            mem_realloc_array(changes->items, changes->capacity, sizeof *changes->items);
    }
    changes->items[changes->count++] = (struct change){
        space, is_final, arena_text(changes->arena, key), arena_text(changes->arena, value)};
}

static void put_integer(struct in *in, enum space space, struct text key, uint64_t number,
                        size_t size)
{
    put(in, space, key, text_make((const char *)&number, number ? size : 0), false);
}

static void put_final(struct in *in, enum space space, struct text key)
{
    put(in, space, key, TEXT_NONE, true);
}

/* Appends what is in `value`, releases it. */
static void put_buffer(struct in *in, enum space space, struct text key, struct buffer *value)
{
    if (value->overflowed)
        fault(in, "is too long");
    else
        put(in, space, key, buffer_view(value), false);
    buffer_release(value);
}

static void append_subjects(struct in *in, const struct json_node *list, struct buffer *out)
{
    for (const struct json_node *item = json_tree_items(list); item; item = item->next) {
        struct subject subject = subject_of(in, item);
        buffer_append(out, &subject, sizeof subject);
    }
}

/* --- kinds --- */

static void read_play(struct in *in)
{
    struct counted_play *play = &in->changes->play;
    play->subjects[0] = in_subject(in, "track");
    play->subject_count = 1;
    play->at_ms = in_time(in, "at");
    if (has(in, "album"))
        play->subjects[play->subject_count++] = in_subject(in, "album");
    if (!has(in, "artists"))
        return;
    const struct json_node *item = json_tree_items(in_array(in, "artists", 16));
    for (; item && !in->why; item = item->next) {
        struct subject artist = subject_of(in, item);
        bool is_twice = false;
        for (size_t j = 0; j < play->subject_count; j++)
            is_twice |= subject_equal(play->subjects[j], artist);
        if (!is_twice)
            play->subjects[play->subject_count++] = artist;
    }
}

static void read_star(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    bool is_on = in_bool(in, "on");
    put_integer(in, SPACE_STAR, subject_view(&subject), is_on ? (uint64_t)in_time(in, "at") : 0, 8);
}

static void read_rating(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    put_integer(in, SPACE_RATING, subject_view(&subject), (uint64_t)in_integer(in, "stars", 0, 5),
                1);
}

/* A value of any kind in the one form that every node gives it: members sorted, numbers as jansson
 * writes them.  The caller frees; NULL for null. */
static char *same_everywhere(struct text payload)
{
    json_t *object = json_loadb(payload.data, payload.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *value = json_object_get(object, "value");
    char *words = value && !json_is_null(value)
                      ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS)
                      : NULL;
    json_decref(object);
    return words;
}

static void read_setting(struct in *in)
{
    struct text name = in_text(in, "name", 64);
    const struct json_node *value = member(in, "value");
    char *words = value ? same_everywhere(in->operation->payload) : NULL;
    struct text t = text_of(words);
    if (name.size == 0 || !value || t.size > TEXT_MAX_BYTES)
        fault(in, "a setting needs a name of at most 64 bytes and a value of at most 4 KiB");
    else
        put(in, SPACE_SETTING, name, t, false);
    free(words);
}

static void read_playlist(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct text name = in_text(in, "name", NAME_MAX_BYTES),
                comment = in_text(in, "comment", TEXT_MAX_BYTES);
    if (has(in, "name") && name.size == 0)
        fault(in, "a playlist needs a name");
    if (has(in, "name"))
        put(in, SPACE_PLAYLIST_NAME, uid_view(&id), name, false);
    if (has(in, "comment"))
        put(in, SPACE_PLAYLIST_COMMENT, uid_view(&id), comment, false);
    if (has(in, "public"))
        put_integer(in, SPACE_PLAYLIST_PUBLIC, uid_view(&id), in_bool(in, "public"), 1);
    if (has(in, "created"))
        put_integer(in, SPACE_PLAYLIST_CREATED, uid_view(&id), (uint64_t)in_time(in, "created"), 8);
}

static void read_playlist_delete(struct in *in)
{
    struct uid id = in_uid(in, "id");
    put_final(in, SPACE_PLAYLIST_NAME, uid_view(&id));
}

struct entry_key {
    struct uid playlist, entry;
};

static struct text entry_view(const struct entry_key *key)
{
    return text_make((const char *)key, sizeof *key);
}

static void read_playlist_put(struct in *in)
{
    struct entry_key key = {.playlist = in_uid(in, "id")};
    const struct json_node *item = json_tree_items(in_array(in, "entries", CHANGES_MAX));
    char value[SUBJECT_BYTES + POSITION_BYTES];
    for (; item && !in->why; item = item->next) {
        struct in entry = {in->operation, item, in->changes, NULL};
        key.entry = in_uid(&entry, "entry");
        struct subject track = in_subject(&entry, "track");
        struct text position = in_text(&entry, "position", POSITION_BYTES);
        if (!entry.why && !position_is_valid(position))
            fault(&entry, "a position must be 1 to 64 digits and letters, the last not 0");
        if (entry.why) {
            fault(in, entry.why);
            return;
        }
        memcpy(value, &track, SUBJECT_BYTES);
        if (position.size)
            memcpy(value + SUBJECT_BYTES, position.data, position.size);
        put(in, SPACE_ENTRY, entry_view(&key), text_make(value, SUBJECT_BYTES + position.size),
            false);
    }
}

static void read_playlist_remove(struct in *in)
{
    struct entry_key key = {.playlist = in_uid(in, "id")};
    const struct json_node *item = json_tree_items(in_array(in, "entries", CHANGES_MAX));
    for (; item && !in->why; item = item->next) {
        if (!uid_from_text(words_of(item), &key.entry))
            fault(in, "an entry's id must be 22 characters of base64url");
        else
            put_final(in, SPACE_ENTRY, entry_view(&key));
    }
}

static void read_queue(struct in *in)
{
    const struct json_node *tracks = in_array(in, "tracks", QUEUE_MAX_TRACKS);
    struct text client = in_text(in, "client", CLIENT_MAX_BYTES);
    struct buffer value;
    buffer_init(&value, OPERATION_MAX_PAYLOAD_BYTES);
    int64_t count = (int64_t)tracks->count;
    buffer_u32(&value, has(in, "current") ? (uint32_t)in_integer(in, "current", 0, count)
                                          : (uint32_t)count);
    buffer_u64(&value, has(in, "position_ms")
                           ? (uint64_t)in_integer(in, "position_ms", 0, INT64_MAX >> 17)
                           : 0);
    buffer_byte(&value, (uint8_t)client.size);
    buffer_text(&value, client);
    append_subjects(in, tracks, &value);
    put_buffer(in, SPACE_QUEUE, TEXT_NONE, &value);
}

static void read_bookmark(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    struct buffer value;
    buffer_init(&value, OPERATION_MAX_PAYLOAD_BYTES);
    buffer_u64(&value, (uint64_t)in_integer(in, "position_ms", 0, INT64_MAX >> 17));
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    buffer_text(&value, in_text(in, "comment", TEXT_MAX_BYTES));
    put_buffer(in, SPACE_BOOKMARK, subject_view(&subject), &value);
}

static void read_bookmark_delete(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    put(in, SPACE_BOOKMARK, subject_view(&subject), TEXT_NONE, false);
}

static void read_share(struct in *in)
{
    struct uid id = in_uid(in, "id");
    const struct json_node *subjects = in_array(in, "subjects", SHARE_MAX_SUBJECTS);
    struct buffer value;
    buffer_init(&value, OPERATION_MAX_PAYLOAD_BYTES);
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    buffer_u64(&value,
               has(in, "expires") ? (uint64_t)in_integer(in, "expires", 0, INT64_MAX >> 17) : 0);
    buffer_u32(&value, (uint32_t)subjects->count);
    append_subjects(in, subjects, &value);
    buffer_text(&value, in_text(in, "description", TEXT_MAX_BYTES));
    put_buffer(in, SPACE_SHARE, uid_view(&id), &value);
}

static void read_share_delete(struct in *in)
{
    struct uid id = in_uid(in, "id");
    put_final(in, SPACE_SHARE, uid_view(&id));
}

/* Hex is written as people write numbers: the highest digit first. */
static uint64_t in_libraries(struct in *in)
{
    uint64_t number = 0;
    uint8_t mask[8] = {0};
    if (decode_hex(in_text(in, "libraries", 16), mask, sizeof mask) != sizeof mask)
        fault(in, "libraries must be a mask of 16 hex digits");
    for (size_t i = 0; i < sizeof mask; i++)
        number = number << 8 | mask[i];
    return number;
}

static void read_account(struct in *in)
{
    struct text name = in_text(in, "name", NAME_MAX_BYTES);
    if (has(in, "name") && name.size == 0)
        fault(in, "an account needs a name");
    if (has(in, "name"))
        put(in, SPACE_ACCOUNT_NAME, TEXT_NONE, name, false);
    if (has(in, "admin"))
        put_integer(in, SPACE_ACCOUNT_ADMIN, TEXT_NONE, in_bool(in, "admin"), 1);
    if (has(in, "disabled"))
        put_integer(in, SPACE_ACCOUNT_DISABLED, TEXT_NONE, in_bool(in, "disabled"), 1);
    if (has(in, "created"))
        put_integer(in, SPACE_ACCOUNT_CREATED, TEXT_NONE, (uint64_t)in_time(in, "created"), 8);
    if (!has(in, "libraries"))
        return;
    uint64_t number = in_libraries(in); /* none is a value, too */
    put(in, SPACE_ACCOUNT_LIBRARIES, TEXT_NONE, text_make((const char *)&number, sizeof number),
        false);
}

static void read_account_delete(struct in *in) { put_final(in, SPACE_ACCOUNT_NAME, TEXT_NONE); }

static void read_password(struct in *in)
{
    struct text hash = in_text(in, "hash", PASSWORD_HASH_BYTES - 1);
    if (!has(in, "hash"))
        fault(in, "a password needs its hash");
    put(in, SPACE_PASSWORD, TEXT_NONE, hash, false);
}

static void append_decoded(struct in *in, const char *name, size_t size, struct buffer *out)
{
    uint8_t bytes[128];
    if (decode_base64url(in_text(in, name, 256), bytes, size) != size)
        fault(in, "a hash or sealed secret has another size");
    else
        buffer_append(out, bytes, size);
}

static void read_app(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct buffer value;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    append_decoded(in, "index", SECRET_INDEX_BYTES, &value);
    append_decoded(in, "sealed", SECRET_SEALED_BYTES, &value);
    buffer_text(&value, in_text(in, "label", NAME_MAX_BYTES));
    put_buffer(in, SPACE_APP, uid_view(&id), &value);
}

static void read_app_revoke(struct in *in)
{
    struct uid id = in_uid(in, "id");
    put_final(in, SPACE_APP, uid_view(&id));
}

static void read_session(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct buffer value;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_integer(in, "rotated", 0, INT64_MAX >> 17));
    buffer_u64(&value, (uint64_t)in_integer(in, "created", 0, INT64_MAX >> 17));
    buffer_u64(&value, (uint64_t)in_integer(in, "expires", 0, INT64_MAX >> 17));
    append_decoded(in, "current", sizeof(struct refresh_hash), &value);
    append_decoded(in, "previous", sizeof(struct refresh_hash), &value);
    buffer_text(&value, in_text(in, "label", NAME_MAX_BYTES));
    put_buffer(in, SPACE_SESSION, uid_view(&id), &value);
}

static void read_session_revoke(struct in *in)
{
    struct uid id = in_uid(in, "id");
    put_final(in, SPACE_SESSION, uid_view(&id));
}

static size_t in_bytes(struct in *in, const char *name, uint8_t *ret, size_t max_bytes)
{
    size_t size = decode_base64url(in_text(in, name, 512), ret, max_bytes);
    if (size == SIZE_MAX || size == 0)
        fault(in, "bytes are missing, or too many");
    return size == SIZE_MAX ? 0 : size;
}

static void read_passkey(struct in *in)
{
    uint8_t credential[PASSKEY_CREDENTIAL_MAX_BYTES], key[PASSKEY_KEY_MAX_BYTES];
    struct buffer value;
    size_t credential_size = in_bytes(in, "credential", credential, sizeof credential),
           key_size = in_bytes(in, "key", key, sizeof key);
    struct uid id = passkey_uid(text_make((const char *)credential, credential_size));
    buffer_init(&value, 2048);
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    buffer_u64(&value, has(in, "used") ? (uint64_t)in_time(in, "used") : 0);
    buffer_u32(&value, (uint32_t)in_integer(in, "count", 0, UINT32_MAX));
    buffer_u32(&value, (uint32_t)in_integer(in, "algorithm", INT16_MIN, INT16_MAX));
    buffer_u16(&value, (uint16_t)credential_size);
    buffer_u16(&value, (uint16_t)key_size);
    buffer_append(&value, credential, credential_size);
    buffer_append(&value, key, key_size);
    buffer_text(&value, in_text(in, "label", NAME_MAX_BYTES));
    put_buffer(in, SPACE_PASSKEY, uid_view(&id), &value);
}

static void read_passkey_revoke(struct in *in)
{
    struct uid id = in_uid(in, "id");
    put_final(in, SPACE_PASSKEY, uid_view(&id));
}

static unsigned in_members(struct in *in)
{
    unsigned members = 0;
    if (has(in, "admin"))
        members |= REQUEST_HAS_ADMIN | (in_bool(in, "admin") ? REQUEST_ADMIN : 0);
    if (has(in, "disabled"))
        members |= REQUEST_HAS_DISABLED | (in_bool(in, "disabled") ? REQUEST_DISABLED : 0);
    if (has(in, "libraries"))
        members |= REQUEST_HAS_LIBRARIES;
    return members;
}

static void read_request(struct in *in)
{
    struct uid id = in_uid(in, "id"), session = in_uid(in, "session"), about = in_uid(in, "about");
    struct text name = in_text(in, "name", NAME_MAX_BYTES);
    unsigned members = in_members(in);
    enum request_what what;
    struct buffer value;
    if (!request_what_from(in_text(in, "what", NAME_MAX_BYTES), &what))
        fault(in, "a request must say what is asked for: make, change or delete");
    else if (what == REQUEST_MAKE && name.size == 0)
        fault(in, "an account needs a name");
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
    put_buffer(in, SPACE_REQUEST, uid_view(&id), &value);
}

static void read_request_decided(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct buffer value;
    buffer_init(&value, 1024);
    buffer_u64(&value, (uint64_t)in_time(in, "at"));
    buffer_byte(&value, in_bool(in, "done"));
    buffer_text(&value, in_text(in, "why", NAME_MAX_BYTES));
    put_buffer(in, SPACE_REQUEST_DECIDED, uid_view(&id), &value);
}

static void read_request_forget(struct in *in)
{
    struct uid id = in_uid(in, "id");
    put_final(in, SPACE_REQUEST, uid_view(&id));
    put_final(in, SPACE_REQUEST_DECIDED, uid_view(&id));
}

static void read_unknown(struct in *in UNUSED) {}

static void (*const READERS[])(struct in *in) = {
    [KIND_PLAY] = read_play,
    [KIND_STAR] = read_star,
    [KIND_RATING] = read_rating,
    [KIND_SETTING] = read_setting,
    [KIND_PLAYLIST] = read_playlist,
    [KIND_PLAYLIST_DELETE] = read_playlist_delete,
    [KIND_PLAYLIST_PUT] = read_playlist_put,
    [KIND_PLAYLIST_REMOVE] = read_playlist_remove,
    [KIND_QUEUE] = read_queue,
    [KIND_BOOKMARK] = read_bookmark,
    [KIND_BOOKMARK_DELETE] = read_bookmark_delete,
    [KIND_SHARE] = read_share,
    [KIND_SHARE_DELETE] = read_share_delete,
    [KIND_ACCOUNT] = read_account,
    [KIND_ACCOUNT_DELETE] = read_account_delete,
    [KIND_PASSWORD] = read_password,
    [KIND_APP] = read_app,
    [KIND_APP_REVOKE] = read_app_revoke,
    [KIND_SESSION] = read_session,
    [KIND_SESSION_REVOKE] = read_session_revoke,
    [KIND_PASSKEY] = read_passkey,
    [KIND_PASSKEY_REVOKE] = read_passkey_revoke,
    [KIND_REQUEST] = read_request,
    [KIND_REQUEST_DECIDED] = read_request_decided,
    [KIND_REQUEST_FORGET] = read_request_forget,
    [KIND_UNKNOWN] = read_unknown,
};

bool payload_read(const struct operation *operation, struct changes *changes, const char **ret_why)
{
    arena_reset(changes->arena);
    changes->count = 0;
    changes->play.subject_count = 0;
    const struct json_node *object = json_tree_read(changes->arena, operation->payload, ret_why);
    struct in in = {operation, object, changes,
                    json_tree_is(object, JSON_NODE_OBJECT) ? NULL
                                                           : "payload must be a JSON object"};
    if (!in.why)
        READERS[operation_kind_from(operation->kind)](&in);
    if (arena_overflowed(changes->arena))
        fault(&in, "changes too much at once");
    *ret_why = in.why;
    return !in.why;
}
