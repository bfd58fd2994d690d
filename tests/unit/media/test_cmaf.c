// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/cmaf_read.h"
#include "media/segmenter.h"
#include "tap.h"

/* --- a stream of packets as a worker would write it --- */

static struct packets_head aac_head(void)
{
    return (struct packets_head){.track = {.codec = CMAF_AAC,
                                           .rate = 44100,
                                           .channels = 2,
                                           .kbps = 128,
                                           .packet = 1024,
                                           .priming = 1024,
                                           .config = TEXT("\x12\x10")},
                                 .source_rate = 44100,
                                 .source_channels = 2};
}

static void write_packets(struct buffer *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char data[40];
        memset(data, (int)(i & 0xff), sizeof data);
        packets_write_packet(1024, text_make(data, 1 + i % sizeof data), out);
    }
}

struct seen {
    struct segmenter_object objects[16];
    struct buffer bytes[16];
    size_t count, stop_at;
};

static bool see(void *context, const struct segmenter_object *object)
{
    struct seen *seen = context;
    if (seen->count == seen->stop_at)
        return false;
    struct buffer *bytes = &seen->bytes[seen->count];
    buffer_init(bytes, 1 << 20);
    buffer_text(bytes, object->bytes);
    seen->objects[seen->count] = *object;
    seen->objects[seen->count++].bytes = buffer_view(bytes);
    return true;
}

static void forget(struct seen *seen)
{
    for (size_t i = 0; i < seen->count; i++)
        buffer_release(&seen->bytes[i]);
    *seen = (struct seen){.stop_at = 16};
}

/* Feeds all of `stream` in pieces of `step` bytes. */
static enum segmenter_state cut(struct text stream, size_t step, struct seen *seen)
{
    struct segmenter *segmenter = segmenter_new(see, seen);
    enum segmenter_state state = SEGMENTER_MORE;
    while (stream.size && state == SEGMENTER_MORE) {
        size_t now = step < stream.size ? step : stream.size;
        state = segmenter_put(segmenter, text_make(stream.data, now));
        stream = text_from(stream, now);
    }
    segmenter_free(&segmenter);
    return state;
}

static void whole_stream(struct buffer *out, size_t packets, uint64_t samples)
{
    struct packets_head head = aac_head();
    packets_write_head(&head, out);
    write_packets(out, packets);
    packets_write_end(&(struct packets_end){.source_samples = samples, .samples = samples}, out);
}

/* --- claims --- */

static void test_init(void)
{
    struct buffer out;
    struct cmaf_init init;
    const char *why = "";
    struct packets_head head = aac_head();
    buffer_init(&out, CMAF_INIT_CEILING);
    OK(cmaf_write_init(&head.track, &out), "an init segment is written");
    OK(cmaf_read_init(buffer_view(&out), &init, &why) && init.codec == CMAF_AAC &&
           init.rate == 44100 && init.priming == 1024 && init.packet == 1024 && init.channels == 2,
       "and read back with its rate, packet and edit list");
    OK_TEXT(init.config, head.track.config, "with the codec's configuration");
    bool believed = false;
    for (size_t size = 0; size < out.size; size++)
        believed = believed || cmaf_read_init(text_make(out.data, size), &init, &why);
    OK(!believed, "no shortened one is believed");
    head.track.config = TEXT("");
    OK(!cmaf_write_init(&head.track, &out), "without a configuration there is none");
    buffer_release(&out);
}

static void test_segments(void)
{
    struct buffer stream;
    struct seen seen = {.stop_at = 16};
    struct cmaf_fragment fragment;
    const char *why = "";
    buffer_init(&stream, 1 << 20);
    whole_stream(&stream, 175 + 172 + 10, 180000 * 2);
    OK(cut(buffer_view(&stream), 1000, &seen) == SEGMENTER_DONE && seen.count == 6,
       "175, 172 and 10 packets are an init, three segments and two leads");
    OK(seen.objects[1].samples == 179200 && seen.objects[3].at == 179200 &&
           seen.objects[3].samples == 176128 && seen.objects[5].samples == 10240,
       "cut at the boundaries that FLAC has too");
    OK(cmaf_read_fragment(seen.objects[3].bytes, 1024, &fragment, &why) && fragment.count == 172 &&
           fragment.at == 179200 && fragment.sequence == 2,
       "a segment is read back");
    struct text data, last = TEXT_NONE;
    uint32_t samples;
    size_t count = 0;
    while (cmaf_next_packet(&fragment, &data, &samples)) {
        last = data;
        count += samples == 1024;
    }
    OK(count == 172, "with all its packets");
    OK(seen.objects[4].kind == SEGMENTER_LEAD && seen.objects[4].number == 2 &&
           cmaf_read_fragment(seen.objects[4].bytes, 1024, &fragment, &why) &&
           fragment.at == 179200 + 176128 - 1024 && cmaf_next_packet(&fragment, &data, &samples) &&
           text_equal(data, last),
       "the lead of a segment is the packet before it, in its own time");
    forget(&seen);
    OK(cut(buffer_view(&stream), 1, &seen) == SEGMENTER_DONE && seen.count == 6,
       "byte by byte gives the same");
    forget(&seen);
    buffer_release(&stream);
}

static void test_damage(void)
{
    struct buffer stream;
    struct cmaf_fragment fragment;
    const char *why;
    struct seen seen = {.stop_at = 16};
    buffer_init(&stream, 1 << 20);
    whole_stream(&stream, 5, 4096);
    (void)!cut(buffer_view(&stream), 4096, &seen);
    struct text segment = seen.objects[1].bytes;
    bool believed = false;
    for (size_t size = 0; size < segment.size; size++)
        believed =
            believed || cmaf_read_fragment(text_make(segment.data, size), 1024, &fragment, &why);
    OK(!believed, "no shortened segment is believed");
    forget(&seen);
    stream.data[0] = 'X';
    OK(cut(buffer_view(&stream), 4096, &seen) == SEGMENTER_BAD, "an unknown record is bad");
    forget(&seen);
    buffer_reset(&stream);
    whole_stream(&stream, 3, 4096);
    OK(cut(buffer_view(&stream), 4096, &seen) == SEGMENTER_BAD,
       "so is an end that claims more samples than came");
    forget(&seen);
    buffer_reset(&stream);
    write_packets(&stream, 1);
    OK(cut(buffer_view(&stream), 4096, &seen) == SEGMENTER_BAD, "and a packet before the head");
    forget(&seen);
    buffer_reset(&stream);
    whole_stream(&stream, 400, 4096);
    seen.stop_at = 1;
    OK(cut(buffer_view(&stream), 4096, &seen) == SEGMENTER_STOPPED,
       "a sink that takes no more (a full disk) stops it");
    forget(&seen);
    buffer_release(&stream);
}

static void test_cuts(void)
{
    const uint32_t rates[] = {8000, 44100, 48000, 88200, 96000};
    bool same = true;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        struct rendition_cut aac = rendition_cut(CMAF_AAC, rates[i]),
                             flac = rendition_cut(CMAF_FLAC, rates[i]);
        same = same && aac.packets * aac.packet == flac.packets * flac.packet &&
               aac.first_packets * aac.packet - aac.priming == flac.first_packets * flac.packet;
    }
    OK(same, "AAC and FLAC of one rate share every boundary");
    struct rendition_cut half = rendition_cut(CMAF_AAC, rendition_rate(RENDITION_AAC_64, 192000)),
                         whole = rendition_cut(CMAF_FLAC, 192000);
    OK(half.packets * half.packet * 2 == whole.packets * whole.packet,
       "also when AAC has the half of FLAC's rate");
    struct rendition_cut cut44 = rendition_cut(CMAF_AAC, 44100);
    OK(rendition_segments(&cut44, 0) == 0 && rendition_segments(&cut44, 1) == 1 &&
           rendition_segments(&cut44, 176128) == 1 && rendition_segments(&cut44, 176129) == 2,
       "segments are counted to the sample");
    struct rendition_source lossy = {44100, 2, 0, 0}, wide = {96000, 6, 24, 0};
    OK(!rendition_is_offered(RENDITION_FLAC, &lossy) && rendition_is_offered(RENDITION_FLAC, &wide),
       "FLAC is offered for lossless sources only");
}

int main(void)
{
    test_init();
    test_segments();
    test_damage();
    test_cuts();
    return tap_done();
}
