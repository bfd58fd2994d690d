// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/container.h"

void container_reset(struct container *container)
{
    container->codec = 0;
    container->audio_begin = container->audio_end = 0;
    container->has_id = false;
    container->cover.size = container->cover.stretch_count = 0;
}

bool container_read(struct container_reading *reading)
{
    uint8_t magic[12] = {0};
    if (source_read_some(reading->source, 0, magic, sizeof magic) < 4)
        return false;
    if (!memcmp(magic, "OggS", 4))
        return ogg_read(reading);
    if (!memcmp(magic, "RIFF", 4) || !memcmp(magic, "FORM", 4))
        return riff_read(reading);
    if (!memcmp(magic, "wvpk", 4))
        return wavpack_read(reading);
    if (!memcmp(magic + 4, "ftyp", 4))
        return mp4_read(reading);
    uint64_t begin = id3_skip(reading, 0);
    return flac_read(reading, begin) || mpeg_read(reading, begin);
}
