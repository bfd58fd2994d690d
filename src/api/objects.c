// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * objects: audio and artwork by name, for whoever holds a grant.
 *
 *     /m/{track}/original?g=                       the bytes as they are now
 *     /m/{track}/original.{version}.{ext}?g=       the bytes of that version, for ever the same
 *     /art/{art id}/{size}.{webp|jpg}?g=           sizes 64 128 300 600 1200
 *
 * A grant names a session; when that has ended here, so has the grant, whatever its own time says.
 */
#include "api/art.h"
#include "api/inside.h"
#include "api/track.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/server.h"
#include "state/state.h"
#include "trust/grant.h"

#include <inttypes.h>
#include <unistd.h>

static void problem(struct exchange *exchange, unsigned status, const char *title,
                    const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

static void not_found(struct exchange *exchange)
{
    problem(exchange, 404, "Not found", "There is nothing of this name, or not for this listener.");
}

/* False after answering.  *ret_libraries: what grant and account both allow. */
static bool prove_grant(struct api *api, struct exchange *exchange, uint64_t *ret_libraries)
{
    struct grant grant;
    int64_t now_ms = exchange_now_ms(exchange);
    struct text text = exchange_parameter(exchange, TEXT("g"));
    const struct account *account = NULL;
    if (grant_cache_verify(api->grants, api->config.keys, text, now_ms / 1000, &grant) ==
        GRANT_GOOD) {
        const struct session *session = state_session(api->config.state, grant.session, now_ms);
        account = session ? state_account(api->config.state, session->account) : NULL;
    }
    if (!account || account->is_disabled) {
        problem(exchange, 401, "Signed out",
                "The grant is missing, has expired, or its session ended: renew it.");
        return false;
    }
    exchange_set_user(exchange, account->name);
    exchange_field(exchange, "X-Content-Type-Options", TEXT("nosniff"));
    *ret_libraries = grant.libraries & account->libraries;
    return true;
}

/* --- /m --- */

/* "original" or "original.{version}.{ext}"; the version is hexadecimal, as it is in ETag. */
static bool parse_original(struct text name, bool *ret_has_version, uint64_t *ret_version)
{
    struct text rest = name, word, version, suffix;
    if (!text_split(&rest, '.', &word) || !text_equal(word, TEXT("original")))
        return false;
    *ret_has_version = rest.data != NULL;
    if (!*ret_has_version)
        return true;
    if (!text_split(&rest, '.', &version) || !text_split(&rest, '.', &suffix) || rest.data ||
        !suffix.size)
        return false;
    if (!version.size || version.size > 16)
        return false;
    char digits[17] = {0}, *end;
    memcpy(digits, version.data, version.size);
    *ret_version = strtoull(digits, &end, 16);
    return *end == 0 && digits[0] != '-' && digits[0] != '+';
}

static bool sees_track(struct api *api, uint64_t libraries, const struct catalog_id *id)
{
    struct catalog *catalog = library_catalog(api->config.library);
    struct catalog_view view = {catalog, (uint32_t)libraries};
    bool sees = catalog_find(view, CATALOG_TRACK, id) != (uint32_t)CATALOG_NONE;
    catalog_unref(&catalog);
    return sees;
}

static void send_original(struct api *api, struct exchange *exchange, const struct catalog_id *id,
                          bool has_version, uint64_t version)
{
    struct library_file file;
    if (library_open_track(api->config.library, id->bytes, &file)) {
        not_found(exchange);
        return;
    }
    if (has_version && file.version != version) {
        close(file.fd);
        problem(exchange, 404, "Another version",
                "The file has changed since; ask for the track's original anew.");
        return;
    }
    exchange_field(exchange, "Cache-Control",
                   has_version ? TEXT("private, max-age=31536000, immutable")
                               : TEXT("private, no-cache"));
    track_send_file(exchange, &file);
}

static void handle_media(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1), id_text;
    struct catalog_id id;
    enum catalog_kind kind;
    bool has_version;
    uint64_t libraries, version = 0;
    bool is_name = text_split(&rest, '/', &id_text) && catalog_id_parse(id_text, &kind, &id) &&
                   kind == CATALOG_TRACK && parse_original(rest, &has_version, &version);
    if (!prove_grant(api, exchange, &libraries))
        return;
    if (is_name && sees_track(api, libraries, &id))
        send_original(api, exchange, &id, has_version, version);
    else
        not_found(exchange);
}

/* --- /art --- */

static bool parse_size(struct text name, uint32_t *ret_size_px, enum library_art_format *ret_format)
{
    static const uint32_t ladder[] = {64, 128, 300, 600, 1200};
    struct text rest = name, digits;
    uint64_t size;
    if (!text_split(&rest, '.', &digits) || !text_to_u64(digits, &size))
        return false;
    if (!text_equal(rest, TEXT("webp")) && !text_equal(rest, TEXT("jpg")))
        return false;
    *ret_format = text_equal(rest, TEXT("webp")) ? LIBRARY_ART_WEBP : LIBRARY_ART_JPEG;
    *ret_size_px = (uint32_t)size;
    for (size_t i = 0; i < ARRAY_SIZE(ladder); i++)
        if (ladder[i] == size)
            return true;
    return false;
}

static void on_art(void *context, enum art_outcome outcome)
{
    struct exchange *exchange = context;
    if (outcome == ART_NONE)
        not_found(exchange);
    if (outcome != ART_BUSY)
        return;
    exchange_field(exchange, "Retry-After", TEXT("1"));
    problem(exchange, 503, "Not now", "Too many pictures are being made just now.");
}

static void handle_art(struct exchange *exchange, void *context)
{
    struct art_request request = {.api = context,
                                  .exchange = exchange,
                                  .cache_control = "private, max-age=31536000, immutable"};
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/art/") - 1), id_text;
    enum catalog_kind kind;
    uint64_t libraries;
    bool is_name = text_split(&rest, '/', &id_text) &&
                   catalog_id_parse(id_text, &kind, &request.picture) && kind == CATALOG_ARTWORK &&
                   parse_size(rest, &request.size_px, &request.format);
    if (!prove_grant(request.api, exchange, &libraries))
        return;
    if (is_name)
        art_send(&request, on_art, exchange);
    else
        not_found(exchange);
}

void object_routes(struct api *api, struct server *server)
{
    const struct server_route routes[] = {
        {.methods = "GET",
         .path = "/m/",
         .class = SHIELD_CLASS_RUNNING,
         .handler = handle_media,
         .context = api},
        {.methods = "GET",
         .path = "/art/",
         .class = SHIELD_CLASS_SIGNED_IN,
         .handler = handle_art,
         .context = api},
    };
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        server_route(server, &routes[i]);
}
