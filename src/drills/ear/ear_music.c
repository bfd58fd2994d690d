// SPDX-License-Identifier: GPL-3.0-or-later
/* The song: its manifest, its segments, and the tape on which it is heard. */
#include "drills/ear/ear.h"

#include "drills/ear/sound.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PREPARE_MS = 60000, MUSIC_MS = 120000, PLAY_EVERY_MS = 20 };

static const struct manifest_rendition *song(const struct ear *ear)
{
    return &ear->manifest.renditions[RENDITION_FLAC];
}

static void cannot_prepare(struct ear *ear)
{
    ear_give_up(ear, "no node gave the song's manifest and segments");
}

/* --- segments --- */

static bool is_init(const struct ear *ear) { return !ear->has_init; }

static void ask_for_piece(struct ear *ear, ear_take *take, int node)
{
    char target[256];
    struct ear_question asked = {.method = HTTP_METHOD_GET,
                                 .take = take,
                                 .fail = cannot_prepare,
                                 .patience_ms = MUSIC_MS,
                                 .node = node};
    int size = snprintf(target, sizeof target, "/m/%s/flac.%016" PRIx64 "/", ear->track,
                        song(ear)->generation);
    if (is_init(ear))
        size += snprintf(target + size, sizeof target - (size_t)size, "init.mp4");
    else
        size += snprintf(target + size, sizeof target - (size_t)size, "%u.m4s", ear->segment);
    asked.target = text_make(target, (size_t)size);
    ear_ask(&ear->music, &asked);
}

/* Whether these are the bytes that the manifest means: a node need not be trusted. */
static bool is_genuine(const struct ear *ear, struct text bytes)
{
    const struct package_object *object =
        manifest_find(&ear->manifest, RENDITION_FLAC,
                      is_init(ear) ? SEGMENTER_INIT : SEGMENTER_SEGMENT, ear->segment);
    return object && package_object_is(object, bytes);
}

static void go_to_the_beginning(struct ear *ear)
{
    ear->segment = 0;
    ear->has_init = false;
}

/* --- hearing --- */

static void fetch_what_lacks(struct ear *ear);

static bool hear_piece(struct ear *ear, struct text bytes)
{
    if (!is_genuine(ear, bytes))
        return false;
    if (is_init(ear)) {
        buffer_reset(&ear->init);
        buffer_text(&ear->init, bytes);
        ear->has_init = true;
    } else {
        buffer_reset(&ear->sound);
        if (!sound_of_segment(buffer_view(&ear->init), bytes, &ear->sound) ||
            !tape_put(ear->tape, buffer_view(&ear->sound)))
            return false;
        ear->segment++;
    }
    fetch_what_lacks(ear);
    return true;
}

static void fetch_what_lacks(struct ear *ear)
{
    if (ear->step == EAR_HEARING && !ear->music.is_busy && ear->segment < song(ear)->count &&
        tape_ahead_ms(ear->tape) < ear->config->buffer_ms)
        ask_for_piece(ear, hear_piece, -1);
}

static void tell_that_it_plays(struct ear *ear)
{
    const char *path = ear->config->playing_path;
    ear_tell(ear, "the song sounds, from %s", ear_node_url(ear));
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        (void)close(fd);
}

static void on_player(struct loop_timer *timer, uint64_t now_us)
{
    struct ear *ear = CONTAINER_OF(timer, struct ear, player);
    bool was_silent = tape_figures(ear->tape)->is_silent_now;
    bool had_begun = tape_has_begun(ear->tape);
    tape_play(ear->tape, now_us);
    const struct tape_figures *figures = tape_figures(ear->tape);
    if (!had_begun && tape_has_begun(ear->tape)) {
        ear->began_us = now_us;
        tell_that_it_plays(ear);
        ear_deeds_begin(ear);
    }
    if (!was_silent && figures->is_silent_now)
        ear_tell(ear, "THE MUSIC STOPS");
    else if (was_silent && !figures->is_silent_now)
        ear_tell(ear, "the music goes on; the longest gap was %llu ms",
                 (unsigned long long)tape_ms(ear->tape, figures->longest_gap_frames));
    fetch_what_lacks(ear);
    loop_timer_start(ear->loop, timer, now_us + PLAY_EVERY_MS * 1000);
}

static void begin_to_hear(struct ear *ear)
{
    ear->step = EAR_HEARING;
    go_to_the_beginning(ear);
    ear->player.on_timer = on_player;
    fetch_what_lacks(ear);
    loop_timer_start(ear->loop, &ear->player, loop_now_us(ear->loop));
}

void ear_music_end(struct ear *ear)
{
    loop_timer_stop(&ear->player);
    ear_ask_cut(&ear->music);
}

/* --- warming: each edge in turn, the origin not --- */

static void warm_next(struct ear *ear);

static bool warm_piece(struct ear *ear, struct text bytes)
{
    if (!is_genuine(ear, bytes))
        return false;
    if (is_init(ear))
        ear->has_init = true;
    else
        ear->segment++;
    warm_next(ear);
    return true;
}

static void warm_next(struct ear *ear)
{
    if (ear->has_init && ear->segment == song(ear)->count) {
        ear->warm_node++;
        go_to_the_beginning(ear);
    }
    if (!ear->config->warms || ear->warm_node + 1 >= ear->config->node_count)
        begin_to_hear(ear);
    else
        ask_for_piece(ear, warm_piece, (int)ear->warm_node);
}

/* --- preparing: at the origin, which cuts it when its first object is asked for --- */

static void ask_for_manifest(struct ear *ear);

static bool begin_to_cut(struct ear *ear, struct text bytes UNUSED)
{
    ask_for_manifest(ear);
    return true;
}

static bool take_manifest(struct ear *ear, struct text object)
{
    char why[MANIFEST_WHY_BYTES];
    size_t end = text_find(object, TEXT("\n\n"));
    manifest_body_release(&ear->manifest);
    if (!manifest_read(text_from(object, end == SIZE_MAX ? object.size : end + 2), &ear->manifest,
                       why) ||
        !song(ear)->is_there)
        return false;
    if (song(ear)->state == MANIFEST_COMPLETE) {
        ear->step = EAR_WARMING;
        warm_next(ear);
        return true;
    }
    if (song(ear)->state == MANIFEST_ENCODING)
        return false; /* asked again in a moment */
    ask_for_piece(ear, begin_to_cut, (int)ear->config->node_count - 1);
    return true;
}

static void ask_for_manifest(struct ear *ear)
{
    char target[128];
    int size = snprintf(target, sizeof target, "/m/%s/manifest", ear->track);
    ear_ask(&ear->music, &(struct ear_question){.method = HTTP_METHOD_GET,
                                                .target = text_make(target, (size_t)size),
                                                .take = take_manifest,
                                                .fail = cannot_prepare,
                                                .patience_ms = PREPARE_MS,
                                                .node = (int)ear->config->node_count - 1});
}

void ear_music_begin(struct ear *ear)
{
    ear->step = EAR_PREPARING;
    ask_for_manifest(ear);
}
