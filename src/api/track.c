// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/track.h"

#include "api/inside.h"
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

void track_send_file(struct exchange *exchange, const struct library_file *file)
{
    add_validators(exchange, file->version, file->mtime_ns);
    exchange_send_file(exchange, file->content_type, file->fd, file->size_bytes);
}

void track_send_lent(struct exchange *exchange, struct open_file *lent)
{
    if (!lent->etag.size) {
        char tag[DIGITS_HEX_MAX];
        const char *end = digits_hex(tag, lent->key.version);
        open_file_tag(lent, text_make(tag, (size_t)(end - tag)), true);
    }
    exchange_set_class(exchange, SHIELD_CLASS_RUNNING);
    open_file_send(exchange, lent);
}

static bool open_original(struct api *api, struct exchange *exchange, const struct track_row *row,
                          struct library_file *ret)
{
    struct library *library = api->config.library;
    if (library_open_place(library, row->library, row->path, ret))
        return library_open_track(library, row->id.bytes, ret) == 0;
    struct text type = arena_printf(exchange_arena(exchange), "%.*s", TEXT_ARGS(row->content_type));
    ret->content_type = type.data ? type.data : "application/octet-stream";
    return true;
}

bool track_send_original(struct api *api, struct exchange *exchange, const struct track_row *row)
{
    struct library_file file;
    if (!open_original(api, exchange, row, &file))
        return false;
    exchange_field(exchange, "Cache-Control", TEXT("private, no-cache"));
    track_send_file(exchange, &file);
    return true;
}

static struct text last_part(struct text path)
{
    for (size_t i = path.size; i-- > 0;)
        if (path.data[i] == '/')
            return text_from(path, i + 1);
    return path;
}

void track_field_attachment(struct exchange *exchange, struct text path)
{
    struct buffer field;
    buffer_init(&field, 4096);
    buffer_text(&field, TEXT("attachment; filename*=UTF-8''"));
    encode_percent(&field, last_part(path), false);
    if (!field.overflowed)
        exchange_field(exchange, "Content-Disposition", buffer_view(&field));
    buffer_release(&field);
}
