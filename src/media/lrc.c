// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/lrc.h"

#include "base/mem.h"

#include <stdlib.h>

enum { MAX_TIMES = 32 /* one line at so many times */, MAX_OFFSET_MS = 600000, LAST_MS = 86400000 };

struct parse {
    struct arena *arena;
    struct media_lyric_line *lines;
    size_t count, capacity;
    int64_t offset_ms;
    bool has_times, has_words, is_over;
};

/* --- bytes to UTF-8 --- */

static void append_character(struct buffer *out, uint32_t c)
{
    if (c < 0x80)
        buffer_byte(out, (uint8_t)c);
    else if (c < 0x800)
        buffer_printf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    else if (c < 0x10000)
        buffer_printf(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
                      (int)(0x80 | (c & 0x3f)));
    else
        buffer_printf(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
                      (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

static uint32_t utf16_unit(struct text t, size_t at, bool is_big)
{
    uint8_t first = (uint8_t)t.data[at], second = (uint8_t)t.data[at + 1];
    return is_big ? (uint32_t)first << 8 | second : (uint32_t)second << 8 | first;
}

static void from_utf16(struct text t, bool is_big, struct buffer *out)
{
    for (size_t at = 2; at + 2 <= t.size; at += 2) {
        uint32_t c = utf16_unit(t, at, is_big),
                 low = at + 4 <= t.size ? utf16_unit(t, at + 2, is_big) : 0;
        if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            at += 2;
        } else if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
        }
        append_character(out, c);
    }
}

/* The whole as UTF-8: as it is, or decoded into `scratch`. */
static struct text decoded(struct text source, struct buffer *scratch)
{
    if (text_starts(source, TEXT("\xef\xbb\xbf")))
        source = text_from(source, 3);
    bool is_big = text_starts(source, TEXT("\xfe\xff"));
    if (is_big || text_starts(source, TEXT("\xff\xfe"))) {
        from_utf16(source, is_big, scratch);
        return buffer_view(scratch);
    }
    if (text_is_utf8(source))
        return source;
    for (size_t i = 0; i < source.size; i++) /* Latin-1, near enough to Windows-1252 for letters */
        append_character(scratch, (uint8_t)source.data[i]);
    return buffer_view(scratch);
}

/* --- times --- */

static bool take_digits(struct text *t, size_t most, uint32_t *ret, size_t *ret_size)
{
    size_t size = 0;
    uint32_t value = 0;
    while (size < t->size && size < most && t->data[size] >= '0' && t->data[size] <= '9')
        value = value * 10 + (uint32_t)(t->data[size++] - '0');
    *t = text_from(*t, size);
    *ret = value;
    *ret_size = size;
    return size > 0;
}

static bool take_byte(struct text *t, char byte)
{
    if (!t->size || t->data[0] != byte)
        return false;
    *t = text_from(*t, 1);
    return true;
}

/* mm:ss, mm:ss.f, mm:ss.ff, mm:ss.fff, mm:ss:ff, hh:mm:ss.ff; the whole of `t` */
static bool time_parse(struct text t, int64_t *ret_ms)
{
    uint32_t parts[3] = {0}, fraction = 0;
    size_t count = 0, size, places = 0;
    do {
        if (count == 3 || !take_digits(&t, 4, &parts[count], &size))
            return false;
        count++;
    } while (take_byte(&t, ':'));
    if (take_byte(&t, '.') || take_byte(&t, ','))
        (void)take_digits(&t, 3, &fraction, &places);
    else if (count == 3) { /* mm:ss:ff */
        fraction = parts[2];
        places = size;
        count = 2;
    }
    if (count < 2 || t.size || places > 3)
        return false;
    for (; places < 3; places++)
        fraction *= 10;
    uint32_t seconds = parts[count - 1], minutes = parts[count - 2],
             hours = count == 3 ? parts[0] : 0;
    *ret_ms = ((int64_t)hours * 3600 + (int64_t)minutes * 60 + seconds) * 1000 + fraction;
    return seconds < 60 && *ret_ms <= LAST_MS;
}

/* Takes "[…]" off the front of a line. */
static bool take_bracket(struct text *line, char open, char close, struct text *ret_inside)
{
    size_t end = text_find_byte(*line, close);
    if (!line->size || line->data[0] != open || end == SIZE_MAX)
        return false;
    *ret_inside = text_make(line->data + 1, end - 1);
    *line = text_from(*line, end + 1);
    return true;
}

/* [offset:+250]; other tags say nothing that we keep */
static void take_tag(struct parse *parse, struct text tag)
{
    int64_t offset;
    if (!text_starts_nocase(tag, TEXT("offset:")))
        return;
    tag = text_trim(text_from(tag, 7));
    (void)take_byte(&tag, '+');
    if (text_to_i64(tag, &offset) && offset <= MAX_OFFSET_MS && offset >= -MAX_OFFSET_MS)
        parse->offset_ms = offset;
}

/* --- lines --- */

static void push(struct parse *parse, int64_t ms, struct text words)
{
    if (parse->count == LRC_MAX_LINES) {
        parse->is_over = true;
        return;
    }
    if (parse->count == parse->capacity) {
        parse->capacity = parse->capacity ? parse->capacity * 2 : 64;
        parse->lines = mem_realloc_array(parse->lines, parse->capacity, sizeof *parse->lines);
    }
    parse->lines[parse->count++] = (struct media_lyric_line){(int32_t)ms, words};
    parse->has_words |= words.size > 0;
}

/* Without control characters and without enhanced LRC's word times; in the arena. */
static struct text words_of(struct parse *parse, struct text line, bool is_timed)
{
    char *kept = arena_alloc(parse->arena, line.size + 1);
    size_t size = 0;
    if (!kept) {
        parse->is_over = true;
        return TEXT_NONE;
    }
    while (line.size) {
        struct text rest = line, inside;
        int64_t ms;
        if (is_timed && take_bracket(&rest, '<', '>', &inside) && time_parse(inside, &ms)) {
            line = rest;
            continue;
        }
        if ((uint8_t)line.data[0] >= 0x20 && line.data[0] != 0x7f)
            kept[size++] = line.data[0];
        line = text_from(line, 1);
    }
    return text_trim(text_make(kept, size));
}

static void take_line(struct parse *parse, struct text line)
{
    int64_t times[MAX_TIMES], ms;
    size_t count = 0;
    struct text rest = text_trim(line), inside;
    for (struct text ahead = rest; take_bracket(&ahead, '[', ']', &inside); rest = ahead) {
        if (time_parse(inside, &ms)) {
            if (count < MAX_TIMES)
                times[count++] = ms;
        } else if (count || text_find_byte(inside, ':') == SIZE_MAX) {
            break; /* "[Chorus]" belongs to the words */
        } else {
            take_tag(parse, inside);
        }
    }
    if (!count && rest.size == 0 && text_trim(line).size)
        return; /* a tag alone */
    struct text words = words_of(parse, rest, count > 0);
    for (size_t i = 0; i < count; i++)
        push(parse, times[i], words);
    if (!count)
        push(parse, -1, words); /* no time: words of an unsynced text, dropped from a synced one */
    parse->has_times |= count > 0;
}

static bool take_any_line(struct text *rest, struct text *ret_line)
{
    if (!rest->size)
        return false;
    size_t end = 0;
    while (end < rest->size && rest->data[end] != '\n' && rest->data[end] != '\r')
        end++;
    *ret_line = text_make(rest->data, end);
    bool is_pair = end + 1 < rest->size && rest->data[end] == '\r' && rest->data[end + 1] == '\n';
    *rest = text_from(*rest, end + 1 + is_pair);
    return true;
}

/* Stable for equal times: insertion, since files are nearly always in order. */
static void sort_lines(struct parse *parse)
{
    for (size_t i = 1; i < parse->count; i++) {
        struct media_lyric_line line = parse->lines[i];
        size_t at = i;
        for (; at > 0 && parse->lines[at - 1].start_ms > line.start_ms; at--)
            parse->lines[at] = parse->lines[at - 1];
        parse->lines[at] = line;
    }
}

static void settle_times(struct parse *parse)
{
    size_t kept = 0;
    for (size_t i = 0; i < parse->count; i++) {
        struct media_lyric_line line = parse->lines[i];
        if (parse->has_times && line.start_ms < 0)
            continue;
        int64_t ms = parse->has_times ? line.start_ms - parse->offset_ms : 0;
        line.start_ms = ms < 0 ? 0 : (int32_t)ms;
        parse->lines[kept++] = line;
    }
    parse->count = kept;
    sort_lines(parse);
    while (!parse->has_times && parse->count && !parse->lines[parse->count - 1].text.size)
        parse->count--; /* empty lines at the end */
}

bool lrc_parse(struct text source, struct arena *arena, struct media_lyrics *ret_lyrics)
{
    if (source.size > LRC_MAX_BYTES)
        return false;
    struct buffer scratch;
    buffer_init(&scratch, 3 * LRC_MAX_BYTES);
    struct parse parse = {.arena = arena};
    struct text rest = decoded(source, &scratch), line;
    while (!parse.is_over && take_any_line(&rest, &line))
        take_line(&parse, line);
    settle_times(&parse);
    struct media_lyric_line *lines = parse.has_words && !parse.is_over && parse.count
                                         ? arena_alloc(arena, parse.count * sizeof *lines)
                                         : NULL;
    if (lines) {
        memcpy(lines, parse.lines, parse.count * sizeof *lines);
        *ret_lyrics = (struct media_lyrics){
            .is_synced = parse.has_times, .lines = lines, .line_count = parse.count};
    }
    mem_free(parse.lines);
    buffer_release(&scratch);
    return lines != NULL;
}
