// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the ear does beside listening, and whether it is there afterwards.
 *
 * Writes are numbered operations in a journal of its own (here: memory; the device dies with the
 * ear): all that nobody has acknowledged go out together, to whichever node takes them, as often
 * as it needs.  One that nobody took within DEED_MS failed in the eyes of a person, and is sent on
 * all the same.
 */
#include "drills/ear/ear.h"

#include "base/encode.h"
#include "base/json.h"
#include "io/clock.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DEED_MS = 5000, FLUSH_MS = 15000, VERIFY_MS = 15000, AGAIN_MS = 500 };
#define REST "f=json&v=1.16.1&c=ear"

static json_t *read_json(struct text answer)
{
    return json_loadb(answer.data ? answer.data : "", answer.size, 0, NULL);
}

/* The named member of subsonic-response; borrowed; NULL when it failed. */
static const json_t *member_of(const json_t *root, const char *name)
{
    const json_t *response = json_object_get(root, "subsonic-response");
    const char *status = json_string_value(json_object_get(response, "status"));
    return status && strcmp(status, "ok") == 0 ? json_object_get(response, name) : NULL;
}

static const char *text_member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static void ask_rest(struct ear *ear, const char *target, ear_take *take,
                     void (*fail)(struct ear *), int node)
{
    uint32_t patience_ms = node < 0 ? DEED_MS : VERIFY_MS;
    ear_ask(&ear->deed, &(struct ear_question){.method = HTTP_METHOD_GET,
                                               .target = text_of(target),
                                               .take = take,
                                               .fail = fail,
                                               .patience_ms = patience_ms,
                                               .node = node});
}

/* --- the library: which song, and which others to star --- */

bool ear_deeds_take_library(struct ear *ear, struct text answer)
{
    json_t *root = read_json(answer);
    const json_t *songs = json_object_get(member_of(root, "searchResult3"), "song");
    for (size_t i = 0; i < json_array_size(songs); i++) {
        const json_t *song = json_array_get(songs, i);
        const char *id = text_member(song, "id");
        if (strcmp(text_member(song, "title"), ear->config->title) == 0) {
            (void)snprintf(ear->track, sizeof ear->track, "%s", id);
            ear->plays_before = (unsigned)json_integer_value(json_object_get(song, "playCount"));
        }
        if (ear->star_count < EAR_MAX_WRITES && !json_object_get(song, "starred"))
            (void)snprintf(ear->stars[ear->star_count++], EAR_ID_BYTES, "%s", id);
    }
    json_decref(root);
    return ear->track[0] != '\0';
}

/* --- writes --- */

static void put_uid(struct buffer *out, const struct ear *ear, uint64_t number)
{
    uint8_t bytes[16] = {0};
    memcpy(bytes, &ear->noise, sizeof ear->noise);
    memcpy(bytes + 8, &number, sizeof number);
    encode_base64url(out, bytes, sizeof bytes);
}

static void member_uid(struct json *json, const char *name, const struct ear *ear, uint64_t number)
{
    struct buffer uid;
    buffer_init(&uid, 32);
    put_uid(&uid, ear, number);
    json_member_text(json, name, buffer_view(&uid));
    buffer_release(&uid);
}

static void put_entry(struct json *json, const struct ear *ear, unsigned at)
{
    char position[16];
    (void)snprintf(position, sizeof position, "V%05uV", at);
    json_name(json, "entries");
    json_begin_array(json);
    json_begin_object(json);
    member_uid(json, "entry", ear, at + 1);
    json_member_text(json, "track", text_of(ear->writes[at].subject));
    json_member_text(json, "position", text_of(position));
    json_end_object(json);
    json_end_array(json);
}

static void put_payload(struct json *json, const struct ear *ear, unsigned at)
{
    const struct ear_write *write = &ear->writes[at];
    struct text subject = text_of(write->subject);
    json_name(json, "payload");
    json_begin_object(json);
    switch ((enum ear_write_kind)write->kind) {
    case EAR_PLAYLIST:
        member_uid(json, "id", ear, 0);
        json_member_text(json, "name", text_of(ear->playlist));
        break;
    case EAR_PLAY:
        json_member_text(json, "track", subject);
        json_member_i64(json, "at", write->at_ms);
        break;
    case EAR_STAR:
        json_member_text(json, "id", subject);
        json_member_bool(json, "on", true);
        break;
    case EAR_ENTRY:
        member_uid(json, "id", ear, 0);
        put_entry(json, ear, at);
        break;
    }
    json_end_object(json);
}

static void put_operations(struct buffer *out, const struct ear *ear)
{
    static const char *const kinds[] = {"playlist", "play", "star", "playlist.put"};
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "device", text_of(ear->device));
    json_name(&json, "operations");
    json_begin_array(&json);
    for (unsigned i = ear->acknowledged_upto; i < ear->write_count; i++) {
        json_begin_object(&json);
        json_member_u64(&json, "seq", i + 1);
        json_member_u64(&json, "hlc", (uint64_t)ear->writes[i].at_ms << 16 | i);
        json_member_text(&json, "kind", text_of(kinds[ear->writes[i].kind]));
        put_payload(&json, ear, i);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
}

static bool is_taken(const json_t *result)
{
    const char *outcome = text_member(result, "outcome");
    return strcmp(outcome, "accepted") == 0 || strcmp(outcome, "duplicate") == 0;
}

static void count(struct ear_writes *writes, enum ear_write_kind kind)
{
    writes->plays += kind == EAR_PLAY;
    writes->stars += kind == EAR_STAR;
    writes->entries += kind == EAR_ENTRY;
}

static bool take_results(struct ear *ear, struct text answer)
{
    json_t *root = read_json(answer);
    const json_t *results = json_object_get(root, "results");
    bool is_good = json_array_size(results) == ear->sent_upto - ear->acknowledged_upto;
    for (size_t i = 0; is_good && i < json_array_size(results); i++)
        is_good = is_taken(json_array_get(results, i));
    json_decref(root);
    for (; is_good && ear->acknowledged_upto < ear->sent_upto; ear->acknowledged_upto++)
        count(&ear->acknowledged, ear->writes[ear->acknowledged_upto].kind);
    return is_good;
}

static void cannot_write(struct ear *ear UNUSED) {} /* they wait for the next time */

static void send_writes(struct ear *ear, uint32_t patience_ms)
{
    if (ear->writer.is_busy || ear->acknowledged_upto == ear->write_count)
        return;
    struct buffer body;
    buffer_init(&body, 256 << 10);
    put_operations(&body, ear);
    ear->sent_upto = ear->write_count;
    ear_ask(&ear->writer, &(struct ear_question){.method = HTTP_METHOD_POST,
                                                 .target = TEXT("/ops"),
                                                 .body = buffer_view(&body),
                                                 .take = take_results,
                                                 .fail = cannot_write,
                                                 .patience_ms = patience_ms,
                                                 .node = -1});
    buffer_release(&body);
}

static void write_one(struct ear *ear, enum ear_write_kind kind, const char *subject)
{
    if (ear->write_count == EAR_MAX_WRITES)
        return;
    struct ear_write *write = &ear->writes[ear->write_count++];
    *write = (struct ear_write){.kind = (uint8_t)kind, .at_ms = clock_unix_ms()};
    (void)snprintf(write->subject, sizeof write->subject, "%s", subject);
}

/* --- deeds --- */

static bool take_search(struct ear *ear, struct text answer)
{
    json_t *root = read_json(answer);
    size_t count_ = json_array_size(json_object_get(member_of(root, "searchResult3"), "song"));
    json_decref(root);
    if (count_ > 0)
        ear_tell(ear, "a search finds %zu song%s", count_, count_ == 1 ? "" : "s");
    return count_ > 0;
}

static void cannot_search(struct ear *ear)
{
    ear->searches.failed++;
    ear_tell(ear, "A SEARCH FAILS");
}

static void search(struct ear *ear)
{
    struct buffer target;
    buffer_init(&target, 1024);
    buffer_text(&target, TEXT("/rest/search3?" REST "&songCount=20&query="));
    encode_percent(&target, text_of(ear->config->title), false);
    buffer_byte(&target, 0);
    ear->searches.tried++;
    ask_rest(ear, target.data, take_search, cannot_search, -1);
    buffer_release(&target);
}

static bool take_sign_in(struct ear *ear, struct text answer)
{
    json_t *root = read_json(answer);
    bool is_good = text_member(root, "accessToken")[0] != '\0';
    json_decref(root);
    if (is_good)
        ear_tell(ear, "%s signs in", ear->config->other_name);
    return is_good;
}

static void cannot_sign_in(struct ear *ear)
{
    ear->sign_ins.failed++;
    ear_tell(ear, "A SIGN-IN FAILS");
}

static void sign_in(struct ear *ear)
{
    struct buffer body;
    ear_write_sign_in(ear->config->other_name, ear->config->other_password, &body);
    ear->sign_ins.tried++;
    ear_ask(&ear->deed, &(struct ear_question){.method = HTTP_METHOD_POST,
                                               .target = TEXT("/api/v1/session"),
                                               .body = buffer_view(&body),
                                               .take = take_sign_in,
                                               .fail = cannot_sign_in,
                                               .patience_ms = DEED_MS,
                                               .node = -1});
    buffer_release(&body);
}

static void star(struct ear *ear)
{
    if (ear->next_star == ear->star_count)
        return;
    write_one(ear, EAR_STAR, ear->stars[ear->next_star++]);
    ear_tell(ear, "a star");
}

/* A person who waited so long for a write thinks that it failed. */
static void look_at_writes(struct ear *ear)
{
    int64_t now_ms = clock_unix_ms();
    for (unsigned i = ear->acknowledged_upto; i < ear->write_count; i++) {
        struct ear_write *write = &ear->writes[i];
        if (write->is_late || now_ms - write->at_ms < DEED_MS)
            continue;
        write->is_late = true;
        ear->writes_late++;
        ear_tell(ear, "A WRITE IS NOT TAKEN");
    }
}

static void act(struct ear *ear)
{
    switch (ear->next_act++ % 5) {
    case 0:
        search(ear);
        break;
    case 1:
        star(ear);
        break;
    case 2:
        sign_in(ear);
        break;
    case 3:
        write_one(ear, EAR_ENTRY, ear->track);
        ear_tell(ear, "the playlist grows");
        break;
    case 4:
        write_one(ear, EAR_PLAY, ear->track);
        ear_tell(ear, "a play counts");
        break;
    }
}

static void on_actor(struct loop_timer *timer, uint64_t now_us)
{
    struct ear *ear = CONTAINER_OF(timer, struct ear, actor);
    if (!ear->deed.is_busy)
        act(ear);
    look_at_writes(ear);
    send_writes(ear, DEED_MS);
    loop_timer_start(ear->loop, timer, now_us + ear->config->act_ms * UINT64_C(1000));
}

void ear_deeds_begin(struct ear *ear)
{
    struct buffer device;
    buffer_init(&device, 32);
    put_uid(&device, ear, UINT64_MAX);
    (void)snprintf(ear->device, sizeof ear->device, "%.*s", TEXT_ARGS(buffer_view(&device)));
    buffer_release(&device);
    write_one(ear, EAR_PLAYLIST, "");
    ear->actor.on_timer = on_actor;
    loop_timer_start(ear->loop, &ear->actor, loop_now_us(ear->loop));
}

/* --- verifying, at the origin: stars, then plays, then the playlist --- */

static void verify(struct ear *ear);

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct ear *ear = CONTAINER_OF(timer, struct ear, actor);
    verify(ear);
}

static unsigned lacking(unsigned wanted, unsigned found)
{
    return found < wanted ? wanted - found : 0;
}

static void judge(struct ear *ear)
{
    const struct ear_writes *wanted = &ear->acknowledged, *found = &ear->found;
    ear->lost = lacking(wanted->plays, found->plays) + lacking(wanted->stars, found->stars) +
                lacking(wanted->entries, found->entries);
    ear->doubled = lacking(found->plays, wanted->plays) + lacking(found->stars, wanted->stars) +
                   lacking(found->entries, wanted->entries);
    if (ear->lost > 0 && loop_now_us(ear->loop) < ear->verify_until_us) {
        ear->actor.on_timer = on_again;
        loop_timer_start(ear->loop, &ear->actor,
                         loop_now_us(ear->loop) + AGAIN_MS * UINT64_C(1000));
        return;
    }
    ear_tell(ear, "at the origin: %u of %u plays, %u of %u stars, %u of %u entries", found->plays,
             wanted->plays, found->stars, wanted->stars, found->entries, wanted->entries);
    ear->step = EAR_DONE;
    loop_stop(ear->loop);
}

static void cannot_verify(struct ear *ear)
{
    ear_give_up(ear, "the origin does not show what it has");
}

static int origin(const struct ear *ear) { return (int)ear->config->node_count - 1; }

static bool take_entries(struct ear *ear, struct text answer)
{
    json_t *root = read_json(answer);
    const json_t *playlist = member_of(root, "playlist");
    ear->found.entries += (unsigned)json_array_size(json_object_get(playlist, "entry"));
    bool is_good = playlist != NULL;
    json_decref(root);
    if (is_good)
        judge(ear);
    return is_good;
}

static bool take_playlists(struct ear *ear, struct text answer)
{
    char target[256] = "";
    json_t *root = read_json(answer);
    const json_t *lists = member_of(root, "playlists");
    const json_t *list = json_object_get(lists, "playlist");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text_member(json_array_get(list, i), "name"), ear->playlist) == 0)
            (void)snprintf(target, sizeof target, "/rest/getPlaylist?" REST "&id=%s",
                           text_member(json_array_get(list, i), "id"));
    bool is_good = lists != NULL;
    json_decref(root);
    if (target[0])
        ask_rest(ear, target, take_entries, cannot_verify, origin(ear));
    else if (is_good)
        judge(ear); /* none there: all its entries are lost */
    return is_good;
}

static bool take_plays(struct ear *ear, struct text answer)
{
    json_t *root = read_json(answer);
    const json_t *song = member_of(root, "song");
    unsigned plays = (unsigned)json_integer_value(json_object_get(song, "playCount"));
    bool is_good = song != NULL;
    json_decref(root);
    if (!is_good)
        return false;
    ear->found.plays = lacking(plays, ear->plays_before);
    ask_rest(ear, "/rest/getPlaylists?" REST, take_playlists, cannot_verify, origin(ear));
    return true;
}

static bool is_ours(const struct ear *ear, const char *id)
{
    bool is_found = false;
    for (unsigned i = 0; i < ear->next_star; i++)
        is_found |= strcmp(ear->stars[i], id) == 0;
    return is_found;
}

static bool take_stars(struct ear *ear, struct text answer)
{
    char target[256];
    json_t *root = read_json(answer);
    const json_t *starred = member_of(root, "starred2"), *songs = json_object_get(starred, "song");
    ear->found = (struct ear_writes){0};
    for (size_t i = 0; i < json_array_size(songs); i++)
        ear->found.stars += is_ours(ear, text_member(json_array_get(songs, i), "id"));
    bool is_good = starred != NULL;
    json_decref(root);
    if (!is_good)
        return false;
    (void)snprintf(target, sizeof target, "/rest/getSong?" REST "&id=%s", ear->track);
    ask_rest(ear, target, take_plays, cannot_verify, origin(ear));
    return true;
}

static void verify(struct ear *ear)
{
    ask_rest(ear, "/rest/getStarred2?" REST, take_stars, cannot_verify, origin(ear));
}

/* Until nothing waits; what nobody took by then was not acknowledged, and is not judged. */
static void on_flush(struct loop_timer *timer, uint64_t now_us)
{
    struct ear *ear = CONTAINER_OF(timer, struct ear, actor);
    bool is_over = now_us >= ear->verify_until_us;
    if (!is_over)
        send_writes(ear, FLUSH_MS);
    if (!is_over && (ear->writer.is_busy || ear->deed.is_busy)) {
        loop_timer_start(ear->loop, timer, now_us + AGAIN_MS * UINT64_C(1000) / 5);
        return;
    }
    ear->step = EAR_VERIFYING;
    ear->verify_until_us = now_us + VERIFY_MS * UINT64_C(1000);
    ear_ask_cut(&ear->deed);
    verify(ear);
}

void ear_deeds_flush(struct ear *ear)
{
    ear->step = EAR_FLUSHING;
    ear->verify_until_us = loop_now_us(ear->loop) + FLUSH_MS * UINT64_C(1000);
    ear->actor.on_timer = on_flush;
    loop_timer_start(ear->loop, &ear->actor, loop_now_us(ear->loop));
}
