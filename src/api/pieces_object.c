// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/pieces_object.h"

#include "api/inside.h"
#include "api/manifests.h"
#include "api/names.h"
#include "api/peers.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/workers.h"
#include "media/pieces.h"

#include <sys/stat.h>
#include <unistd.h>

/* A worker may still be at it when the server has ended: it touches the job and the library. */
struct job {
    struct api *api;
    struct library *library;
    struct exchange *exchange;
    bool is_picture;
    struct media_name media;
    struct art_name art;
    struct text name; /* the exchange's */
    struct pieces pieces;
    bool is_read;
};

/* --- on a worker --- */

static bool read_pieces(int fd, struct pieces *pieces)
{
    char *piece = mem_alloc(pieces->piece_bytes);
    bool is_read = true;
    for (size_t i = 0; is_read && i < pieces->count; i++) {
        size_t size = pieces_size(pieces, i);
        is_read = file_read_at(fd, piece, size, (uint64_t)i * pieces->piece_bytes) == 0;
        if (is_read)
            pieces_digest(text_make(piece, size), pieces->sha256[i]);
    }
    mem_free(piece);
    return is_read;
}

static bool is_as_it_was(const struct library_file *file)
{
    struct stat status;
    const int64_t s = 1000000000;
    return fstat(file->fd, &status) == 0 && (uint64_t)status.st_size == file->size_bytes &&
           (int64_t)status.st_mtim.tv_sec * s + status.st_mtim.tv_nsec == file->mtime_ns &&
           (int64_t)status.st_ctim.tv_sec * s + status.st_ctim.tv_nsec == file->changed_ns;
}

static bool read_original(struct job *job)
{
    struct library_file file;
    if (library_open_track(job->library, job->media.id.bytes, &file))
        return false;
    bool is_read = file.version == job->media.version &&
                   pieces_init(&job->pieces, file.size_bytes) &&
                   read_pieces(file.fd, &job->pieces) && is_as_it_was(&file);
    close(file.fd);
    return is_read;
}

static bool read_picture(struct job *job)
{
    struct library_art art;
    if (library_open_artwork(job->library, job->art.id.bytes, job->art.size_px, job->art.format,
                             &art))
        return false;
    bool is_read = pieces_init(&job->pieces, art.size_bytes) && read_pieces(art.fd, &job->pieces);
    close(art.fd);
    return is_read;
}

static void job_work(void *context)
{
    struct job *job = context;
    job->is_read = job->is_picture ? read_picture(job) : read_original(job);
}

/* --- at home --- */

static void refuse(struct exchange *exchange, unsigned status, const char *title,
                   const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

static void refuse_busy(struct exchange *exchange)
{
    exchange_field(exchange, "Retry-After", TEXT("1"));
    refuse(exchange, 503, "Not now", "Too much is being read just now.");
}

static void job_free(struct job *job)
{
    pieces_release(&job->pieces);
    mem_free(job);
}

static void job_done(void *context)
{
    struct job *job = context;
    struct buffer body;
    job->api->pieces_read--;
    buffer_init(&body, SIGNED_MAX_BODY_BYTES);
    if (job->is_read) {
        pieces_write(&job->pieces, job->name, &body);
        manifests_send(job->exchange, job->api, OBJECT_PIECES, &body);
    } else {
        refuse(job->exchange, 404, "Not found", "There is nothing of this name, or not any more.");
    }
    buffer_release(&body);
    job_free(job);
}

static bool parse(const struct exchange *exchange, struct job *ret)
{
    struct text name = exchange_request(exchange)->path;
    if (!text_ends(name, TEXT(PIECES_SUFFIX)))
        return false;
    name.size -= sizeof PIECES_SUFFIX - 1;
    ret->name = name;
    ret->is_picture = names_art(name, &ret->art);
    return ret->is_picture || (names_media(name, &ret->media) && ret->media.has_version);
}

static void at_home(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct node_seat seat;
    struct job *job = MEM_NEW(struct job);
    job->api = api;
    job->library = api->config.library;
    job->exchange = exchange;
    if (!parse(exchange, job) || !peers_node(api, exchange, &seat)) {
        refuse(exchange, 404, "Not found", "This is told to edges alone.");
        job_free(job);
        return;
    }
    peers_show(exchange, &seat);
    if (api->pieces_read < PIECES_OBJECTS_AT_ONCE &&
        workers_submit(api->config.workers, api->config.loop, job_work, job_done, job)) {
        api->pieces_read++;
        return;
    }
    refuse_busy(exchange);
    job_free(job);
}

bool pieces_object_handle(struct api *api, struct exchange *exchange)
{
    if (!text_ends(exchange_request(exchange)->path, TEXT(PIECES_SUFFIX)))
        return false;
    exchange_go_home(exchange, at_home, api);
    return true;
}
