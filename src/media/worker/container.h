// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/worker/cover.h"
#include "media/worker/fingerprint.h"

/*
 * container: which kind of sound file this is by its content, where its audio lies, its audio id,
 * its best cover.
 *
 * These readers walk structure only: they are bounded, follow no claim past the file's end, and
 * never read audio beyond the samples of its id.  Words (titles, artists) are TagLib's: tags.h.
 */
struct container {
    enum media_codec codec; /* 0: not a sound file that we know */
    uint64_t audio_begin, audio_end;
    bool has_id;
    uint8_t audio_id[MEDIA_ID_BYTES];
    struct cover cover;           /* size 0: none */
    struct cover offered, packet; /* scratch of the readers */
};

/* The reader's working set: all sizeable state of one probe, allocated once per worker. */
struct container_reading {
    struct source *source;
    struct fingerprint *fingerprint;
    struct container *into;
};

void container_reset(struct container *container);
/* False when it is no sound file of ours; true and no has_id: it is one, but damaged. */
bool container_read(struct container_reading *reading) MUST_USE;

/* One reader per format: true when the file is of its kind.  `begin` is where ID3v2 tags at the
 * front end. */
bool flac_read(struct container_reading *reading, uint64_t begin);
bool mpeg_read(struct container_reading *reading, uint64_t begin);
bool ogg_read(struct container_reading *reading);
bool mp4_read(struct container_reading *reading);
bool riff_read(struct container_reading *reading); /* WAV and AIFF */
bool wavpack_read(struct container_reading *reading);

/* Tags around foreign payload: where they end or begin; pictures in them are offered on the way. */
uint64_t id3_skip(struct container_reading *reading,
                  uint64_t offset); /* any number of ID3v2 tags; their end */
void id3_covers(struct container_reading *reading,
                uint64_t offset); /* of the tag that begins there */
uint64_t tail_tags_begin(struct container_reading *reading,
                         uint64_t begin); /* ID3v1, Lyrics3, APEv2 at the end */
