// SPDX-License-Identifier: GPL-3.0-or-later
/* WAV (RIFF, little-endian) and AIFF (IFF, big-endian): chunks of samples, format and tags. */
#include "media/worker/bytes.h"
#include "media/worker/container.h"

enum { MAX_CHUNKS = 2000 };

struct shape {
    uint8_t format[8]; /* channels, bits, sample rate as the file writes them */
    bool has_format;
    uint64_t begin, end;
};

static void wav_chunk(struct container_reading *reading, const uint8_t *id, uint64_t body,
                      uint64_t end, struct shape *shape)
{
    uint8_t fmt[16];
    if (!memcmp(id, "fmt ", 4) && end - body >= sizeof fmt &&
        source_read(reading->source, body, fmt, sizeof fmt)) {
        memcpy(shape->format, fmt + 2, 6);      /* not the format tag: PCM has two spellings */
        memcpy(shape->format + 6, fmt + 14, 2); /* bits */
        shape->has_format = true;
    } else if (!memcmp(id, "data", 4) && !shape->end) {
        shape->begin = body;
        shape->end = end;
    } else if (!memcmp(id, "id3 ", 4) || !memcmp(id, "ID3 ", 4)) {
        id3_covers(reading, body);
    }
}

static void aiff_chunk(struct container_reading *reading, const uint8_t *id, uint64_t body,
                       uint64_t end, struct shape *shape)
{
    uint8_t comm[18];
    if (!memcmp(id, "COMM", 4) && end - body >= sizeof comm &&
        source_read(reading->source, body, comm, sizeof comm)) {
        memcpy(shape->format, comm, 2);
        memcpy(shape->format + 2, comm + 6,
               6); /* bits and the top of the 80-bit rate; not the length */
        shape->has_format = true;
    } else if (!memcmp(id, "SSND", 4) && end - body > 8) {
        shape->begin = body + 8;
        shape->end = end;
    } else if (!memcmp(id, "ID3 ", 4) || !memcmp(id, "id3 ", 4)) {
        id3_covers(reading, body);
    }
}

static void read_chunks(struct container_reading *reading, bool is_wav, struct shape *shape)
{
    uint64_t at = 12, size = reading->source->size;
    uint8_t head[8];
    for (unsigned i = 0; i < MAX_CHUNKS && source_read(reading->source, at, head, sizeof head);
         i++) {
        uint64_t body = at + 8, claimed = is_wav ? le32(head + 4) : be32(head + 4);
        uint64_t end =
            claimed > size - body ? size : body + claimed; /* streamed files claim 0xffffffff */
        if (is_wav)
            wav_chunk(reading, head, body, end, shape);
        else
            aiff_chunk(reading, head, body, end, shape);
        at = end + (claimed & 1);
    }
}

bool riff_read(struct container_reading *reading)
{
    uint8_t head[12];
    struct shape shape = {0};
    if (!source_read(reading->source, 0, head, sizeof head))
        return false;
    bool is_wav = !memcmp(head, "RIFF", 4) && !memcmp(head + 8, "WAVE", 4);
    bool is_aiff =
        !memcmp(head, "FORM", 4) && (!memcmp(head + 8, "AIFF", 4) || !memcmp(head + 8, "AIFC", 4));
    if (!is_wav && !is_aiff)
        return false;
    reading->into->codec = is_wav ? MEDIA_CODEC_WAV : MEDIA_CODEC_AIFF;
    read_chunks(reading, is_wav, &shape);
    if (!shape.has_format || shape.begin >= shape.end)
        return true;
    reading->into->audio_begin = shape.begin;
    reading->into->audio_end = shape.end;
    fingerprint_begin(reading->fingerprint, is_wav ? TEXT("wav samples") : TEXT("aiff samples"));
    fingerprint_bytes(reading->fingerprint, shape.format, sizeof shape.format);
    fingerprint_region(reading->fingerprint, reading->source, shape.begin, shape.end);
    reading->into->has_id = fingerprint_end(reading->fingerprint, reading->into->audio_id);
    return true;
}
