// SPDX-License-Identifier: GPL-3.0-or-later
/* One function per kind, from the table at the end; those about accounts are in
 * payload_accounts.c. */
#include "state/payload_in.h"

#include "base/mem.h"
#include "state/position.h"

#include <jansson.h>

enum {
    ARENA_BYTES = 32 * 1024 * 1024, /* a payload of many small parts, as nodes */
    QUEUE_MAX_TRACKS = 8000,
    SHARE_MAX_SUBJECTS = 2000,
    CLIENT_MAX_BYTES = 64
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

/* --- kinds --- */

static void read_play(struct in *in)
{
    struct counted_play *play = &in->changes->play;
    play->subjects[0] = in_subject(in, "track");
    play->subject_count = 1;
    play->at_ms = in_time(in, "at");
    if (in_has(in, "album"))
        play->subjects[play->subject_count++] = in_subject(in, "album");
    if (!in_has(in, "artists"))
        return;
    const struct json_node *item = json_tree_items(in_array(in, "artists", 16));
    for (; item && !in->why; item = item->next) {
        struct subject artist = in_subject_of(in, item);
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
    in_put_integer(in, SPACE_STAR, subject_view(&subject), is_on ? (uint64_t)in_time(in, "at") : 0,
                   8);
}

static void read_rating(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    in_put_integer(in, SPACE_RATING, subject_view(&subject),
                   (uint64_t)in_integer(in, "stars", 0, 5), 1);
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
    const struct json_node *value = in_member(in, "value");
    char *words = value ? same_everywhere(in->operation->payload) : NULL;
    struct text t = text_of(words);
    if (name.size == 0 || !value || t.size > TEXT_MAX_BYTES)
        in_fault(in, "a setting needs a name of at most 64 bytes and a value of at most 4 KiB");
    else
        in_put(in, SPACE_SETTING, name, t, false);
    free(words);
}

static void read_playlist(struct in *in)
{
    struct uid id = in_uid(in, "id");
    struct text name = in_text(in, "name", NAME_MAX_BYTES),
                comment = in_text(in, "comment", TEXT_MAX_BYTES);
    if (in_has(in, "name") && name.size == 0)
        in_fault(in, "a playlist needs a name");
    if (in_has(in, "name"))
        in_put(in, SPACE_PLAYLIST_NAME, uid_view(&id), name, false);
    if (in_has(in, "comment"))
        in_put(in, SPACE_PLAYLIST_COMMENT, uid_view(&id), comment, false);
    if (in_has(in, "public"))
        in_put_integer(in, SPACE_PLAYLIST_PUBLIC, uid_view(&id), in_bool(in, "public"), 1);
    if (in_has(in, "created"))
        in_put_integer(in, SPACE_PLAYLIST_CREATED, uid_view(&id), (uint64_t)in_time(in, "created"),
                       8);
}

static void read_playlist_delete(struct in *in) { in_put_end(in, SPACE_PLAYLIST_NAME); }

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
            in_fault(&entry, "a position must be 1 to 64 digits and letters, the last not 0");
        if (entry.why) {
            in_fault(in, entry.why);
            return;
        }
        memcpy(value, &track, SUBJECT_BYTES);
        bytes_copy(value + SUBJECT_BYTES, position.data, position.size);
        in_put(in, SPACE_ENTRY, entry_view(&key), text_make(value, SUBJECT_BYTES + position.size),
               false);
    }
}

static void read_playlist_remove(struct in *in)
{
    struct entry_key key = {.playlist = in_uid(in, "id")};
    const struct json_node *item = json_tree_items(in_array(in, "entries", CHANGES_MAX));
    for (; item && !in->why; item = item->next) {
        if (!uid_from_text(in_words_of(item), &key.entry))
            in_fault(in, "an entry's id must be 22 characters of base64url");
        else
            in_put_final(in, SPACE_ENTRY, entry_view(&key));
    }
}

static void read_queue(struct in *in)
{
    const struct json_node *tracks = in_array(in, "tracks", QUEUE_MAX_TRACKS);
    struct text client = in_text(in, "client", CLIENT_MAX_BYTES);
    struct buffer value;
    buffer_init(&value, OPERATION_MAX_PAYLOAD_BYTES);
    int64_t count = (int64_t)tracks->count;
    buffer_u32(&value, in_has(in, "current") ? (uint32_t)in_integer(in, "current", 0, count)
                                             : (uint32_t)count);
    buffer_u64(&value, in_has(in, "position_ms")
                           ? (uint64_t)in_integer(in, "position_ms", 0, INT64_MAX >> 17)
                           : 0);
    buffer_byte(&value, (uint8_t)client.size);
    buffer_text(&value, client);
    in_append_subjects(in, tracks, &value);
    in_put_buffer(in, SPACE_QUEUE, TEXT_NONE, &value);
}

static void read_bookmark(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    struct buffer value;
    buffer_init(&value, OPERATION_MAX_PAYLOAD_BYTES);
    buffer_u64(&value, (uint64_t)in_integer(in, "position_ms", 0, INT64_MAX >> 17));
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    buffer_text(&value, in_text(in, "comment", TEXT_MAX_BYTES));
    in_put_buffer(in, SPACE_BOOKMARK, subject_view(&subject), &value);
}

static void read_bookmark_delete(struct in *in)
{
    struct subject subject = in_subject(in, "id");
    in_put(in, SPACE_BOOKMARK, subject_view(&subject), TEXT_NONE, false);
}

static void read_share(struct in *in)
{
    struct uid id = in_uid(in, "id");
    const struct json_node *subjects = in_array(in, "subjects", SHARE_MAX_SUBJECTS);
    struct buffer value;
    buffer_init(&value, OPERATION_MAX_PAYLOAD_BYTES);
    buffer_u64(&value, (uint64_t)in_time(in, "created"));
    buffer_u64(&value,
               in_has(in, "expires") ? (uint64_t)in_integer(in, "expires", 0, INT64_MAX >> 17) : 0);
    buffer_u32(&value, (uint32_t)subjects->count);
    in_append_subjects(in, subjects, &value);
    buffer_text(&value, in_text(in, "description", TEXT_MAX_BYTES));
    in_put_buffer(in, SPACE_SHARE, uid_view(&id), &value);
}

static void read_share_delete(struct in *in) { in_put_end(in, SPACE_SHARE); }

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
    [KIND_ACCOUNT] = payload_read_account,
    [KIND_ACCOUNT_DELETE] = payload_read_account_delete,
    [KIND_PASSWORD] = payload_read_password,
    [KIND_APP] = payload_read_app,
    [KIND_APP_REVOKE] = payload_read_app_revoke,
    [KIND_SESSION] = payload_read_session,
    [KIND_SESSION_REVOKE] = payload_read_session_revoke,
    [KIND_PASSKEY] = payload_read_passkey,
    [KIND_PASSKEY_REVOKE] = payload_read_passkey_revoke,
    [KIND_REQUEST] = payload_read_request,
    [KIND_REQUEST_DECIDED] = payload_read_request_decided,
    [KIND_REQUEST_FORGET] = payload_read_request_forget,
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
        in_fault(&in, "changes too much at once");
    *ret_why = in.why;
    return !in.why;
}
