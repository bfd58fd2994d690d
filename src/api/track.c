// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/track.h"

#include "api/inside.h"
#include "api/object_classes.h"
#include "api/open_files.h"
#include "base/digits.h"
#include "base/encode.h"
#include "catalog/catalog.h"
#include "library/library.h"

enum { NS_PER_S = 1000000000 };

static void add_validators(struct exchange *exchange, uint64_t version, int64_t mtime_ns)
{
    char tag[DIGITS_HEX_MAX];
    const char *end = digits_hex(tag, version);
    exchange_set_class(exchange, SHIELD_CLASS_RUNNING);
    exchange_etag(exchange, text_make(tag, (size_t)(end - tag)));
    exchange_last_modified(exchange, mtime_ns / NS_PER_S);
}

/* False: it is not known; wanted from now on if these are all its bytes. */
static bool find_digest(struct api *api, const struct exchange *exchange, const uint8_t track[16],
                        uint64_t version, int64_t changed_ns,
                        uint8_t ret_sha256[LIBRARY_SHA256_BYTES])
{
    const struct http_request *request = exchange_request(exchange);
    struct library *library = api->config.library;
    bool is_known = library_digest(library, track, version, changed_ns, ret_sha256);
    bool is_whole =
        request->method == HTTP_METHOD_GET && !http_request_field(request, TEXT("Range")).size;
    if (!is_known && is_whole)
        library_want_digest(library, track);
    return is_known;
}

void track_send_file(struct api *api, struct exchange *exchange, const struct catalog_id *id,
                     const struct library_file *file)
{
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    add_validators(exchange, file->version, file->mtime_ns);
    if (find_digest(api, exchange, id->bytes, file->version, file->changed_ns, sha256))
        object_tell_digest(exchange, sha256);
    exchange_send_file(exchange, file->content_type, file->fd, file->size_bytes);
}

void track_send_lent(struct api *api, struct exchange *exchange, struct open_file *lent)
{
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    if (!lent->digest.size &&
        find_digest(api, exchange, lent->key.id, lent->key.version, lent->changed_ns, sha256))
        open_file_digest(lent, sha256);
    if (!lent->etag.size) {
        char tag[DIGITS_HEX_MAX];
        const char *end = digits_hex(tag, lent->key.version);
        open_file_tag(lent, text_make(tag, (size_t)(end - tag)), true);
    }
    exchange_set_class(exchange, SHIELD_CLASS_RUNNING);
    open_file_send(exchange, lent);
}

bool track_open_original(struct api *api, struct exchange *exchange, const struct track_row *row,
                         struct library_file *ret)
{
    struct library *library = api->config.library;
    if (library_open_place(library, row->library, row->path, ret))
        return library_open_track(library, row->id.bytes, ret) == 0;
    struct text type = arena_printf(exchange_arena(exchange), "%.*s", TEXT_ARGS(row->content_type));
    ret->content_type = type.data ? type.data : "application/octet-stream";
    return true;
}

static struct text last_part(struct text path)
{
    for (size_t i = path.size; i-- > 0;)
        if (path.data[i] == '/')
            return text_from(path, i + 1);
    return path;
}

struct text track_attachment(struct arena *arena, struct text path)
{
    struct buffer field;
    buffer_init(&field, 4096);
    buffer_text(&field, TEXT("attachment; filename*=UTF-8''"));
    encode_percent(&field, last_part(path), false);
    struct text own =
        field.overflowed ? TEXT("attachment") : arena_text(arena, buffer_view(&field));
    buffer_release(&field);
    return own.data ? own : TEXT("attachment");
}
