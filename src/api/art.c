// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/art.h"

#include "api/inside.h"
#include "api/object_classes.h"
#include "api/open_files.h"
#include "base/encode.h"
#include "base/mem.h"
#include "io/workers.h"

#include <errno.h>

/* A worker may still be at it when the server has ended: it touches nothing but the job and the
 * library. */
struct job {
    struct library *library;
    struct art_request request;
    art_done *done;
    void *context;
    struct library_art art;
    int error;
};

enum { TAG_BYTES = 64 };

/* The picture's id is the digest of its bytes, so with size and format it is a strong validator. */
static struct text tag_of(const struct art_request *request, struct buffer *out)
{
    encode_hex(out, request->picture.bytes, sizeof(request->picture.bytes));
    buffer_printf(out, "-%u-%u", request->size_px, (unsigned)request->format);
    return buffer_view(out);
}

static void add_cache_control(const struct art_request *request)
{
    exchange_lasting_field(request->exchange, "Cache-Control", text_of(request->cache_control));
}

static void send_art(const struct art_request *request, const struct library_art *art)
{
    struct buffer tag;
    buffer_init(&tag, TAG_BYTES);
    exchange_etag(request->exchange, tag_of(request, &tag));
    buffer_release(&tag);
    add_cache_control(request);
    object_tell_digest(request->exchange, art->sha256);
    exchange_send_file(request->exchange, art->content_type, art->fd, art->size_bytes);
}

struct open_file *art_lend(const struct art_request *request, struct open_files *files)
{
    struct open_file_key key = {.version = (uint64_t)request->size_px << 8 | request->format};
    struct library_art art;
    memcpy(key.id, request->picture.bytes, sizeof key.id);
    struct open_file *lent = open_files_lend(files, &key);
    if (lent || library_open_artwork_cached(request->api->config.library, request->picture.bytes,
                                            request->size_px, request->format, &art))
        return lent;
    lent = open_files_keep(files, &key, art.fd, text_of(art.content_type), art.trailer_bytes);
    if (lent)
        open_file_digest(lent, art.sha256);
    return lent;
}

void art_send_lent(const struct art_request *request, struct open_file *lent)
{
    struct buffer tag;
    buffer_init(&tag, TAG_BYTES);
    if (!lent->etag.size)
        open_file_tag(lent, tag_of(request, &tag), false);
    buffer_release(&tag);
    add_cache_control(request);
    open_file_send(request->exchange, lent);
}

static void conclude(const struct job *job)
{
    enum art_outcome outcome = job->error == -EBUSY || job->error == -EAGAIN ? ART_BUSY
                               : job->error                                  ? ART_NONE
                                                                             : ART_SENT;
    if (outcome == ART_SENT)
        send_art(&job->request, &job->art);
    job->done(job->context, outcome);
}

static void job_work(void *context)
{
    struct job *job = context;
    job->error = library_open_artwork(job->library, job->request.picture.bytes,
                                      job->request.size_px, job->request.format, &job->art);
}

static void job_done(void *context)
{
    struct job *job = context;
    conclude(job);
    mem_free(job);
}

void art_send(const struct art_request *request, art_done *done, void *context)
{
    struct job job = {.library = request->api->config.library,
                      .request = *request,
                      .done = done,
                      .context = context};
    struct api *api = request->api;
    job.error = library_open_artwork_cached(api->config.library, request->picture.bytes,
                                            request->size_px, request->format, &job.art);
    if (job.error != -EAGAIN) {
        conclude(&job);
        return;
    }
    struct job *queued = mem_dup(&job, sizeof(job));
    if (workers_submit(api->config.workers, api->config.loop, job_work, job_done, queued))
        return;
    mem_free(queued);
    conclude(&job); /* -EAGAIN: busy */
}
