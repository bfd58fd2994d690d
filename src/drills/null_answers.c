// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/null_answers.h"

#include "base/encode.h"

#include <openssl/evp.h>

enum { ART_BYTES = 8192, MOST_PARAMETERS = 2000, SEGMENT_S = 4 };

static uint64_t track_bytes(const struct null_server_config *config)
{
    return (uint64_t)config->track_s * config->bits_per_s / 8;
}

static uint64_t number(const struct http_parameters *parameters, struct text name,
                       uint64_t otherwise)
{
    uint64_t value;
    return text_to_u64(http_parameter(parameters, name), &value) ? value : otherwise;
}

static void write_songs(const struct null_server_config *config,
                        const struct http_parameters *parameters, struct buffer *json)
{
    uint64_t from = number(parameters, TEXT("songOffset"), 0);
    uint64_t count = number(parameters, TEXT("songCount"), 20), end = from + count;
    end = end < config->tracks ? end : config->tracks;
    buffer_text(json, TEXT(",\"searchResult3\":{\"song\":["));
    for (uint64_t i = from; i < end; i++)
        buffer_printf(
            json,
            "%s{\"id\":\"tr-%022u\",\"isDir\":false,\"title\":\"Track %u\",\"duration\":%u,"
            "\"size\":%llu,\"coverArt\":\"al-%022u\",\"albumId\":\"al-%022u\"}",
            i > from ? "," : "", (unsigned)i, (unsigned)i, config->track_s,
            (unsigned long long)track_bytes(config), (unsigned)(i / 10), (unsigned)(i / 10));
    buffer_text(json, TEXT("]}"));
}

static struct null_answer audio(const struct null_server_config *config,
                                const struct http_request *request)
{
    struct null_answer answer = {200, "audio/flac", track_bytes(config), 0, 0, 0, false};
    struct text value = http_request_field(request, TEXT("Range")), rest, first, last;
    uint64_t from = 0, to = answer.zeros - 1;
    if (!text_starts(value, TEXT("bytes=")))
        return answer;
    rest = text_from(value, 6);
    if (!text_split(&rest, '-', &first) || !text_to_u64(first, &from))
        return answer;
    last = rest;
    if (last.size > 0 && !text_to_u64(last, &to))
        return answer;
    if (from >= answer.zeros)
        return (struct null_answer){.status = 416, .type = "application/json"};
    to = to < answer.zeros ? to : answer.zeros - 1;
    return (struct null_answer){206, "audio/flac", to - from + 1, from, answer.zeros, 0, false};
}

/* --- segments: all of the same zeros, init.mp4 too --- */

static uint64_t segment_bytes(const struct null_server_config *config)
{
    return (uint64_t)config->bits_per_s / 8 * SEGMENT_S;
}

static void write_object(const struct null_server_config *config, const uint8_t *sha256,
                         struct buffer *json)
{
    buffer_printf(json, "{\"bytes\":%llu,\"sha256\":\"", (unsigned long long)segment_bytes(config));
    encode_base64url(json, sha256, 32);
    buffer_text(json, TEXT("\"}"));
}

static void digest_zeros(uint64_t bytes, uint8_t *ret_sha256)
{
    static const char zeros[4096];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    for (size_t piece; bytes > 0; bytes -= piece) {
        piece = bytes < sizeof zeros ? (size_t)bytes : sizeof zeros;
        (void)EVP_DigestUpdate(digest, zeros, piece);
    }
    (void)EVP_DigestFinal_ex(digest, ret_sha256, NULL);
    EVP_MD_CTX_free(digest);
}

static void write_manifest(const struct null_server_config *config, struct buffer *json)
{
    uint8_t sha256[EVP_MAX_MD_SIZE];
    digest_zeros(segment_bytes(config), sha256);
    sha256[0] ^= config->has_other_digests;
    buffer_text(json, TEXT("nobody signs this\n\n{\"renditions\":[{\"name\":\"aac-128\","
                           "\"generation\":\"0123456789abcdef\",\"state\":\"complete\","
                           "\"init\":"));
    write_object(config, sha256, json);
    buffer_text(json, TEXT(",\"segments\":["));
    for (uint32_t s = 0; s < config->track_s; s += SEGMENT_S) {
        buffer_text(json, s > 0 ? TEXT(",") : TEXT_NONE);
        write_object(config, sha256, json);
    }
    buffer_text(json, TEXT("]}]}"));
}

static struct null_answer media(const struct null_server_config *config,
                                const struct http_request *request, struct buffer *json)
{
    struct null_answer answer = {200, "application/octet-stream", 0, 0, 0, 0, false};
    if (text_ends(request->path, TEXT("/manifest")))
        write_manifest(config, json);
    else if (text_ends(request->path, TEXT(".m4s")) || text_ends(request->path, TEXT("/init.mp4")))
        answer.zeros = segment_bytes(config);
    else
        return audio(config, request);
    return answer;
}

static struct null_answer rest_answer(const struct null_server_config *config,
                                      const struct http_request *request, struct text name,
                                      struct arena *arena, struct buffer *json)
{
    struct null_answer answer = {200, "application/json", 0, 0, 0, 0, false};
    struct http_parameters parameters = {0};
    if (text_ends(name, TEXT(".view")))
        name.size -= 5;
    if (!http_parameters_parse(arena, request->query, MOST_PARAMETERS, &parameters))
        answer.status = 400;
    if (text_equal(name, TEXT("stream")))
        return audio(config, request);
    if (text_equal(name, TEXT("getCoverArt")))
        return (struct null_answer){200, "image/webp", ART_BYTES, 0, 0, 0, false};
    buffer_text(json, TEXT("{\"subsonic-response\":{\"status\":\"ok\",\"version\":\"1.16.1\""));
    if (text_equal(name, TEXT("search3")))
        write_songs(config, &parameters, json);
    else if (text_equal(name, TEXT("createPlaylist")))
        buffer_text(json, TEXT(",\"playlist\":{\"id\":\"pl-1\",\"name\":\"a\",\"songCount\":0}"));
    else if (text_equal(name, TEXT("getPlaylists")))
        buffer_text(json, TEXT(",\"playlists\":{\"playlist\":[{\"id\":\"pl-1\",\"name\":\"a\"}]}"));
    buffer_text(json, TEXT("}}"));
    answer.writes = text_equal(name, TEXT("createPlaylist")) || text_equal(name, TEXT("star")) ||
                    (text_equal(name, TEXT("scrobble")) &&
                     !text_equal(http_parameter(&parameters, TEXT("submission")), TEXT("false")));
    return answer;
}

/* Every operation in the batch is accepted: their numbers are found, the rest is not looked at. */
static struct null_answer ops(struct text body, struct buffer *json)
{
    struct null_answer answer = {200, "application/json", 0, 0, 0, 0, false};
    const struct text name = TEXT("\"seq\":");
    unsigned count = 0;
    buffer_text(json, TEXT("{\"results\":["));
    for (size_t i = 0; i + name.size < body.size; i++) {
        if (!text_starts(text_from(body, i), name))
            continue;
        size_t digits = i + name.size, end = digits;
        while (end < body.size && body.data[end] >= '0' && body.data[end] <= '9')
            end++;
        buffer_text(json, count++ ? TEXT(",{\"seq\":") : TEXT("{\"seq\":"));
        buffer_append(json, body.data + digits, end - digits);
        buffer_text(json, TEXT(",\"outcome\":\"accepted\"}"));
    }
    buffer_text(json, TEXT("]}"));
    answer.writes = text_contains(body, TEXT("\"kind\":\"queue\"")) ? 0 : count;
    return answer;
}

struct null_answer null_answer(const struct null_server_config *config,
                               const struct http_request *request, struct text body, int64_t now_ms,
                               struct arena *arena, struct buffer *json)
{
    struct null_answer answer = {200, "application/json", 0, 0, 0, 0, false};
    struct text path = request->path;
    if (text_starts(path, TEXT("/rest/")))
        return rest_answer(config, request, text_from(path, 6), arena, json);
    if (text_starts(path, TEXT("/m/")))
        return media(config, request, json);
    if (text_starts(path, TEXT("/art/")))
        return (struct null_answer){200, "image/webp", ART_BYTES, 0, 0, 0, false};
    if (text_equal(path, TEXT("/ops")))
        return ops(body, json);
    long long end_ms = (long long)now_ms + config->session_s * 1000LL;
    answer.is_session = text_starts(path, TEXT("/api/v1/session"));
    if (answer.is_session)
        buffer_printf(json,
                      "{\"accessToken\":\"t\",\"expiresAt\":%lld,\"grant\":\"g\","
                      "\"grantExpiresAt\":%lld}",
                      end_ms, end_ms);
    else if (text_equal(path, TEXT("/api/v1/apps")))
        buffer_text(json, TEXT("{\"id\":\"1\",\"secret\":\"s\"}"));
    else
        buffer_text(json, TEXT("{}"));
    return answer;
}
