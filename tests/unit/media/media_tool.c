// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * media_tool: the pool from a command line, for tests in Python and for looking at a file by hand.
 *
 *   media_tool WORKER probe FILE…              one JSON object a line
 *   media_tool WORKER speed FILE…              probes through a batch, prints files a second
 *   media_tool WORKER artwork embedded|image SIZE webp|jpeg FILE OUT
 *   media_tool WORKER transcode FORMAT KBPS OFFSET_MS CHANNELS RATE FILE OUT
 *   media_tool WORKER cold RENDITION FOLDER FILE...        microseconds to the first segment of
 * each, and to its end media_tool WORKER package RENDITION FOLDER FILE OUT   one JSON object; OUT:
 * init and all segments
 */
#include "base/encode.h"
#include "base/json.h"
#include "io/clock.h"
#include "media/packager.h"
#include "media/transcode.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static void write_hex(struct json *json, const char *name, const uint8_t *id)
{
    struct buffer hex;
    buffer_init(&hex, 64);
    encode_hex(&hex, id, MEDIA_ID_BYTES);
    json_member_text(json, name, buffer_view(&hex));
    buffer_release(&hex);
}

static void write_tags(struct json *json, const struct media_info *info)
{
    json_name(json, "tags");
    json_begin_array(json);
    for (size_t i = 0; i < info->tag_count; i++) {
        json_begin_array(json);
        json_text(json, text_of(media_tag_word(info->tags[i].kind)));
        json_text(json, info->tags[i].value);
        if (info->tags[i].detail.size)
            json_text(json, info->tags[i].detail);
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_lyrics(struct json *json, const struct media_info *info)
{
    json_name(json, "lyrics");
    json_begin_array(json);
    for (size_t i = 0; i < info->lyrics_count; i++) {
        json_begin_object(json);
        json_member_text(json, "language", info->lyrics[i].language);
        json_member_bool(json, "synced", info->lyrics[i].is_synced);
        json_name(json, "lines");
        json_begin_array(json);
        for (size_t j = 0; j < info->lyrics[i].line_count; j++) {
            json_begin_array(json);
            json_i64(json, info->lyrics[i].lines[j].start_ms);
            json_text(json, info->lyrics[i].lines[j].text);
            json_end_array(json);
        }
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_info(struct json *json, const struct media_info *info)
{
    json_member_text(json, "codec", text_of(media_codec_word(info->codec)));
    json_member_u64(json, "duration_ms", info->duration_ms);
    json_member_u64(json, "sample_rate", info->sample_rate);
    json_member_u64(json, "channels", info->channels);
    json_member_u64(json, "bit_depth", info->bit_depth);
    json_member_u64(json, "bitrate_kbps", info->bitrate_kbps);
    json_member_bool(json, "partial", info->is_partial);
    write_hex(json, "audio_id", info->audio_id);
    if (info->picture.size_bytes) {
        write_hex(json, "picture", info->picture.digest);
        json_member_u64(json, "picture_bytes", info->picture.size_bytes);
        json_member_text(json, "picture_mime", info->picture.mime);
    }
    write_tags(json, info);
    write_lyrics(json, info);
}

static int probe_all(struct media_pool *pool, int count, char **paths)
{
    for (int i = 0; i < count; i++) {
        struct media_info info = {0};
        struct buffer line;
        struct json json;
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        enum media_outcome outcome = fd < 0 ? MEDIA_UNREADABLE : media_probe(pool, fd, &info);
        buffer_init(&line, 1024 * 1024);
        json_init(&json, &line);
        json_begin_object(&json);
        json_member_text(&json, "path", text_of(paths[i]));
        json_member_text(&json, "outcome", text_of(media_outcome_word(outcome)));
        if (outcome == MEDIA_OK)
            write_info(&json, &info);
        json_end_object(&json);
        printf("%.*s\n", TEXT_ARGS(buffer_view(&line)));
        buffer_release(&line);
        media_info_release(&info);
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

static void on_probed(void *context, void *token, enum media_outcome outcome,
                      struct media_info *info)
{
    size_t *counts = context;
    (void)token;
    counts[outcome]++;
    if (info)
        media_info_release(info);
}

static int speed(struct media_pool *pool, int count, char **paths)
{
    size_t counts[16] = {0};
    uint64_t begin_us = clock_monotonic_us();
    struct media_batch *batch = media_batch_new(pool, on_probed, counts);
    for (int i = 0; i < count; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            media_batch_add(batch, fd, NULL);
    }
    media_batch_free(&batch);
    double seconds = (double)(clock_monotonic_us() - begin_us) / 1e6;
    printf("%d files in %.3f s, %.0f/s, %zu read\n", count, seconds, count / seconds,
           counts[MEDIA_OK]);
    return 0;
}

static int write_all(const char *path, struct text bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size;
    if (fd >= 0)
        close(fd);
    return is_written ? 0 : 1;
}

static int artwork(struct media_pool *pool, char **args)
{
    struct buffer image;
    buffer_init(&image, 32 * 1024 * 1024);
    int fd = open(args[3], O_RDONLY | O_CLOEXEC);
    enum media_source source =
        text_equal(text_of(args[0]), TEXT("image")) ? MEDIA_IMAGE_FILE : MEDIA_EMBEDDED;
    enum media_image_format format =
        text_equal(text_of(args[2]), TEXT("jpeg")) ? MEDIA_JPEG : MEDIA_WEBP;
    enum media_outcome outcome =
        media_artwork(pool, fd, source, (unsigned)strtoul(args[1], NULL, 10), format, &image);
    puts(media_outcome_word(outcome));
    int result = outcome == MEDIA_OK ? write_all(args[4], buffer_view(&image)) : 1;
    buffer_release(&image);
    close(fd);
    return result;
}

static int transcode(struct media_pool *pool, char **args)
{
    struct media_transcode_request request = {.bitrate_kbps = (uint32_t)strtoul(args[1], NULL, 10),
                                              .offset_ms = (uint32_t)strtoul(args[2], NULL, 10),
                                              .channels = (uint32_t)strtoul(args[3], NULL, 10),
                                              .sample_rate = (uint32_t)strtoul(args[4], NULL, 10)};
    struct media_transcode *running = NULL;
    char bytes[65536];
    int pipe_end = -1, fd = open(args[5], O_RDONLY | O_CLOEXEC);
    int out = open(args[6], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || out < 0 || !media_format_from(text_of(args[0]), &request.format))
        return 2;
    uint64_t begin_us = clock_monotonic_us(), first_us = 0;
    enum media_outcome outcome = media_transcode_start(pool, fd, &request, &pipe_end, &running);
    close(fd);
    for (ssize_t got = 1; outcome == MEDIA_OK && got != 0;) {
        struct pollfd readable = {.fd = pipe_end, .events = POLLIN};
        (void)poll(&readable, 1, -1);
        got = read(pipe_end, bytes, sizeof bytes);
        if (got > 0 && !first_us)
            first_us = clock_monotonic_us() - begin_us;
        if (got > 0 && write(out, bytes, (size_t)got) != got)
            return 2;
    }
    if (outcome == MEDIA_OK)
        close(pipe_end);
    enum media_outcome end = media_transcode_end(&running);
    outcome = outcome == MEDIA_OK ? end : outcome;
    printf("%s first byte %.1f ms, all %.1f ms\n", media_outcome_word(outcome),
           (double)first_us / 1e3, (double)(clock_monotonic_us() - begin_us) / 1e3);
    close(out);
    return outcome == MEDIA_OK ? 0 : 1;
}

/* --- package --- */

static const uint8_t the_track[16] = {1};

static void stop_loop(void *context)
{
    struct packager_wait *wait = context;
    loop_stop(wait->loop);
}

/* Waits until the object is there; false when it never will be. */
static bool fetch(struct packager *packager, struct package_request *request, struct loop *loop,
                  int out, enum media_outcome *ret_why)
{
    struct package_loan loan;
    enum package_found found;
    static char bytes[48 << 20];
    while ((found = packager_lend(packager, request, &loan, ret_why)) == PACKAGE_COMING) {
        struct packager_wait wait = {.request = *request, .loop = loop, .on_ready = stop_loop};
        if (packager_wait(packager, &wait))
            loop_run(loop);
    }
    if (found != PACKAGE_HERE)
        return false;
    ssize_t size = (ssize_t)loan.object.bytes;
    bool is_written = pread(loan.fd, bytes, (size_t)size, (off_t)loan.object.offset) == size &&
                      (out < 0 || write(out, bytes, (size_t)size) == size);
    packager_give_back(&loan);
    return is_written;
}

static void print_package(struct packager *packager, enum rendition rendition, uint64_t first_us,
                          uint64_t all_us, enum media_outcome outcome)
{
    struct package_view view;
    struct buffer line;
    struct json json;
    buffer_init(&line, 1024 * 1024);
    json_init(&json, &line);
    json_begin_object(&json);
    json_member_text(&json, "outcome", text_of(media_outcome_word(outcome)));
    json_member_u64(&json, "first_us", first_us);
    json_member_u64(&json, "all_us", all_us);
    if (packager_view(packager, the_track, rendition, &view) && view.state == PACKAGE_COMPLETE) {
        json_member_u64(&json, "rate", view.index.rate);
        json_member_u64(&json, "priming", view.index.priming);
        json_member_u64(&json, "length", view.index.length);
        json_member_u64(&json, "trim_end", view.index.trim_end);
        json_member_u64(&json, "source_samples", view.index.source_samples);
        json_member_u64(&json, "segments", view.index.count);
        json_member_i64(&json, "loudness_mlufs", view.index.loudness_mlufs);
        json_member_u64(&json, "peak_ppm", view.index.peak_ppm);
    }
    json_end_object(&json);
    printf("%.*s\n", TEXT_ARGS(buffer_view(&line)));
    buffer_release(&line);
    package_view_release(&view);
}

static int package(const char *worker, char **args)
{
    const struct packager_config config = {
        .worker_path = worker, .folder = args[1], .max_bytes = 1ULL << 32, .max_encodes = 1};
    struct packager *packager;
    struct package_request request = {.kind = SEGMENTER_INIT};
    struct package_view view;
    enum media_outcome outcome = MEDIA_OK;
    int fd = open(args[2], O_RDONLY | O_CLOEXEC);
    int out = open(args[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || out < 0 || !rendition_from(text_of(args[0]), &request.name.rendition) ||
        packager_start(&config, &packager))
        return 2;
    struct loop *loop = loop_new();
    (void)!packager_view(packager, the_track, request.name.rendition, &view);
    usleep(100 * 1000); /* the time between a manifest and its first segment's request: a spare */
    memcpy(request.name.track, the_track, sizeof the_track);
    request.name.generation = view.generation;
    package_view_release(&view);
    uint64_t begin_us = clock_monotonic_us(), first_us = 0;
    outcome = packager_begin(packager, &request.name, fd, 1, true);
    bool more = fetch(packager, &request, loop, out, &outcome);
    for (request.kind = SEGMENTER_SEGMENT; more; request.number++) {
        more = fetch(packager, &request, loop, out, &outcome);
        if (!request.number)
            first_us = clock_monotonic_us() - begin_us;
    }
    print_package(packager, request.name.rendition, first_us, clock_monotonic_us() - begin_us,
                  outcome);
    packager_stop(&packager);
    loop_free(&loop);
    close(out);
    return outcome == MEDIA_OK ? 0 : 1;
}

/* As a listener who taps one song after the other: manifest, initialisation, first segment. */
static bool tap(struct packager *packager, struct package_request *request, const char *path,
                struct loop *loop)
{
    struct package_view view;
    enum media_outcome why = MEDIA_OK;
    uint64_t begin_us = clock_monotonic_us();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !packager_view(packager, request->name.track, request->name.rendition, &view))
        return false;
    request->name.generation = view.generation;
    package_view_release(&view);
    bool is_there = packager_begin(packager, &request->name, fd, 1, true) == MEDIA_OK;
    request->kind = SEGMENTER_INIT;
    is_there = is_there && fetch(packager, request, loop, -1, &why);
    request->kind = SEGMENTER_SEGMENT;
    request->number = 0;
    is_there = is_there && fetch(packager, request, loop, -1, &why);
    printf("%llu ", (unsigned long long)(clock_monotonic_us() - begin_us));
    while (is_there && fetch(packager, request, loop, -1, &why))
        request->number++;
    printf("%llu\n", (unsigned long long)(clock_monotonic_us() - begin_us));
    return is_there;
}

static int cold(const char *worker, char **args)
{
    const struct packager_config config = {
        .worker_path = worker, .folder = args[1], .max_bytes = 1ULL << 32};
    struct packager *packager;
    struct package_request request = {0};
    bool is_good = rendition_from(text_of(args[0]), &request.name.rendition);
    if (!is_good || packager_start(&config, &packager))
        return 2;
    struct loop *loop = loop_new();
    packager_expect(packager); /* a listener signs in */
    usleep(500 * 1000);
    for (size_t i = 2; is_good && args[i]; i++) {
        request.name.track[0] = (uint8_t)i;
        is_good = tap(packager, &request, args[i], loop);
        usleep(200 * 1000); /* the song plays */
    }
    packager_stop(&packager);
    loop_free(&loop);
    return is_good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct text verb = text_of(argc > 2 ? argv[2] : NULL);
    struct media_config config = {.worker_path = argc > 1 ? argv[1] : NULL};
    if (argc < 4)
        return 2;
    struct media_pool *pool = media_pool_start(&config);
    int result = 2;
    if (text_equal(verb, TEXT("probe")))
        result = probe_all(pool, argc - 3, argv + 3);
    else if (text_equal(verb, TEXT("speed")))
        result = speed(pool, argc - 3, argv + 3);
    else if (text_equal(verb, TEXT("artwork")) && argc == 8)
        result = artwork(pool, argv + 3);
    else if (text_equal(verb, TEXT("transcode")) && argc == 10)
        result = transcode(pool, argv + 3);
    else if (text_equal(verb, TEXT("cold")) && argc > 5)
        result = cold(argv[1], argv + 3);
    else if (text_equal(verb, TEXT("package")) && argc == 7)
        result = package(argv[1], argv + 3);
    media_pool_stop(&pool);
    return result;
}
