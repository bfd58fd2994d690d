// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/segmenter.h"

#include "base/mem.h"

struct segmenter {
    segmenter_on_object *on_object;
    void *context;
    enum segmenter_state state;
    bool has_head, was_short, is_ending;
    struct packets_head head;
    struct packets_end end;
    char config[CMAF_MAX_CONFIG], blocks[GATING_MAX_BYTES];
    struct rendition_cut cut;
    struct buffer input, data, out; /* input: a record that is not whole yet */
    struct cmaf_packet packets[CMAF_MAX_PACKETS];
    size_t count;
    uint32_t number; /* of the segment that is being gathered */
    uint64_t at;     /* decode time of its first sample */
    uint64_t samples;
    struct cmaf_packet lead[SEGMENTER_MAX_LEAD]; /* the last packets of the segment before */
    size_t lead_count;
    struct buffer lead_data;
};

struct segmenter *segmenter_new(segmenter_on_object *on_object, void *context)
{
    struct segmenter *segmenter = MEM_NEW(struct segmenter);
    segmenter->on_object = on_object;
    segmenter->context = context;
    buffer_init(&segmenter->input, PACKETS_MAX_RECORD + PACKETS_HEADER_BYTES + (1 << 20));
    buffer_init(&segmenter->data, CMAF_SEGMENT_CEILING);
    buffer_init(&segmenter->out, CMAF_SEGMENT_CEILING);
    buffer_init(&segmenter->lead_data, SEGMENTER_MAX_LEAD * CMAF_MAX_PACKET_BYTES);
    return segmenter;
}

void segmenter_free(struct segmenter **segmenter)
{
    if (!*segmenter)
        return;
    buffer_release(&(*segmenter)->input);
    buffer_release(&(*segmenter)->data);
    buffer_release(&(*segmenter)->out);
    buffer_release(&(*segmenter)->lead_data);
    mem_free_p(segmenter);
}

const struct packets_head *segmenter_head(const struct segmenter *segmenter)
{
    return &segmenter->head;
}

const struct packets_end *segmenter_end(const struct segmenter *segmenter)
{
    return &segmenter->end;
}

uint64_t segmenter_trim_end(const struct segmenter *segmenter)
{
    return segmenter->at + segmenter->samples - segmenter->head.track.priming -
           segmenter->end.samples;
}

/* --- objects --- */

static bool emit(struct segmenter *segmenter, const struct segmenter_object *object)
{
    if (segmenter->out.overflowed) {
        segmenter->state = SEGMENTER_BAD;
        return false;
    }
    if (segmenter->on_object(segmenter->context, object))
        return true;
    segmenter->state = SEGMENTER_STOPPED;
    return false;
}

static bool emit_packets(struct segmenter *segmenter, enum segmenter_kind kind,
                         const struct cmaf_segment *segment, uint64_t samples, struct text data)
{
    buffer_reset(&segmenter->out);
    cmaf_write_segment_head(segment, &segmenter->out);
    buffer_text(&segmenter->out, data);
    return emit(segmenter, &(struct segmenter_object){.kind = kind,
                                                      .number = segmenter->number,
                                                      .at = segment->at,
                                                      .samples = samples,
                                                      .is_last = segmenter->is_ending,
                                                      .bytes = buffer_view(&segmenter->out)});
}

static bool emit_lead(struct segmenter *segmenter)
{
    uint64_t samples = 0;
    for (size_t i = 0; i < segmenter->lead_count; i++)
        samples += segmenter->lead[i].samples;
    const struct cmaf_segment segment = {.at = segmenter->at - samples,
                                         .packets = segmenter->lead,
                                         .count = segmenter->lead_count,
                                         .packet_samples = segmenter->cut.packet};
    return !segmenter->lead_count || emit_packets(segmenter, SEGMENTER_LEAD, &segment, samples,
                                                  buffer_view(&segmenter->lead_data));
}

/* Keeps the last packets for a decoder that begins with the next segment. */
static void keep_lead(struct segmenter *segmenter)
{
    size_t wanted = segmenter->cut.preroll / segmenter->cut.packet, bytes = 0;
    size_t count = wanted < segmenter->count ? wanted : segmenter->count;
    memcpy(segmenter->lead, segmenter->packets + segmenter->count - count,
           count * sizeof *segmenter->lead);
    for (size_t i = 0; i < count; i++)
        bytes += segmenter->lead[i].bytes;
    segmenter->lead_count = count;
    buffer_reset(&segmenter->lead_data);
    buffer_append(&segmenter->lead_data, segmenter->data.data + segmenter->data.size - bytes,
                  bytes);
}

static bool emit_segment(struct segmenter *segmenter)
{
    const struct cmaf_segment segment = {.sequence = segmenter->number + 1,
                                         .at = segmenter->at,
                                         .packets = segmenter->packets,
                                         .count = segmenter->count,
                                         .packet_samples = segmenter->cut.packet};
    if (!segmenter->count)
        return true;
    if (segmenter->number >= SEGMENTER_MAX_SEGMENTS || segmenter->data.overflowed) {
        segmenter->state = SEGMENTER_BAD;
        return false;
    }
    if (!emit_lead(segmenter) || !emit_packets(segmenter, SEGMENTER_SEGMENT, &segment,
                                               segmenter->samples, buffer_view(&segmenter->data)))
        return false;
    keep_lead(segmenter);
    segmenter->at += segmenter->samples;
    segmenter->samples = 0;
    segmenter->count = 0;
    segmenter->number++;
    buffer_reset(&segmenter->data);
    return true;
}

/* --- records --- */

static bool take_head(struct segmenter *segmenter, const struct packets_head *head)
{
    if (segmenter->has_head)
        return false;
    segmenter->has_head = true;
    segmenter->head = *head;
    bytes_copy(segmenter->config, head->track.config.data, head->track.config.size);
    segmenter->head.track.config.data = segmenter->config;
    segmenter->cut = rendition_cut(head->track.codec, head->track.rate);
    buffer_reset(&segmenter->out);
    return cmaf_write_init(&segmenter->head.track, &segmenter->out) &&
           emit(segmenter, &(struct segmenter_object){.kind = SEGMENTER_INIT,
                                                      .bytes = buffer_view(&segmenter->out)});
}

static bool take_packet(struct segmenter *segmenter, const struct packets_record *record)
{
    if (!segmenter->has_head || segmenter->was_short || record->samples > segmenter->cut.packet)
        return false;
    uint32_t full = segmenter->number ? segmenter->cut.packets : segmenter->cut.first_packets;
    if (segmenter->count == full && !emit_segment(segmenter))
        return false;
    segmenter->was_short = record->samples < segmenter->cut.packet;
    segmenter->packets[segmenter->count++] =
        (struct cmaf_packet){(uint32_t)record->data.size, record->samples};
    segmenter->samples += record->samples;
    buffer_text(&segmenter->data, record->data);
    return true;
}

static bool take_end(struct segmenter *segmenter, const struct packets_end *end)
{
    if (!segmenter->has_head || !segmenter->count || !end->samples ||
        segmenter->at + segmenter->samples < segmenter->head.track.priming + end->samples)
        return false;
    segmenter->end = *end;
    bytes_copy(segmenter->blocks, end->blocks.data, end->blocks.size);
    segmenter->end.blocks.data = segmenter->blocks;
    segmenter->is_ending = true;
    if (!emit_segment(segmenter))
        return false;
    segmenter->state = SEGMENTER_DONE;
    return true;
}

static bool take_record(struct segmenter *segmenter, const struct packets_record *record)
{
    switch (record->kind) {
    case PACKETS_HEAD:
        return take_head(segmenter, &record->head);
    case PACKETS_PACKET:
        return take_packet(segmenter, record);
    case PACKETS_END:
        break;
    }
    return take_end(segmenter, &record->end);
}

enum segmenter_state segmenter_put(struct segmenter *segmenter, struct text bytes)
{
    if (segmenter->state == SEGMENTER_DONE && bytes.size)
        segmenter->state = SEGMENTER_BAD;
    if (segmenter->state != SEGMENTER_MORE)
        return segmenter->state;
    buffer_text(&segmenter->input, bytes);
    struct text left = buffer_view(&segmenter->input);
    struct packets_record record;
    int got = 1;
    while (got > 0 && segmenter->state == SEGMENTER_MORE) {
        got = packets_read(&left, &record);
        if (got > 0 && !take_record(segmenter, &record))
            got = -1;
    }
    if (segmenter->state == SEGMENTER_MORE && (got < 0 || segmenter->input.overflowed))
        segmenter->state = SEGMENTER_BAD;
    if (segmenter->state == SEGMENTER_DONE && left.size)
        segmenter->state = SEGMENTER_BAD;
    buffer_consume(&segmenter->input, segmenter->input.size - left.size);
    return segmenter->state;
}
