// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/requests.h"

#include "base/encode.h"
#include "base/hash.h"
#include "base/json.h"
#include "io/clock.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_FORMAT "Drill %016" PRIx64 "-"
enum { RUN_BYTES = 6 + 16 + 1, DEVICE_BYTES = 16, SALT_BYTES = 6 };

/* --- pieces --- */

static void begin(struct request_text *text, enum http_method method)
{
    text->request = (struct client_request){.method = method, .fields = text->fields};
}

static void put_field(struct request_text *text, struct text name, struct text value)
{
    text->fields[text->request.field_count++] = (struct http_field){name, value};
}

static void put_bearer(struct request_text *text, const struct pass *pass)
{
    int size = snprintf(text->bearer, sizeof text->bearer, "Bearer %s", pass->token);
    put_field(text, TEXT("Authorization"), text_make(text->bearer, (size_t)size));
}

/* Without a key, or time for a proof, it goes without one: the session is then a cookie's. */
static void put_proof(struct request_text *text, const struct pass *pass, const char *node,
                      const char *path)
{
    const struct browser_post post = {
        .node = node, .path = path, .nonce = pass->nonce, .now_s = clock_unix_ms() / 1000};
    size_t size =
        pass->key ? browser_key_prove(pass->key, &post, text->proof, sizeof text->proof) : 0;
    text->request.target = text_of(path);
    if (size > 0)
        put_field(text, TEXT("DPoP"), text_make(text->proof, size));
}

/* A buffer over memory of ours: it never grows past it, so it is never moved or freed. */
static struct buffer over(char *memory, size_t size)
{
    return (struct buffer){.data = memory, .capacity = size, .ceiling = size};
}

static void put_escaped(struct buffer *out, const char *name, const char *value)
{
    buffer_text(out, text_of(name));
    encode_percent(out, text_of(value), false);
}

static void set_target(struct request_text *text, const struct buffer *out)
{
    text->request.target = buffer_view(out);
}

static void put_json_body(struct request_text *text, const struct buffer *out)
{
    text->request.body = buffer_view(out);
    put_field(text, TEXT("Content-Type"), TEXT("application/json"));
}

/* t = md5(secret + salt), as apps have done it since Subsonic 1.13. */
static void put_token_and_salt(struct buffer *out, const struct pass *pass, uint64_t salt)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char salted[PASS_SECRET_BYTES + 2 * SALT_BYTES + 1];
    int length = snprintf(salted, sizeof salted, "%s%012" PRIx64, pass->secret,
                          salt & UINT64_C(0xffffffffffff));
    EVP_Digest(salted, (size_t)length, digest, &size, EVP_md5(), NULL);
    put_escaped(out, "?u=", pass->name);
    buffer_text(out, TEXT("&t="));
    encode_hex(out, digest, size);
    buffer_printf(out, "&s=%s", salted + length - 2 * SALT_BYTES);
}

static void put_rest(struct buffer *out, struct request_text *text, const struct request_of *of,
                     const char *endpoint)
{
    *out = over(text->target, sizeof text->target);
    if (of->is_player) {
        buffer_printf(out, "/rest/%s?f=json&v=1.16.1&c=sostenuto", endpoint);
        put_bearer(text, of->pass);
    } else {
        buffer_printf(out, "/rest/%s.view", endpoint);
        put_token_and_salt(out, of->pass, hash_mix(of->run + of->listener));
        buffer_printf(out, "&v=1.16.1&c=drill-%u&f=json", of->listener);
    }
}

/* --- one operation, as the player's outbox posts it --- */

static void put_device(struct json *json, const struct request_of *of)
{
    uint64_t bytes[2] = {hash_mix(of->run), hash_mix(of->run ^ (of->listener + UINT64_C(1)))};
    json_member_bytes(json, "device", bytes, DEVICE_BYTES);
}

static void put_playlist_id(struct json *json, const struct request_of *of)
{
    uint64_t bytes[2] = {hash_mix(of->run + 7), hash_mix(of->run ^ hash_mix(of->number))};
    json_member_bytes(json, "id", bytes, sizeof bytes);
}

static void put_payload(struct json *json, enum errand_kind kind, const struct request_of *of)
{
    char name[64];
    struct text track = text_of(of->track ? of->track->id : "");
    json_begin_object(json);
    if (kind == ERRAND_PLAY) {
        json_member_text(json, "track", track);
        json_member_i64(json, "at", of->at_ms);
        json_member_u64(json, "heard_ms", of->heard_ms);
        json_member_text(json, "client", TEXT("player"));
    } else if (kind == ERRAND_STAR) {
        json_member_text(json, "id", track);
        json_member_bool(json, "on", true);
        json_member_i64(json, "at", of->at_ms);
    } else if (kind == ERRAND_NEW_PLAYLIST) {
        request_playlist_name(name, sizeof name, of->run, of->number);
        put_playlist_id(json, of);
        json_member_text(json, "name", text_of(name));
    } else {
        json_name(json, "tracks");
        json_begin_array(json);
        json_text(json, track);
        json_end_array(json);
        json_member_u64(json, "current", 0);
        json_member_u64(json, "position_ms", of->heard_ms);
    }
    json_end_object(json);
}

static void operation(struct request_text *text, enum errand_kind kind, const struct request_of *of)
{
    static const char *const kinds[] = {[ERRAND_PLAY] = "play",
                                        [ERRAND_STAR] = "star",
                                        [ERRAND_NEW_PLAYLIST] = "playlist",
                                        [ERRAND_QUEUE] = "queue"};
    struct buffer out = over(text->body, sizeof text->body);
    struct json json;
    begin(text, HTTP_METHOD_POST);
    json_init(&json, &out);
    json_begin_object(&json);
    put_device(&json, of);
    json_name(&json, "operations");
    json_begin_array(&json);
    json_begin_object(&json);
    json_member_u64(&json, "seq", of->seq);
    json_member_u64(&json, "hlc", (uint64_t)of->at_ms << 16);
    json_member_text(&json, "kind", text_of(kinds[kind]));
    json_name(&json, "payload");
    put_payload(&json, kind, of);
    json_end_object(&json);
    json_end_array(&json);
    json_end_object(&json);
    text->request.target = TEXT("/ops");
    text->request.may_repeat = true;
    put_bearer(text, of->pass);
    put_json_body(text, &out);
}

/* --- errands --- */

static void sign_in(struct request_text *text, const struct request_of *of)
{
    struct buffer out;
    if (of->is_player && of->wants_password) {
        request_sign_in(text, of->pass, of->node);
    } else if (of->is_player) { /* a page that was signed in before asks who it talks to */
        begin(text, HTTP_METHOD_GET);
        text->request.target = TEXT("/api/v1/status");
    } else {
        put_rest(&out, text, of, "ping");
        set_target(text, &out);
    }
}

/* As our player does it, wherever it is: nothing rotates, so it may be repeated or lost. */
static void renewal(struct request_text *text, const struct request_of *of)
{
    struct buffer out = over(text->body, sizeof text->body);
    struct json json;
    if (of->wants_password) {
        request_sign_in(text, of->pass, of->node);
        return;
    }
    begin(text, HTTP_METHOD_POST);
    json_init(&json, &out);
    json_begin_object(&json);
    json_member_text(&json, "token", text_of(of->pass->token));
    json_end_object(&json);
    put_json_body(text, &out);
    put_proof(text, of->pass, of->node, "/api/v1/session/refresh");
}

static void artwork(struct request_text *text, const struct request_of *of)
{
    struct buffer out = over(text->target, sizeof text->target);
    if (of->is_player) {
        buffer_text(&out, TEXT("/art/"));
        put_escaped(&out, "", of->track->cover);
        put_escaped(&out, "/300.webp?g=", of->pass->grant);
    } else {
        put_rest(&out, text, of, "getCoverArt");
        put_escaped(&out, "&size=300&id=", of->track->cover);
    }
    set_target(text, &out);
}

static void playlist(struct request_text *text, const struct request_of *of)
{
    struct buffer out;
    put_rest(&out, text, of, of->pass->playlist[0] ? "getPlaylist" : "getPlaylists");
    if (of->pass->playlist[0])
        put_escaped(&out, "&id=", of->pass->playlist);
    set_target(text, &out);
}

/* An app's write; the player's are operations. */
static void app_write(struct request_text *text, enum errand_kind kind, const struct request_of *of)
{
    struct buffer out;
    char name[64];
    if (kind == ERRAND_PLAY) {
        put_rest(&out, text, of, "scrobble");
        put_escaped(&out, "&submission=true&id=", of->track->id);
        buffer_printf(&out, "&time=%" PRId64, of->at_ms);
    } else if (kind == ERRAND_STAR) {
        put_rest(&out, text, of, "star");
        put_escaped(&out, "&id=", of->track->id);
    } else if (kind == ERRAND_NEW_PLAYLIST) {
        put_rest(&out, text, of, "createPlaylist");
        request_playlist_name(name, sizeof name, of->run, of->number);
        put_escaped(&out, "&name=", name);
    } else {
        put_rest(&out, text, of, "savePlayQueue");
        put_escaped(&out, "&id=", of->track->id);
        put_escaped(&out, "&current=", of->track->id);
        buffer_printf(&out, "&position=%u", of->heard_ms);
    }
    set_target(text, &out);
}

void request_errand(struct request_text *text, enum errand_kind kind, const struct request_of *of)
{
    struct buffer out;
    begin(text, HTTP_METHOD_GET);
    switch (kind) {
    case ERRAND_NONE:
        break;
    case ERRAND_SIGN_IN:
        sign_in(text, of);
        break;
    case ERRAND_RENEWAL:
        renewal(text, of);
        break;
    case ERRAND_HOME:
        put_rest(&out, text, of, "getAlbumList2");
        buffer_text(&out, TEXT("&type=newest&size=24"));
        set_target(text, &out);
        break;
    case ERRAND_SEARCH:
        put_rest(&out, text, of, "search3");
        buffer_printf(&out, "&query=%c&artistCount=5&albumCount=5&songCount=20",
                      'a' + (int)(of->number % 26));
        set_target(text, &out);
        break;
    case ERRAND_PLAYLIST:
        playlist(text, of);
        break;
    case ERRAND_ARTWORK:
        artwork(text, of);
        break;
    case ERRAND_NOW_PLAYING:
        put_rest(&out, text, of, "scrobble");
        put_escaped(&out, "&submission=false&id=", of->track->id);
        set_target(text, &out);
        break;
    case ERRAND_QUEUE:
    case ERRAND_PLAY:
    case ERRAND_STAR:
    case ERRAND_NEW_PLAYLIST:
        if (of->is_player)
            operation(text, kind, of);
        else
            app_write(text, kind, of);
        break;
    }
}

void request_audio(struct request_text *text, const struct request_of *of, uint64_t from,
                   uint64_t to)
{
    struct buffer out = over(text->target, sizeof text->target);
    begin(text, HTTP_METHOD_GET);
    if (of->is_player) {
        put_escaped(&out, "/m/", of->track->id);
        put_escaped(&out, "/original?g=", of->pass->grant);
    } else {
        put_rest(&out, text, of, "stream");
        put_escaped(&out, "&id=", of->track->id);
    }
    set_target(text, &out);
    text->request.discards = true;
    int size = 0;
    if (to != UINT64_MAX)
        size = snprintf(text->range, sizeof text->range, "bytes=%" PRIu64 "-%" PRIu64, from, to);
    else if (from > 0)
        size = snprintf(text->range, sizeof text->range, "bytes=%" PRIu64 "-", from);
    if (size > 0)
        put_field(text, TEXT("Range"), text_make(text->range, (size_t)size));
}

static void media(struct request_text *text, const struct request_of *of, const char *object)
{
    struct buffer out = over(text->target, sizeof text->target);
    begin(text, HTTP_METHOD_GET);
    put_escaped(&out, "/m/", of->track->id);
    buffer_text(&out, text_of(object));
    put_escaped(&out, "?g=", of->pass->grant);
    set_target(text, &out);
}

void request_segment(struct request_text *text, const struct request_of *of, uint32_t segment)
{
    char object[SEGMENT_NAME_BYTES];
    segments_name(&of->track->segments, segment, object);
    media(text, of, object);
}

void request_manifest(struct request_text *text, const struct request_of *of)
{
    media(text, of, "/manifest");
}

/* --- the load's own --- */

void request_rest(struct request_text *text, const struct pass *pass, const char *endpoint,
                  const char *parameters)
{
    struct buffer out = over(text->target, sizeof text->target);
    begin(text, HTTP_METHOD_GET);
    buffer_printf(&out, "/rest/%s", endpoint);
    if (pass->token[0])
        put_bearer(text, pass);
    else
        put_token_and_salt(&out, pass, hash_mix((uintptr_t)pass));
    buffer_printf(&out, "%cv=1.16.1&c=drill&f=json%s", pass->token[0] ? '?' : '&', parameters);
    set_target(text, &out);
}

void request_sign_in(struct request_text *text, const struct pass *pass, const char *node)
{
    struct buffer out = over(text->body, sizeof text->body);
    struct json json;
    begin(text, HTTP_METHOD_POST);
    json_init(&json, &out);
    json_begin_object(&json);
    json_member_text(&json, "name", text_of(pass->name));
    json_member_text(&json, "password", text_of(pass->password));
    json_end_object(&json);
    put_json_body(text, &out);
    put_proof(text, pass, node, "/api/v1/session");
}

void request_new_secret(struct request_text *text, const struct pass *pass, uint64_t run)
{
    struct buffer out = over(text->body, sizeof text->body);
    begin(text, HTTP_METHOD_POST);
    buffer_printf(&out, "{\"label\":\"Drill %016" PRIx64 "\"}", run);
    text->request.target = TEXT("/api/v1/apps");
    put_bearer(text, pass);
    put_json_body(text, &out);
}

void request_playlist_name(char *out, size_t size, uint64_t run, uint32_t number)
{
    snprintf(out, size, RUN_FORMAT "%u", run, number);
}

uint32_t request_playlist_number(const char *name, uint64_t run)
{
    char prefix[RUN_BYTES + 1];
    uint64_t number;
    snprintf(prefix, sizeof prefix, RUN_FORMAT, run);
    if (strncmp(name, prefix, RUN_BYTES) != 0 || !text_to_u64(text_of(name + RUN_BYTES), &number) ||
        number >= UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)number;
}
