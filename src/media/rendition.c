// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/rendition.h"

#include <assert.h>

enum { MAX_AAC_RATE = 96000, AAC_PACKET = 1024, AAC_DELAY = 1024, AAC_EXTENSION = 2 * AAC_PACKET };
enum {
    OPUS_RATE = 48000,
    OPUS_PACKET = 960,
    OPUS_DELAY = 312,
    OPUS_PREROLL = 3840, /* 80 ms */
    OPUS_EXTENSION = 1 * OPUS_PACKET,
};

static const struct {
    const char *word;
    enum cmaf_codec codec;
    uint32_t kbps, cost;
} table[RENDITION_COUNT] = {
#define RENDITION(id, name, kind, rate_kbps, cost_per_byte) \
    [RENDITION_##id] = {name, CMAF_##kind, rate_kbps, cost_per_byte},
#include "media/renditions.def"
#undef RENDITION
};

const char *rendition_word(enum rendition rendition)
{
    return rendition < RENDITION_COUNT ? table[rendition].word : NULL;
}

bool rendition_from(struct text word, enum rendition *ret)
{
    for (unsigned i = 0; i < RENDITION_COUNT; i++) {
        if (!text_equal(word, text_of(table[i].word)))
            continue;
        *ret = (enum rendition)i;
        return true;
    }
    return false;
}

enum cmaf_codec rendition_codec(enum rendition rendition) { return table[rendition].codec; }
uint32_t rendition_kbps(enum rendition rendition) { return table[rendition].kbps; }
uint32_t rendition_cost_per_byte(enum rendition rendition) { return table[rendition].cost; }

const char *rendition_codec_string(enum rendition rendition)
{
    static const char *const strings[] = {
        [CMAF_AAC] = "mp4a.40.2", [CMAF_OPUS] = "opus", [CMAF_FLAC] = "flac"};
    return strings[table[rendition].codec];
}

bool rendition_is_offered(enum rendition rendition, const struct rendition_source *source)
{
    if (table[rendition].codec != CMAF_FLAC)
        return true;
    return source->depth > 0 && source->depth <= 24 && source->channels <= 8 &&
           source->rate <= 192000;
}

/* The rates of AAC (ISO 14496-3, table 1.18): as it is, the half of what is too high, else the
 * nearest above. */
static uint32_t aac_rate(uint32_t rate)
{
    static const uint32_t rates[] = {7350,  8000,  11025, 12000, 16000, 22050, 24000,
                                     32000, 44100, 48000, 64000, 88200, 96000};
    while (rate > MAX_AAC_RATE)
        rate /= 2;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (rates[i] >= rate)
            return rates[i];
    return MAX_AAC_RATE;
}

uint32_t rendition_rate(enum rendition rendition, uint32_t source_rate)
{
    switch (table[rendition].codec) {
    case CMAF_AAC:
        return aac_rate(source_rate);
    case CMAF_OPUS:
        return OPUS_RATE;
    case CMAF_FLAC:
        break;
    }
    return source_rate;
}

uint32_t rendition_channels(enum rendition rendition, uint32_t source_channels)
{
    uint32_t most = table[rendition].codec == CMAF_FLAC ? 8 : 2;
    return source_channels > most ? most : source_channels ? source_channels : 1;
}

struct rendition_cut rendition_cut(enum cmaf_codec codec, uint32_t rate)
{
    uint32_t times = rate <= 48000 ? 1 : rate <= 96000 ? 2 : 4;
    switch (codec) {
    case CMAF_AAC:
        return (struct rendition_cut){AAC_PACKET,
                                      AAC_DELAY + AAC_EXTENSION,
                                      AAC_PACKET,
                                      AAC_EXTENSION,
                                      172 * times + (AAC_DELAY + AAC_EXTENSION) / AAC_PACKET,
                                      172 * times};
    case CMAF_OPUS:
        return (struct rendition_cut){
            OPUS_PACKET,    OPUS_DELAY + OPUS_EXTENSION,        OPUS_PREROLL,
            OPUS_EXTENSION, 200 + OPUS_EXTENSION / OPUS_PACKET, 200};
    case CMAF_FLAC:
        break;
    }
    return (struct rendition_cut){4096, 0, 0, 0, 43 * times, 43 * times};
}

uint64_t rendition_segments(const struct rendition_cut *cut, uint64_t samples)
{
    uint64_t first = (uint64_t)cut->packet * cut->first_packets,
             each = (uint64_t)cut->packet * cut->packets;
    assert(each > 0);
    if (!samples)
        return 0;
    uint64_t all = samples + cut->priming;
    return all <= first ? 1 : 1 + (all - first + each - 1) / each;
}
