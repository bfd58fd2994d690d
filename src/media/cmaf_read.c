// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/cmaf_read.h"

/* --- big-endian integers and boxes off a borrowed run; the first read past the end fails all ---
 */

struct run {
    const uint8_t *at;
    size_t left;
    bool has_failed;
};

static struct run run_of(struct text bytes)
{
    return (struct run){(const uint8_t *)bytes.data, bytes.size, false};
}

static struct text take(struct run *run, size_t size)
{
    if (run->has_failed || size > run->left) {
        run->has_failed = true;
        return TEXT_NONE;
    }
    struct text taken = {(const char *)run->at, size};
    run->at += size;
    run->left -= size;
    return taken;
}

static uint64_t number(struct run *run, size_t size)
{
    struct text bytes = take(run, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | (uint8_t)bytes.data[i];
    return value;
}

static uint32_t number32(struct run *run) { return (uint32_t)number(run, 4); }

struct box {
    struct text type, body;
};

/* False at the end, or when the box does not fit (then has_failed). */
static bool next_box(struct run *run, struct box *ret)
{
    if (run->has_failed || !run->left)
        return false;
    uint64_t size = number32(run);
    size_t header = 8;
    ret->type = take(run, 4);
    if (size == 1) {
        size = number(run, 8);
        header = 16;
    }
    if (run->has_failed || size < header || size - header > run->left) {
        run->has_failed = true;
        return false;
    }
    ret->body = take(run, (size_t)(size - header));
    return true;
}

static bool is_type(const struct box *box, const char *type)
{
    return text_equal(box->type, text_of(type));
}

/* The first child of that type; data NULL when there is none. */
static struct text child(struct text parent, const char *type)
{
    struct run run = run_of(parent);
    struct box box;
    while (next_box(&run, &box))
        if (is_type(&box, type))
            return box.body;
    return TEXT_NONE;
}

static struct text descend(struct text from, const char *const *path, size_t depth)
{
    for (size_t i = 0; i < depth && from.data; i++)
        from = child(from, path[i]);
    return from;
}

static bool fail(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

/* --- init --- */

/* A descriptor's length: up to four bytes of seven bits (14496-1 8.3.3). */
static struct text next_descriptor(struct run *run, uint8_t *ret_tag)
{
    uint32_t size = 0;
    *ret_tag = (uint8_t)number(run, 1);
    for (unsigned i = 0; i < 4; i++) {
        uint8_t byte = (uint8_t)number(run, 1);
        size = size << 7 | (byte & 0x7f);
        if (!(byte & 0x80))
            break;
    }
    return take(run, size);
}

static struct text aac_config(struct text esds)
{
    struct run outer = run_of(esds);
    uint8_t tag;
    (void)take(&outer, 4);
    struct run stream = run_of(next_descriptor(&outer, &tag));
    (void)take(&stream, 3);
    struct run decoder = run_of(next_descriptor(&stream, &tag));
    bool is_aac = tag == 4 && number(&decoder, 1) == 0x40;
    (void)take(&decoder, 12);
    struct text config = next_descriptor(&decoder, &tag);
    return is_aac && tag == 5 && !decoder.has_failed ? config : TEXT_NONE;
}

static struct text flac_config(struct text dfla)
{
    struct run run = run_of(dfla);
    (void)take(&run, 4);
    uint32_t header = number32(&run);
    struct text config = take(&run, header & 0xffffff);
    return (header >> 24 & 0x7f) == 0 && config.size == 34 ? config : TEXT_NONE;
}

static bool read_entry(struct text stsd, struct cmaf_init *ret, const char **ret_why)
{
    struct run run = run_of(stsd);
    struct box entry;
    (void)take(&run, 8);
    if (!next_box(&run, &entry))
        return fail(ret_why, "no sample entry");
    struct run fields = run_of(entry.body);
    (void)take(&fields, 16);
    ret->channels = (uint32_t)number(&fields, 2);
    (void)take(&fields, 10);
    if (fields.has_failed)
        return fail(ret_why, "a sample entry is cut");
    struct text boxes = {(const char *)fields.at, fields.left};
    if (is_type(&entry, "mp4a")) {
        ret->codec = CMAF_AAC;
        ret->config = aac_config(child(boxes, "esds"));
    } else if (is_type(&entry, "Opus")) {
        ret->codec = CMAF_OPUS;
        ret->config = child(boxes, "dOps");
    } else if (is_type(&entry, "fLaC")) {
        ret->codec = CMAF_FLAC;
        ret->config = flac_config(child(boxes, "dfLa"));
    } else {
        return fail(ret_why, "an unknown sample entry");
    }
    return ret->config.size >= 2 || fail(ret_why, "no configuration of the codec");
}

bool cmaf_read_init(struct text bytes, struct cmaf_init *ret, const char **ret_why)
{
    static const char *const mdia_path[] = {"moov", "trak", "mdia"},
                             *const stsd_path[] = {"minf", "stbl", "stsd"},
                             *const elst_path[] = {"moov", "trak", "edts", "elst"},
                             *const trex_path[] = {"moov", "mvex", "trex"};
    struct cmaf_init init = {0};
    struct text mdia = descend(bytes, mdia_path, ARRAY_SIZE(mdia_path));
    struct run mdhd = run_of(child(mdia, "mdhd")),
               elst = run_of(descend(bytes, elst_path, ARRAY_SIZE(elst_path))),
               trex = run_of(descend(bytes, trex_path, ARRAY_SIZE(trex_path)));
    (void)take(&mdhd, 12);
    init.rate = number32(&mdhd);
    (void)take(&trex, 12);
    init.packet = number32(&trex);
    if (mdhd.has_failed || trex.has_failed || !init.rate || !init.packet)
        return fail(ret_why, "no track in fragments");
    if (elst.left) {
        (void)take(&elst, 12);
        init.priming = number32(&elst);
        if (elst.has_failed)
            return fail(ret_why, "an edit list is cut");
    }
    if (!read_entry(descend(mdia, stsd_path, ARRAY_SIZE(stsd_path)), &init, ret_why))
        return false;
    *ret = init;
    return true;
}

/* --- fragments --- */

enum {
    TFHD_BASE_OFFSET = 0x1,
    TFHD_DESCRIPTION = 0x2,
    TFHD_DURATION = 0x8,
    TRUN_DATA_OFFSET = 0x1,
    TRUN_FIRST_FLAGS = 0x4,
    TRUN_DURATIONS = 0x100,
    TRUN_SIZES = 0x200,
    TRUN_OTHERS = 0xc00, /* flags and composition offsets for each: not ours */
};

static bool read_header(struct text traf, struct cmaf_fragment *fragment)
{
    struct run tfhd = run_of(child(traf, "tfhd")), tfdt = run_of(child(traf, "tfdt"));
    uint32_t flags = number32(&tfhd) & 0xffffff;
    (void)number32(&tfhd);
    if (flags & (TFHD_BASE_OFFSET | TFHD_DESCRIPTION))
        return false;
    if (flags & TFHD_DURATION)
        fragment->packet = number32(&tfhd);
    bool is_long = number32(&tfdt) >> 24 == 1;
    fragment->at = number(&tfdt, is_long ? 8 : 4);
    return !tfhd.has_failed && !tfdt.has_failed;
}

static bool read_run(struct text traf, struct cmaf_fragment *fragment, uint32_t *ret_offset)
{
    struct run trun = run_of(child(traf, "trun"));
    uint32_t flags = number32(&trun) & 0xffffff;
    fragment->count = number32(&trun);
    if (!(flags & TRUN_SIZES) || !(flags & TRUN_DATA_OFFSET) || flags & TRUN_OTHERS)
        return false;
    *ret_offset = number32(&trun);
    if (flags & TRUN_FIRST_FLAGS)
        (void)number32(&trun);
    fragment->has_durations = flags & TRUN_DURATIONS;
    if (!fragment->count || fragment->count > CMAF_MAX_PACKETS)
        return false;
    fragment->rows = take(&trun, (size_t)fragment->count * (fragment->has_durations ? 8 : 4));
    return !trun.has_failed;
}

/* Walks all packets once, so that what is handed out later is known to fit. */
static bool check_packets(struct cmaf_fragment *fragment)
{
    struct cmaf_fragment walk = *fragment;
    struct text data;
    uint32_t samples;
    uint64_t all = 0;
    for (uint32_t i = 0; i < fragment->count; i++) {
        if (!cmaf_next_packet(&walk, &data, &samples) || !samples)
            return false;
        all += samples;
    }
    fragment->samples = all;
    return walk.data_at == fragment->data.size && fragment->at <= UINT64_MAX - all;
}

bool cmaf_read_fragment(struct text bytes, uint32_t packet, struct cmaf_fragment *ret,
                        const char **ret_why)
{
    struct cmaf_fragment fragment = {.packet = packet};
    struct run run = run_of(bytes);
    struct box box;
    uint32_t offset = 0;
    struct text moof = TEXT_NONE;
    while (next_box(&run, &box)) {
        if (is_type(&box, "moof") && !moof.data)
            moof = box.body;
        if (is_type(&box, "mdat") && !fragment.data.data)
            fragment.data = box.body;
    }
    struct text traf = child(moof, "traf");
    struct run mfhd = run_of(child(moof, "mfhd"));
    (void)take(&mfhd, 4);
    fragment.sequence = number32(&mfhd);
    if (run.has_failed || mfhd.has_failed || !fragment.data.data)
        return fail(ret_why, "not a movie fragment");
    if (!read_header(traf, &fragment) || !read_run(traf, &fragment, &offset))
        return fail(ret_why, "not a track fragment of our kind");
    if (fragment.data.data < moof.data ||
        (size_t)(fragment.data.data - moof.data) + 8 != (size_t)offset)
        return fail(ret_why, "the data is not where the run says");
    if (!check_packets(&fragment))
        return fail(ret_why, "packets and data do not agree");
    *ret = fragment;
    return true;
}

bool cmaf_next_packet(struct cmaf_fragment *fragment, struct text *ret_data, uint32_t *ret_samples)
{
    if (fragment->next >= fragment->count)
        return false;
    size_t width = fragment->has_durations ? 8 : 4;
    struct run row = run_of(text_make(fragment->rows.data + (size_t)fragment->next * width, width));
    uint32_t samples = fragment->has_durations ? number32(&row) : fragment->packet;
    uint32_t size = number32(&row);
    if (size > fragment->data.size - fragment->data_at)
        return false;
    *ret_data = text_make(fragment->data.data + fragment->data_at, size);
    *ret_samples = samples;
    fragment->data_at += size;
    fragment->next++;
    return true;
}
