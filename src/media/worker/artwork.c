// SPDX-License-Identifier: GPL-3.0-or-later
/* The artwork role: a picture inside a sound file, or an image file, made small and written to the
 * pool's memfd. */
#include "base/mem.h"
#include "media/worker/picture_maker.h"
#include "media/worker/probe.h"
#include "media/worker/serve.h"

#include <errno.h>
#include <unistd.h>

enum { MADE_MAX_BYTES = 32 * 1024 * 1024 };

struct artwork {
    struct probe *probe;
    struct buffer image, made;
};

static void *prepare(void)
{
    struct artwork *artwork = MEM_NEW(struct artwork);
    artwork->probe = probe_new();
    buffer_init(&artwork->image, COVER_MAX_BYTES);
    buffer_init(&artwork->made, MADE_MAX_BYTES);
    picture_maker_start();
    return artwork;
}

static enum media_outcome read_image(struct artwork *artwork, struct serve_job *job)
{
    if (job->request->source == MEDIA_EMBEDDED)
        return probe_cover(artwork->probe, serve_read, job, job->file_size, &artwork->image);
    if (!job->file_size)
        return MEDIA_NO_PICTURE;
    char *room = job->file_size <= COVER_MAX_BYTES
                     ? buffer_reserve(&artwork->image, (size_t)job->file_size)
                     : NULL;
    if (!room)
        return MEDIA_TOO_LARGE;
    if (!serve_read(job, 0, room, (size_t)job->file_size))
        return MEDIA_UNREADABLE;
    artwork->image.size += (size_t)job->file_size;
    return MEDIA_OK;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(fd, bytes + done, size - done, (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static enum media_outcome run(void *state, struct serve_job *job)
{
    struct artwork *artwork = state;
    buffer_reset(&artwork->image);
    buffer_reset(&artwork->made);
    enum media_outcome outcome = read_image(artwork, job);
    if (outcome == MEDIA_OK)
        outcome = picture_make(buffer_view(&artwork->image), job->request->size_px,
                               job->request->image_format, &artwork->made);
    if (outcome == MEDIA_OK && !write_all(job->output, artwork->made.data, artwork->made.size))
        outcome = MEDIA_TOO_LARGE;
    buffer_release(&artwork->image); /* a cover of 40 MB is not kept for the next one */
    job->written = artwork->made.size;
    return outcome;
}

const struct serve_role serve_artwork = {"artwork", SANDBOX_ARTWORK, WIRE_ARTWORK,
                                         false,     prepare,         run};
