// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ear/ear.h"

#include "io/random.h"
#include "io/signals.h"
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BEGIN_MS = 30000, CONNECT_MS = 500, FIRST_BYTE_MS = 1200, LISTED_SONGS = 500 };

void ear_tell(struct ear *ear, const char *format, ...)
{
    va_list arguments;
    uint64_t now_us = loop_now_us(ear->loop);
    printf("%6.1f s  ", ear->began_us ? (double)(now_us - ear->began_us) / 1e6 : 0.0);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    (void)fflush(stdout);
}

void ear_give_up(struct ear *ear, const char *why)
{
    if (!ear->why[0])
        (void)snprintf(ear->why, sizeof ear->why, "%s", why);
    loop_stop(ear->loop);
}

const char *ear_node_url(const struct ear *ear) { return ear->config->nodes[ear->node]; }

/* --- beginning --- */

static void cannot_begin(struct ear *ear)
{
    ear_give_up(ear, ear->step == EAR_SIGNING_IN ? "no node signs it in"
                                                 : "no node lists a song of that title");
}

static bool take_library(struct ear *ear, struct text answer)
{
    if (!ear_deeds_take_library(ear, answer))
        return false;
    ear_music_begin(ear);
    return true;
}

static void look(struct ear *ear)
{
    char target[128];
    int size = snprintf(target, sizeof target,
                        "/rest/search3?f=json&v=1.16.1&c=ear&query=&songCount=%d", LISTED_SONGS);
    ear->step = EAR_LOOKING;
    ear_ask(&ear->deed, &(struct ear_question){.method = HTTP_METHOD_GET,
                                               .target = text_make(target, (size_t)size),
                                               .take = take_library,
                                               .fail = cannot_begin,
                                               .patience_ms = BEGIN_MS,
                                               .node = -1});
}

static bool copy_member(char *out, size_t size, const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    int length = value ? snprintf(out, size, "%s", value) : -1;
    return length > 0 && (size_t)length < size;
}

static bool take_session(struct ear *ear, struct text answer)
{
    json_t *root = json_loadb(answer.data ? answer.data : "", answer.size, 0, NULL);
    bool is_good = copy_member(ear->token, sizeof ear->token, root, "accessToken") &&
                   copy_member(ear->grant, sizeof ear->grant, root, "grant");
    json_decref(root);
    if (is_good)
        look(ear);
    return is_good;
}

static void sign_in(struct ear *ear)
{
    struct buffer body;
    ear_write_sign_in(ear->config->name, ear->config->password, &body);
    ear_ask(&ear->deed, &(struct ear_question){.method = HTTP_METHOD_POST,
                                               .target = TEXT("/api/v1/session"),
                                               .body = buffer_view(&body),
                                               .take = take_session,
                                               .fail = cannot_begin,
                                               .patience_ms = BEGIN_MS,
                                               .node = -1});
    buffer_release(&body);
}

/* --- life --- */

static void on_signal(int number UNUSED, void *context)
{
    struct ear *ear = context;
    if (ear->step != EAR_HEARING) {
        ear_give_up(ear, "it was ended before the song began");
        return;
    }
    ear_music_end(ear);
    ear_deeds_flush(ear);
}

static bool make_lines(struct ear *ear)
{
    struct client_limits limits = client_limits_default();
    char why[256];
    limits.connect_ms = CONNECT_MS;
    limits.first_byte_ms = FIRST_BYTE_MS; /* a node that hangs is left long before silence */
    limits.idle_ms = FIRST_BYTE_MS;
    limits.max_streams = 0;
    ear->client = client_new(ear->loop, NULL, why, sizeof why);
    for (unsigned i = 0; ear->client && i < ear->config->node_count; i++) {
        struct text url = text_of(ear->config->nodes[i]);
        ear->origins[i] = client_origin_new(ear->client, url, NULL, &limits);
        if (!ear->origins[i] || !client_origin_is_loopback(ear->origins[i]))
            return false;
        ear->pools[i] = client_pool_new(ear->origins[i], NULL);
    }
    return ear->client != NULL;
}

static void begin(struct ear *ear)
{
    ear->noise = random_u64();
    ear_ask_init(&ear->music, ear);
    ear_ask_init(&ear->deed, ear);
    ear_ask_init(&ear->writer, ear);
    buffer_init(&ear->init, 1 << 20);
    buffer_init(&ear->sound, TAPE_MAX_WAITING_BYTES);
    (void)snprintf(ear->playlist, sizeof ear->playlist, "ear %016llx",
                   (unsigned long long)ear->noise);
}

int ear_run(struct ear *ear)
{
    static const int numbers[] = {SIGTERM, SIGINT, 0};
    ear->loop = loop_new();
    begin(ear);
    struct signals *signals = signals_start(ear->loop, numbers, on_signal, ear);
    ear->tape = tape_open(ear->config->wav_path, ear->source);
    if (!ear->tape)
        ear_give_up(ear, "the WAV cannot be written");
    else if (!make_lines(ear))
        ear_give_up(ear, "a node is no URL of a loopback address");
    if (!ear->why[0]) {
        sign_in(ear);
        loop_run(ear->loop);
    }
    signals_stop(&signals);
    return ear->why[0] ? 1 : 0;
}

void ear_release(struct ear *ear)
{
    loop_timer_stop(&ear->player);
    loop_timer_stop(&ear->actor);
    for (unsigned i = 0; i < EAR_MAX_NODES; i++) {
        client_pool_free(&ear->pools[i]);
        client_origin_free(&ear->origins[i]);
    }
    client_free(&ear->client);
    ear_ask_release(&ear->music);
    ear_ask_release(&ear->deed);
    ear_ask_release(&ear->writer);
    buffer_release(&ear->init);
    buffer_release(&ear->sound);
    manifest_body_release(&ear->manifest);
    loop_free(&ear->loop);
}
