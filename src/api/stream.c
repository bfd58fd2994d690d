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
 * Neither counts as a play: that is what scrobble says.  A transcode's length is not known before
 * its end, so estimateContentLength is understood but gives no Content-Length, which would have to
 * be true (RFC 9110 8.6).
 */
#include "api/endpoints.h"
#include "api/inside.h"
#include "api/track.h"
#include "library/library.h"
#include "media/transcode.h"

#include <unistd.h>

enum { USUAL_FORMAT = MEDIA_FORMAT_MP3, BUSY_RETRY_S = 10 };

/* --- originals --- */

enum call_end rest_download(struct call *call)
{
    uint32_t track;
    struct track_row row;
    if (!call_find(call, "id", CATALOG_TRACK, &track))
        return call_fail_not_found(call);
    catalog_track(call->catalog, track, &row);
    track_field_attachment(call->exchange, row.path);
    return track_send_original(call->api, call->exchange, &row.id) ? CALL_SENT
                                                                   : call_fail_not_found(call);
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
 * usual one. */
static bool choose_format(struct text format, const struct track_row *row, bool is_limited,
                          enum media_format *ret)
{
    if (format.size)
        return media_format_from(format, ret);
    bool is_lossless = text_equal_nocase(row->suffix, TEXT("flac"));
    if (!media_format_from(row->suffix, ret) || (is_limited && is_lossless))
        *ret = (enum media_format)USUAL_FORMAT;
    return true;
}

static void on_stream_end(void *context, int error)
{
    struct media_transcode *transcode = context;
    (void)error;
    (void)media_transcode_end(&transcode);
}

static enum call_end start_transcode(struct call *call, const struct track_row *row,
                                     const struct media_transcode_request *request)
{
    struct library_file file;
    struct media_transcode *transcode;
    int pipe_fd;
    if (library_open_track(call->api->config.library, row->id.bytes, &file))
        return call_fail_not_found(call);
    enum media_outcome outcome =
        media_transcode_start(call->api->config.media, file.fd, request, &pipe_fd, &transcode);
    close(file.fd);
    if (outcome == MEDIA_BUSY)
        return call_fail_busy(call, BUSY_RETRY_S, "Too many streams are being converted just now.");
    if (outcome != MEDIA_OK)
        return call_fail(call, API_ERROR_GENERIC, media_outcome_sentence(outcome));
    exchange_set_class(call->exchange, SHIELD_CLASS_RUNNING);
    exchange_field(call->exchange, "Accept-Ranges", TEXT("none"));
    exchange_field(call->exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_pipe(call->exchange, media_format_content_type(request->format), pipe_fd,
                       on_stream_end, transcode);
    return CALL_SENT;
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
    if (!needs_transcode(call, &row, format))
        return track_send_original(call->api, call->exchange, &row.id) ? CALL_SENT
                                                                       : call_fail_not_found(call);
    if (!call->api->config.media)
        return call_fail(call, API_ERROR_GENERIC,
                         "This server converts nothing; ask for format=raw.");
    struct media_transcode_request request = {
        .bitrate_kbps = most_kbps < 10000 ? (uint32_t)most_kbps : 10000,
        .offset_ms = offset_s < UINT32_MAX / 1000 ? (uint32_t)offset_s * 1000 : UINT32_MAX,
    };
    if (!choose_format(format, &row, most_kbps > 0, &request.format))
        return call_fail(call, API_ERROR_GENERIC,
                         "format must be raw, mp3, opus, aac, ogg or flac.");
    return start_transcode(call, &row, &request);
}
