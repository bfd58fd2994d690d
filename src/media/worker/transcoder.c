// SPDX-License-Identifier: GPL-3.0-or-later
/* The transcode role: one file decoded and encoded into a pipe, then the process leaves. */
#include "media/worker/container.h"
#include "media/worker/decoding.h"
#include "media/worker/encoding.h"
#include "media/worker/serve.h"

#include "base/mem.h"

#include <errno.h>
#include <libavutil/log.h>
#include <unistd.h>

enum { IDENTIFY_BYTES = 512 * 1024 };

struct transcoder {
    struct source source;
    struct fingerprint fingerprint;
    struct container container;
};

static void *prepare(void)
{
    struct transcoder *transcoder = MEM_NEW(struct transcoder);
    source_init(&transcoder->source);
    fingerprint_init(&transcoder->fingerprint);
    av_log_set_level(AV_LOG_QUIET);
    return transcoder;
}

static enum media_codec identify(struct transcoder *transcoder, struct serve_job *job)
{
    struct container_reading reading = {&transcoder->source, &transcoder->fingerprint,
                                        &transcoder->container};
    source_open(&transcoder->source, serve_read, job, job->file_size, IDENTIFY_BYTES);
    container_reset(&transcoder->container);
    return container_read(&reading) ? transcoder->container.codec : 0;
}

static bool write_pipe(void *context, const void *bytes, size_t size)
{
    const struct serve_job *job = context;
    for (size_t done = 0; done < size;) {
        ssize_t put = write(job->output, (const char *)bytes + done, size - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false; /* the listener has left */
        done += (size_t)put;
    }
    return true;
}

/* `got` is what decoding_next() said of the first frame. */
static enum media_outcome run_through(struct decoding *decoding, struct encoding *encoding, int got,
                                      const AVFrame *frame)
{
    for (; got > 0; got = decoding_next(decoding, &frame))
        if (!encoding_put(encoding, frame))
            return MEDIA_DAMAGED;
    return got == 0 && encoding_finish(encoding) ? MEDIA_OK : MEDIA_DAMAGED;
}

/* Nothing is written before something was decoded; past the end nothing is what was asked for. */
static enum media_outcome encode(struct decoding *decoding, struct serve_job *job)
{
    const struct media_transcode_request *request = &job->request->transcode;
    const struct encoding_source source = {decoding_rate(decoding), decoding_channels(decoding),
                                           decoding_depth(decoding)};
    const AVFrame *frame = NULL;
    decoding_seek(decoding, request->offset_ms);
    int got = decoding_next(decoding, &frame);
    if (got < 0 || (got == 0 && request->offset_ms == 0))
        return MEDIA_DAMAGED;
    struct encoding *encoding = encoding_open(request, &source, write_pipe, job);
    enum media_outcome outcome =
        encoding ? run_through(decoding, encoding, got, frame) : MEDIA_DAMAGED;
    encoding_close(&encoding);
    return outcome;
}

static enum media_outcome run(void *state, struct serve_job *job)
{
    enum media_codec codec = identify(state, job);
    if (!codec)
        return MEDIA_NOT_AUDIO;
    struct decoding *decoding = decoding_open(serve_read, job, job->file_size, codec);
    if (!decoding)
        return MEDIA_DAMAGED;
    enum media_outcome outcome = encode(decoding, job);
    decoding_close(&decoding);
    return outcome;
}

const struct serve_role serve_transcode = {"transcode", SANDBOX_TRANSCODE, WIRE_TRANSCODE,
                                           true,        prepare,           run};
