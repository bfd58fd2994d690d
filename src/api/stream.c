// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * stream: a song's own bytes, or those of a transcode.
 *
 *     what is asked                                  what is sent
 *     nothing, format=raw, or what the file is       the file, with Range
 *     another format                                 transcode to it
 *     maxBitRate below the file's                    transcode to format, or the usual one
 *     timeOffset                                     transcode from there (extension
 * transcodeOffset)
 *
 * A transcode's header goes out with its first bytes: one that ends without any is an error in the
 * protocol's words, not an empty song.  Neither counts as a play: that is what scrobble says.  A
 * transcode's length is not known before its end, so estimateContentLength is understood but gives
 * no Content-Length, which would have to be true (RFC 9110 8.6).
 */
#include "api/endpoints.h"
#include "api/held.h"
#include "api/inside.h"
#include "api/kept.h"
#include "api/streams.h"
#include "api/track.h"
#include "base/counters.h"
#include "library/library.h"
#include "media/transcode.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    USUAL_FORMAT = MEDIA_FORMAT_MP3,
    BUSY_RETRY_S = 10,
    FIRST_BYTES_US = 10 * 1000 * 1000,
};

/* --- originals --- */

static enum call_end send_original(struct call *call, const struct track_row *row)
{
    struct api *api = call->api;
    struct exchange *exchange = call->exchange;
    struct catalog_id id = row->id;
    struct library_file file;
    if (!track_open_original(api, exchange, row, &file))
        return call_fail_not_found(call);
    exchange_field(exchange, "Cache-Control", TEXT("private, no-cache"));
    call_finish(call, CALL_SENT);
    track_send_file(api, exchange, &id, &file);
    return CALL_LATER;
}

enum call_end rest_download(struct call *call)
{
    uint32_t track;
    struct track_row row;
    if (!call_find(call, "id", CATALOG_TRACK, &track))
        return call_fail_not_found(call);
    catalog_track(call->catalog, track, &row);
    if (api_follows(call->api) || kept_is_wanted(call->api, &row))
        return held_original(call, &row, true);
    exchange_field(call->exchange, "Content-Disposition",
                   track_attachment(exchange_arena(call->exchange), row.path));
    return send_original(call, &row);
}

/* --- transcodes --- */

static bool needs_transcode(const struct call *call, const struct track_row *row,
                            struct text format)
{
    uint64_t most_kbps = call_number(call, "maxBitRate", 0);
    if (text_equal_nocase(format, TEXT("raw")))
        return false;
    if (format.size && !text_equal_nocase(format, row->suffix))
        return true;
    return (most_kbps && most_kbps < row->bit_rate_kbps) || call_number(call, "timeOffset", 0) > 0;
}

/* What to encode to; a format that is not said is the file's own when that can be made, else the
 * usual one.  MP4 in fragments is for who asks: not every program plays it as it comes. */
static bool choose_format(struct text format, const struct track_row *row, bool is_limited,
                          enum media_format *ret)
{
    if (format.size)
        return media_format_from(format, ret);
    bool is_lossless = text_equal_nocase(row->suffix, TEXT("flac"));
    if (!media_format_from(row->suffix, ret) || *ret == MEDIA_FORMAT_M4A ||
        (is_limited && is_lossless))
        *ret = (enum media_format)USUAL_FORMAT;
    return true;
}

/* A process that was killed or gave up has closed its pipe like one that is done. */
static int was_all_written(void *context)
{
    if (media_transcode_outcome(context) == MEDIA_OK)
        return 0;
    counter_add(COUNTER_MEDIA_TRANSCODES_CUT, 1);
    return -EIO;
}

static void on_stream_end(void *context, int error)
{
    struct media_transcode *transcode = context;
    (void)error;
    (void)media_transcode_end(&transcode);
}

/* --- a transcode's beginning: no header before it gave a byte --- */

/* In its exchange's arena; the pipe says when bytes wait, or that there will be none. */
struct stream_start {
    struct stream_start *next, **previous_next;
    struct call *call;
    struct media_transcode *transcode;
    enum media_format format;
    struct loop_watch pipe;
    struct loop_timer patience;
};

static void settle(struct stream_start *start)
{
    loop_watch_remove(&start->pipe);
    loop_timer_stop(&start->patience);
    *start->previous_next = start->next;
    if (start->next)
        start->next->previous_next = start->previous_next;
}

/* The exchange, and with it `start`, may be gone afterwards. */
static void send_stream(struct stream_start *start)
{
    struct exchange *exchange = start->call->exchange;
    exchange_field(exchange, "Accept-Ranges", TEXT("none"));
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    call_finish(start->call, CALL_SENT);
    if (start->transcode)
        exchange_check_end(exchange, was_all_written);
    exchange_send_pipe(exchange, media_format_content_type(start->format), start->pipe.fd,
                       on_stream_end, start->transcode);
}

/* An end without a byte: nothing was to be heard from there on, or nothing can be. */
static void end_empty(struct stream_start *start)
{
    struct call *call = start->call;
    enum media_outcome outcome = media_transcode_end(&start->transcode);
    if (outcome == MEDIA_OK) {
        send_stream(start);
        return;
    }
    close(start->pipe.fd);
    counter_add(COUNTER_MEDIA_TRANSCODES_FAILED, 1);
    struct text why =
        arena_printf(exchange_arena(call->exchange), "This song cannot be converted (%s).",
                     media_outcome_sentence(outcome));
    call_finish(call, call_fail(call, API_ERROR_GENERIC, why.data));
}

static void on_pipe(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    struct stream_start *start = CONTAINER_OF(watch, struct stream_start, pipe);
    int waiting = 0;
    (void)events;
    (void)now_us;
    settle(start);
    if (ioctl(watch->fd, FIONREAD, &waiting) == 0 && waiting > 0)
        send_stream(start);
    else
        end_empty(start);
}

/* A slow disk, perhaps: the listener's program hears that something comes. */
static void on_patience(struct loop_timer *timer, uint64_t now_us)
{
    struct stream_start *start = CONTAINER_OF(timer, struct stream_start, patience);
    (void)now_us;
    settle(start);
    send_stream(start);
}

static enum call_end await_first_bytes(struct stream_start *start)
{
    struct api *api = start->call->api;
    struct loop *loop = api->config.loop;
    if (loop_watch_add(loop, &start->pipe))
        return CALL_FAILED;
    start->next = api->starting;
    start->previous_next = &api->starting;
    if (start->next)
        start->next->previous_next = &start->next;
    api->starting = start;
    loop_timer_start(loop, &start->patience, loop_now_us(loop) + FIRST_BYTES_US);
    return CALL_LATER;
}

void stream_starts_end(struct api *api)
{
    while (api->starting) {
        struct stream_start *start = api->starting;
        settle(start);
        close(start->pipe.fd);
        (void)media_transcode_end(&start->transcode);
        call_finish(start->call,
                    call_fail_busy(start->call, BUSY_RETRY_S, "The server is ending."));
    }
}

enum call_end stream_transcode(struct call *call, const struct track_row *row,
                               const struct media_transcode_request *request)
{
    struct library_file file;
    if (!call->api->config.media)
        return call_fail(call, API_ERROR_GENERIC,
                         "This server converts nothing; ask for format=raw.");
    struct stream_start *start = arena_zalloc(exchange_arena(call->exchange), sizeof(*start));
    if (!start)
        return call_fail_busy(call, 1, "This request needs more memory than one may have.");
    if (library_open_track(call->api->config.library, row->id.bytes, &file))
        return call_fail_not_found(call);
    *start = (struct stream_start){.call = call,
                                   .format = request->format,
                                   .pipe = {.on_events = on_pipe, .wanted = LOOP_READ},
                                   .patience = {.on_timer = on_patience}};
    enum media_outcome outcome = media_transcode_start(call->api->config.media, file.fd, request,
                                                       &start->pipe.fd, &start->transcode);
    close(file.fd);
    if (outcome == MEDIA_BUSY)
        return call_fail_busy(call, BUSY_RETRY_S, "Too many streams are being converted just now.");
    if (outcome != MEDIA_OK)
        return call_fail(call, API_ERROR_GENERIC, media_outcome_sentence(outcome));
    exchange_set_class(call->exchange, SHIELD_CLASS_RUNNING);
    enum call_end end = await_first_bytes(start);
    if (end == CALL_LATER)
        return end;
    close(start->pipe.fd);
    (void)media_transcode_end(&start->transcode);
    return call_fail_busy(call, BUSY_RETRY_S, "Too many files are open just now.");
}

enum call_end rest_stream(struct call *call)
{
    uint32_t track;
    struct track_row row;
    struct text format = call_text(call, "format");
    uint64_t most_kbps = call_number(call, "maxBitRate", 0),
             offset_s = call_number(call, "timeOffset", 0);
    if (!call_find(call, "id", CATALOG_TRACK, &track))
        return call_fail_not_found(call);
    catalog_track(call->catalog, track, &row);
    if (api_follows(call->api) || kept_is_wanted(call->api, &row))
        return needs_transcode(call, &row, format) ? held_converted(call, &row)
                                                   : held_original(call, &row, false);
    if (!needs_transcode(call, &row, format))
        return send_original(call, &row);
    struct media_transcode_request request = {
        .bitrate_kbps = most_kbps < 10000 ? (uint32_t)most_kbps : 10000,
        .offset_ms = offset_s < UINT32_MAX / 1000 ? (uint32_t)offset_s * 1000 : UINT32_MAX,
    };
    if (!choose_format(format, &row, most_kbps > 0, &request.format))
        return call_fail(call, API_ERROR_GENERIC,
                         "format must be raw, mp3, opus, aac, m4a, ogg or flac.");
    return stream_transcode(call, &row, &request);
}
