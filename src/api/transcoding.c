// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * transcoding: OpenSubsonic's extension of that name, version 1.  A client says what it can play
 * and is told how it gets a song (decision.h); what it is told to ask for, it asks for here:
 *
 *     POST getTranscodeDecision   mediaId, mediaType; body: ClientInfo (abilities.h)
 *     GET  getTranscodeStream     the same and transcodeParams, offset in seconds
 *
 * transcodeParams hold no right: they say no more than the parameters of stream and hls.
 */
#include "api/body.h"
#include "api/decision.h"
#include "api/endpoints.h"
#include "api/inside.h"
#include "api/streams.h"

enum { MS_PER_S = 1000 };

/* Podcasts have ids of their own, of which there is none.  False: call_fail() said why. */
static bool find_song(struct call *call, struct track_row *ret)
{
    uint32_t track;
    struct text type = call_text(call, "mediaType");
    bool is_song = text_equal(type, TEXT("song"));
    if (!is_song && !text_equal(type, TEXT("podcast")))
        (void)call_fail(call, API_ERROR_GENERIC, "mediaType must be song or podcast.");
    else if (!is_song || !call_find(call, "mediaId", CATALOG_TRACK, &track))
        (void)call_fail_not_found(call);
    else {
        catalog_track(call->catalog, track, ret);
        return true;
    }
    return false;
}

/* --- getTranscodeDecision --- */

static void write_stream(struct answer *answer, const char *name,
                         const struct decision_stream *stream)
{
    answer_begin(answer, name);
    answer_text(answer, "protocol", stream->protocol);
    answer_text(answer, "container", stream->container);
    answer_text(answer, "codec", stream->codec);
    answer_some_u64(answer, "audioChannels", stream->channels);
    answer_some_u64(answer, "audioBitrate", stream->bitrate);
    answer_some_text(answer, "audioProfile", stream->profile);
    answer_some_u64(answer, "audioSamplerate", stream->rate);
    answer_some_u64(answer, "audioBitdepth", stream->depth);
    answer_end(answer);
}

static void write_recipe(struct answer *answer, const struct decision_recipe *recipe)
{
    struct buffer words;
    buffer_init(&words, 64);
    decision_recipe_write(recipe, &words);
    answer_text(answer, "transcodeParams", buffer_view(&words));
    buffer_release(&words);
}

static struct text error_of(const struct decision *decision, const struct abilities *abilities)
{
    if (decision->can_transcode || decision->can_direct_play)
        return TEXT("");
    return abilities->target_count
               ? TEXT("This server makes nothing that meets the transcodingProfiles and limits.")
               : TEXT("The client names no transcodingProfiles.");
}

static void write_decision(struct answer *answer, const struct decision *decision,
                           const struct abilities *abilities, const struct decision_stream *source)
{
    answer_begin(answer, "transcodeDecision");
    answer_bool(answer, "canDirectPlay", decision->can_direct_play);
    answer_bool(answer, "canTranscode", decision->can_transcode);
    answer_text(answer, "errorReason", error_of(decision, abilities));
    if (decision->can_transcode)
        write_recipe(answer, &decision->recipe);
    answer_list(answer, "transcodeReason");
    for (unsigned i = 0; i < DECISION_REASONS; i++)
        if (decision->reasons[i])
            answer_list_text(answer, text_of(decision_reason_word((enum decision_reason)i)));
    answer_end(answer);
    write_stream(answer, "sourceStream", source);
    if (decision->can_transcode)
        write_stream(answer, "transcodeStream", &decision->transcode);
    answer_end(answer);
}

static struct decision_stream describe(const struct track_row *row)
{
    struct decision_stream source = {
        .channels = row->channels,
        .bitrate = row->bit_rate_kbps < UINT32_MAX / 1000 ? row->bit_rate_kbps * 1000 : 0,
        .rate = row->sampling_rate_hz,
        .depth = row->bit_depth};
    decision_describe(row->suffix, &source);
    return source;
}

/* What cannot be made here is not offered. */
static void leave_out_what_we_lack(const struct api *api, struct decision *decision)
{
    if (decision->recipe.is_hls ? !api->config.packager : !api->config.media)
        decision->can_transcode = false;
}

static enum call_end decide(struct call *call, const struct track_row *row, const json_t *body)
{
    char why[160];
    struct abilities abilities;
    struct decision decision;
    struct decision_stream source = describe(row);
    if (!abilities_read(body, exchange_arena(call->exchange), &abilities, why))
        return call_fail(call, API_ERROR_GENERIC,
                         arena_printf(exchange_arena(call->exchange), "%s", why).data);
    decision_make(&abilities, &source, &decision);
    leave_out_what_we_lack(call->api, &decision);
    write_decision(&call->answer, &decision, &abilities, &source);
    return CALL_OK;
}

enum call_end rest_getTranscodeDecision(struct call *call)
{
    char why[160];
    struct track_row row;
    struct text bytes = exchange_body(call->exchange);
    if (exchange_request(call->exchange)->method != HTTP_METHOD_POST)
        return call_fail(call, API_ERROR_GENERIC,
                         "Send what the client can play as a JSON body, by POST.");
    if (bytes.size > ABILITIES_MAX_BYTES)
        return call_fail(call, API_ERROR_GENERIC, "The body must not be longer than 64 KiB.");
    if (!find_song(call, &row))
        return CALL_FAILED;
    json_t *body = body_parse(bytes, why);
    if (!body)
        return call_fail(call, API_ERROR_GENERIC,
                         arena_printf(exchange_arena(call->exchange), "%s", why).data);
    enum call_end end = decide(call, &row, body);
    json_decref(body);
    return end;
}

/* --- getTranscodeStream --- */

enum call_end rest_getTranscodeStream(struct call *call)
{
    struct track_row row;
    struct decision_recipe recipe;
    uint64_t offset_s = call_number(call, "offset", 0);
    uint32_t offset_ms =
        offset_s < UINT32_MAX / MS_PER_S ? (uint32_t)offset_s * MS_PER_S : UINT32_MAX;
    if (!decision_recipe_read(call_text(call, "transcodeParams"), &recipe))
        return call_fail(call, API_ERROR_GENERIC,
                         "transcodeParams must be those of getTranscodeDecision.");
    if (!find_song(call, &row))
        return CALL_FAILED;
    if (recipe.is_hls)
        return stream_hls(call, &row, recipe.rendition, offset_ms);
    recipe.request.offset_ms = offset_ms;
    return stream_transcode(call, &row, &recipe.request);
}
