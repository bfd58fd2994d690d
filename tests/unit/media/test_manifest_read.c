// SPDX-License-Identifier: GPL-3.0-or-later
/* What manifest.c writes is read again, and what does not fit together is refused in words. */
#include "media/manifest.h"
#include "media/manifest_read.h"
#include "tap.h"

#include <openssl/sha.h>
#include <string.h>

enum { RATE = 44100, FIRST = 179200, WHOLE = 176128, LAST = 1000 };

static struct package_object object_of(const char *bytes)
{
    struct package_object object = {.bytes = (uint32_t)strlen(bytes)};
    SHA256((const uint8_t *)bytes, object.bytes, object.sha256);
    return object;
}

static void write_example(struct buffer *out)
{
    struct manifest manifest = {.track = TEXT("tr-4f0hYbLkQ1u6m1pH8t2k3A"),
                                .source = {RATE, 2, 16, 8085},
                                .loudness = {-8210, MANIFEST_NO_GAIN, 988553, 0, false}};
    struct package_view *view = &manifest.views[RENDITION_AAC_128];
    manifest.is_offered[RENDITION_AAC_128] = manifest.is_offered[RENDITION_OPUS_128] = true;
    *view = (struct package_view){.state = PACKAGE_COMPLETE,
                                  .generation = 0x9f2c11d07ae35b60,
                                  .has_index = true,
                                  .index = {.rate = RATE,
                                            .channels = 2,
                                            .packet = 1024,
                                            .priming = 3072,
                                            .length = FIRST + WHOLE + LAST - 3072 - 7,
                                            .trim_end = 7,
                                            .source_samples = FIRST + WHOLE + LAST - 3072 - 7,
                                            .init = object_of("init")}};
    const struct package_segment segments[] = {
        {0, FIRST, object_of("zero"), {0}},
        {FIRST, WHOLE, object_of("one"), object_of("lead")},
        {FIRST + WHOLE, LAST, object_of("two"), object_of("lead")}};
    for (size_t i = 0; i < ARRAY_SIZE(segments); i++)
        package_index_add(&view->index, &segments[i]);
    manifest_write(&manifest, out);
    package_view_release(view);
}

static void test_reads(struct text example)
{
    char why[MANIFEST_WHY_BYTES];
    struct manifest_body body;
    OK(manifest_read(example, &body, why), "what is written is read");
    OK_TEXT(text_of(body.track), TEXT("tr-4f0hYbLkQ1u6m1pH8t2k3A"), "its track");
    const struct manifest_rendition *aac = &body.renditions[RENDITION_AAC_128];
    OK(body.is_provisional && body.is_exact && body.source_rate == RATE, "its source");
    OK(aac->state == MANIFEST_COMPLETE && aac->generation == 0x9f2c11d07ae35b60 &&
           aac->count == 3 && aac->trim_start == 3072 && aac->trim_end == 7 &&
           aac->first_duration == FIRST && aac->segment_duration == WHOLE,
       "a rendition and its cut");
    OK(body.renditions[RENDITION_OPUS_128].is_there &&
           body.renditions[RENDITION_OPUS_128].state == MANIFEST_PLANNED &&
           !body.renditions[RENDITION_FLAC].is_there,
       "one that is planned, and one that is not offered");
    const struct package_object *one =
        manifest_find(&body, RENDITION_AAC_128, SEGMENTER_SEGMENT, 1);
    OK(one && package_object_is(one, TEXT("one")), "a segment's bytes are known again");
    OK(one && !package_object_is(one, TEXT("onf")) && !package_object_is(one, TEXT("one ")),
       "and others are not");
    OK(manifest_find(&body, RENDITION_AAC_128, SEGMENTER_LEAD, 1) &&
           !manifest_find(&body, RENDITION_AAC_128, SEGMENTER_LEAD, 0) &&
           !manifest_find(&body, RENDITION_AAC_128, SEGMENTER_SEGMENT, 3) &&
           !manifest_find(&body, RENDITION_OPUS_128, SEGMENTER_INIT, 0),
       "what is not listed is not there");
    manifest_body_release(&body);
}

/* The example with the first `from` made `to`: read, or why not. */
static const char *changed(struct text example, const char *from, const char *to)
{
    static char why[MANIFEST_WHY_BYTES];
    struct manifest_body body = {0};
    struct buffer out;
    const char *at = memmem(example.data, example.size, from, strlen(from));
    buffer_init(&out, example.size + 200);
    if (!at)
        return "no such text in the example";
    buffer_text(&out, text_make(example.data, (size_t)(at - example.data)));
    buffer_text(&out, text_of(to));
    buffer_text(&out, text_from(example, (size_t)(at - example.data) + strlen(from)));
    if (manifest_read(buffer_view(&out), &body, why))
        snprintf(why, sizeof why, "read");
    manifest_body_release(&body);
    buffer_release(&out);
    return why;
}

static void test_refusals(struct text example)
{
    static const struct {
        const char *from, *to, *expected;
    } rows[] = {
        {"manifest 1.0", "manifest 1.7", "read"},
        {"\"preroll\"", "\"preroll \":1,\"preroll\"", "read"},
        {"opus-128", "opus-999", "read"},
        {"manifest 1.0", "manifest 2.0", "manifest: format must be manifest 1"},
        {"opus-128", "aac-128", "aac-128: listed twice"},
        {"\"complete\"", "\"finished\"", "aac-128: state must be planned, encoding or complete"},
        {"\"complete\"", "\"encoding\"", "read"}, /* all is there but not yet on the disk */
        {"\"complete\"", "\"planned\"", "read"},
        {"9f2c11d07ae35b60", "9f2c11d07ae35b6",
         "aac-128: generation must be 16 hexadecimal digits"},
        {"9f2c11d07ae35b60", "9F2c11d07ae35b60",
         "aac-128: generation must be 16 hexadecimal digits"},
        {"\"at\":179200", "\"at\":179201", "aac-128: a gap before segment 1"},
        {"\"duration\":176128", "\"duration\":176129", "aac-128: segment 1 has a wrong duration"},
        {"\"end\":7", "\"end\":8", "aac-128: the trims do not add up"},
        {"\"end\":7", "\"end\":-7",
         "aac-128: end must be a whole number of at most 9007199254740992"},
        {"\"bytes\":3", "\"bytes\":0", "aac-128: an object without size or digest"},
        {"\"isExact\":true", "\"isExact\":1", "manifest: isExact must be true or false"},
        {"\"renditions\":[", "\"renditions\":[1,", "manifest: name must be a text"},
        {"{\"format\"", "[{\"format\"", "manifest: not a JSON object"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK_TEXT(text_of(changed(example, rows[i].from, rows[i].to)), text_of(rows[i].expected),
                rows[i].to);
    char why[MANIFEST_WHY_BYTES];
    struct manifest_body body;
    OK(!manifest_read(TEXT(""), &body, why), "nothing is no manifest");
    OK(!manifest_read(text_make(example.data, example.size - 1), &body, why),
       "a part is no manifest");
}

int main(void)
{
    struct buffer example;
    buffer_init(&example, 64 * 1024);
    write_example(&example);
    test_reads(buffer_view(&example));
    test_refusals(buffer_view(&example));
    buffer_release(&example);
    return tap_done();
}
