// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/package.h"

#include "base/encode.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/reader.h"
#include "io/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAGIC "SOSTPKG1"
enum { FOOTER_BYTES = 16, MAX_INDEX_BYTES = 8 << 20 };

void package_index_release(struct package_index *index)
{
    mem_free(index->segments);
    *index = (struct package_index){0};
}

void package_index_copy(const struct package_index *from, struct package_index *ret)
{
    *ret = *from;
    ret->capacity = from->count;
    ret->segments = mem_alloc(((size_t)from->count + 1) * sizeof *ret->segments);
    bytes_copy(ret->segments, from->segments, from->count * sizeof *ret->segments);
}

void package_index_add(struct package_index *index, const struct package_segment *segment)
{
    if (index->count == index->capacity) {
        index->capacity = index->capacity ? index->capacity * 2 : 64;
        index->segments = mem_realloc(index->segments, index->capacity * sizeof *index->segments);
    }
    index->segments[index->count++] = *segment;
}

const struct package_object *package_index_find(const struct package_index *index,
                                                enum segmenter_kind kind, uint32_t number)
{
    const struct package_object *object = NULL;
    if (kind == SEGMENTER_INIT)
        object = &index->init;
    else if (number < index->count)
        object = kind == SEGMENTER_LEAD ? &index->segments[number].lead
                                        : &index->segments[number].segment;
    return object && object->bytes ? object : NULL;
}

/* --- the index on disk --- */

static void write_object(const struct package_object *object, struct buffer *out)
{
    buffer_u64(out, object->offset);
    buffer_u32(out, object->bytes);
    buffer_append(out, object->sha256, sizeof object->sha256);
}

void package_index_write(const struct package_index *index, struct buffer *out)
{
    size_t start = out->size;
    buffer_byte(out, (uint8_t)index->codec);
    buffer_u32(out, index->rate);
    buffer_byte(out, (uint8_t)index->channels);
    buffer_u32(out, index->packet);
    buffer_u32(out, index->priming);
    buffer_u64(out, index->length);
    buffer_u64(out, index->trim_end);
    buffer_u32(out, index->source_rate);
    buffer_byte(out, (uint8_t)index->source_channels);
    buffer_byte(out, (uint8_t)index->source_depth);
    buffer_u64(out, index->source_samples);
    buffer_u32(out, (uint32_t)index->loudness_mlufs);
    buffer_u32(out, index->peak_ppm);
    write_object(&index->init, out);
    buffer_u32(out, index->count);
    for (uint32_t i = 0; i < index->count; i++) {
        buffer_u64(out, index->segments[i].at);
        buffer_u32(out, index->segments[i].samples);
        write_object(&index->segments[i].segment, out);
        write_object(&index->segments[i].lead, out);
    }
    size_t size = out->size - start;
    uint32_t sum = out->overflowed ? 0 : crc32c(0, out->data + start, size);
    buffer_u32(out, (uint32_t)size);
    buffer_u32(out, sum);
    buffer_text(out, TEXT(MAGIC));
}

/* Every object lies before the index. */
static bool read_object(struct reader *reader, uint64_t limit, struct package_object *ret)
{
    ret->offset = reader_u64(reader);
    ret->bytes = reader_u32(reader);
    struct text digest = reader_bytes(reader, sizeof ret->sha256);
    if (reader->failed)
        return false;
    memcpy(ret->sha256, digest.data, sizeof ret->sha256);
    return ret->offset <= limit && ret->bytes <= limit - ret->offset;
}

static bool read_segments(struct reader *reader, uint64_t limit, struct package_index *index)
{
    uint32_t count = reader_u32(reader);
    if (reader->failed || count > SEGMENTER_MAX_SEGMENTS)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct package_segment segment = {.at = reader_u64(reader), .samples = reader_u32(reader)};
        if (!read_object(reader, limit, &segment.segment) ||
            !read_object(reader, limit, &segment.lead))
            return false;
        package_index_add(index, &segment);
    }
    return !reader->failed && !reader->left;
}

static bool read_index(struct text bytes, uint64_t limit, struct package_index *index)
{
    struct reader reader = reader_of(bytes);
    index->codec = (enum cmaf_codec)reader_u8(&reader);
    index->rate = reader_u32(&reader);
    index->channels = reader_u8(&reader);
    index->packet = reader_u32(&reader);
    index->priming = reader_u32(&reader);
    index->length = reader_u64(&reader);
    index->trim_end = reader_u64(&reader);
    index->source_rate = reader_u32(&reader);
    index->source_channels = reader_u8(&reader);
    index->source_depth = reader_u8(&reader);
    index->source_samples = reader_u64(&reader);
    index->loudness_mlufs = (int32_t)reader_u32(&reader);
    index->peak_ppm = reader_u32(&reader);
    return read_object(&reader, limit, &index->init) && index->codec <= CMAF_FLAC && index->rate &&
           index->source_rate && read_segments(&reader, limit, index);
}

/* The index' bytes, checked against the footer, appended to `out`. */
static int read_checked(int fd, uint64_t size, struct buffer *out)
{
    char footer[FOOTER_BYTES];
    int error = size < FOOTER_BYTES ? -EBADMSG
                                    : file_read_at(fd, footer, sizeof footer, size - sizeof footer);
    if (error)
        return error;
    struct reader reader = reader_of(text_make(footer, sizeof footer));
    uint32_t bytes = reader_u32(&reader), sum = reader_u32(&reader);
    if (memcmp(footer + 8, MAGIC, 8) != 0 || bytes > MAX_INDEX_BYTES || bytes > size - FOOTER_BYTES)
        return -EBADMSG;
    char *into = buffer_reserve(out, bytes);
    if (!into)
        return -EBADMSG;
    error = file_read_at(fd, into, bytes, size - FOOTER_BYTES - bytes);
    out->size += error ? 0 : bytes;
    return error ? error : crc32c(0, out->data, out->size) == sum ? 0 : -EBADMSG;
}

int package_index_read(int fd, struct package_index *ret)
{
    struct stat status;
    struct package_index index = {0};
    struct buffer bytes;
    if (fstat(fd, &status) < 0)
        return -errno;
    buffer_init(&bytes, MAX_INDEX_BYTES);
    int error = read_checked(fd, (uint64_t)status.st_size, &bytes);
    if (!error) {
        uint64_t limit = (uint64_t)status.st_size - FOOTER_BYTES - bytes.size;
        error = read_index(buffer_view(&bytes), limit, &index) ? 0 : -EBADMSG;
    }
    buffer_release(&bytes);
    if (error)
        package_index_release(&index);
    else
        *ret = index;
    return error;
}

/* --- names: {track}.{rendition}.{generation}.cmaf, numbers in hexadecimal --- */

void package_file_name(const struct package_name *name, char ret_file[PACKAGE_NAME_BYTES])
{
    char track[33];
    for (size_t i = 0; i < sizeof name->track; i++)
        snprintf(track + 2 * i, 3, "%02x", name->track[i]);
    snprintf(ret_file, PACKAGE_NAME_BYTES, "%s.%s.%016" PRIx64 ".cmaf", track,
             rendition_word(name->rendition), name->generation);
}

static bool hex_byte(const char *digits, uint8_t *ret)
{
    char two[3] = {digits[0], digits[1], 0}, *end;
    *ret = (uint8_t)strtoul(two, &end, 16);
    return *end == 0 && two[0] != '-' && two[0] != '+' && two[0] != ' ';
}

bool package_name_of_file(struct text file, struct package_name *ret)
{
    struct package_name name = {0};
    struct text rest = file, track, word, generation;
    uint8_t byte;
    if (!text_split(&rest, '.', &track) || !text_split(&rest, '.', &word) ||
        !text_split(&rest, '.', &generation) || !text_equal(rest, TEXT("cmaf")))
        return false;
    if (track.size != 32 || generation.size != 16 || !rendition_from(word, &name.rendition))
        return false;
    for (size_t i = 0; i < sizeof name.track; i++)
        if (!hex_byte(track.data + 2 * i, &name.track[i]))
            return false;
    for (size_t i = 0; i < 8; i++) {
        if (!hex_byte(generation.data + 2 * i, &byte))
            return false;
        name.generation = name.generation << 8 | byte;
    }
    *ret = name;
    return true;
}
