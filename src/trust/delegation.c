// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/delegation.h"

#include "base/encode.h"
#include "base/json.h"
#include "trust/node_certificate.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { OBJECT_NAME_BYTES = 64 };

static const struct {
    uint32_t bit;
    const char *word;
} words[] = {{DELEGATED_OPERATIONS, "operations"}, {DELEGATED_SESSIONS, "sessions"}};

bool delegation_name_is_sound(struct text name)
{
    if (name.size == 0 || name.size > DELEGATION_NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_plain && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return true;
}

static struct text object_name(struct uid id, char room[OBJECT_NAME_BYTES])
{
    struct uid_text text;
    (void)snprintf(room, OBJECT_NAME_BYTES, "/nodes/%.*s", TEXT_ARGS(uid_text(&text, id)));
    return text_of(room);
}

/* --- writing --- */

void delegated_write(struct json *json, uint32_t may)
{
    json_begin_array(json);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (may & words[i].bit)
            json_text(json, text_of(words[i].word));
    json_end_array(json);
}

static void write_body(const struct delegation *delegation, struct buffer *out)
{
    struct json json;
    struct uid_text id;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "id", uid_text(&id, delegation->id));
    json_member_text(&json, "name", text_of(delegation->name));
    json_member_text(&json, "role", TEXT("edge"));
    json_member_bytes(&json, "public", delegation->key, sizeof delegation->key);
    json_name(&json, "may");
    delegated_write(&json, delegation->may);
    json_member_i64(&json, "since", delegation->since_s);
    json_end_object(&json);
}

/* The end of the key that signs now: what it signed is not believed after. */
static int64_t key_end_s(const struct keyring *ring, int64_t now_s)
{
    const struct keyring_content *content = keyring_content(ring);
    struct key_id id;
    if (!keyring_signing(ring, now_s, &id))
        return now_s;
    for (size_t i = 0; i < content->key_count; i++)
        if (key_id_equal(content->keys[i].id, id))
            return content->keys[i].until_s > now_s ? content->keys[i].until_s : now_s;
    return now_s;
}

bool delegation_write(const struct keyring *ring, uint64_t epoch,
                      const struct delegation *delegation, struct buffer *out)
{
    char name[OBJECT_NAME_BYTES];
    struct buffer body;
    int64_t now_s = delegation->issued_s, end_s = key_end_s(ring, now_s);
    buffer_init(&body, DELEGATION_OBJECT_MAX_BYTES);
    write_body(delegation, &body);
    bool is_good = keyring_seal(
        ring,
        &(struct signed_object){
            .name = object_name(delegation->id, name),
            .epoch = epoch,
            .number = (uint64_t)now_s,
            .issued_s = now_s,
            .expires_s = end_s < now_s + DELEGATION_LIFE_S ? end_s : now_s + DELEGATION_LIFE_S,
            .body = buffer_view(&body)},
        now_s, out);
    buffer_release(&body);
    return is_good;
}

/* --- reading --- */

static struct text member(const json_t *root, const char *name)
{
    const json_t *value = json_object_get(root, name);
    return json_is_string(value) ? text_make(json_string_value(value), json_string_length(value))
                                 : TEXT_NONE;
}

uint32_t delegated_of_word(struct text word)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_equal(word, text_of(words[i].word)))
            return words[i].bit;
    return 0;
}

static bool read_may(const json_t *list, uint32_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        *ret |= word ? delegated_of_word(text_of(word)) : 0;
    }
    return json_is_array(list);
}

static bool read_body(struct text body, struct delegation *ret)
{
    json_t *root = json_loadb(body.data ? body.data : "", body.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *since = json_object_get(root, "since");
    struct text name = member(root, "name");
    bool is_good =
        uid_from_text(member(root, "id"), &ret->id) && delegation_name_is_sound(name) &&
        text_equal(member(root, "role"), TEXT("edge")) &&
        decode_base64url(member(root, "public"), ret->key, sizeof ret->key) == sizeof ret->key &&
        uid_equal(ret->id, node_id_of(ret->key)) &&
        read_may(json_object_get(root, "may"), &ret->may) && json_is_integer(since) &&
        json_integer_value(since) >= 0;
    if (is_good) {
        (void)snprintf(ret->name, sizeof ret->name, "%.*s", TEXT_ARGS(name));
        ret->since_s = json_integer_value(since);
    }
    json_decref(root);
    return is_good;
}

enum signed_verdict delegation_read(const struct keyring *ring, struct text object, int64_t now_s,
                                    struct delegation *ret)
{
    struct signed_object opened;
    struct delegation read = {0};
    char name[OBJECT_NAME_BYTES];
    enum signed_verdict verdict = keyring_check(ring, object, TEXT_NONE, now_s, &opened);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED)
        return verdict;
    if (opened.body.size > DELEGATION_OBJECT_MAX_BYTES || !read_body(opened.body, &read))
        return SIGNED_MALFORMED;
    if (!text_equal(opened.name, object_name(read.id, name)))
        return SIGNED_OTHER;
    read.issued_s = opened.issued_s;
    read.expires_s = opened.expires_s;
    *ret = read;
    return verdict;
}
