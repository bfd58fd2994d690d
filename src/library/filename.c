// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/filename.h"
#include "base/compiler.h"
#include <ctype.h>
#include <string.h>

static const struct text audio_suffixes[] = {
    TEXT_INIT("mp3"), TEXT_INIT("flac"), TEXT_INIT("ogg"),  TEXT_INIT("oga"),  TEXT_INIT("opus"),
    TEXT_INIT("m4a"), TEXT_INIT("m4b"),  TEXT_INIT("mp4"),  TEXT_INIT("aac"),  TEXT_INIT("alac"),
    TEXT_INIT("wav"), TEXT_INIT("wave"), TEXT_INIT("aif"),  TEXT_INIT("aiff"), TEXT_INIT("aifc"),
    TEXT_INIT("wv"),  TEXT_INIT("spx"),  TEXT_INIT("mpga"), TEXT_INIT("fla"),
};
static const struct text image_suffixes[] = {TEXT_INIT("jpg"), TEXT_INIT("jpeg"), TEXT_INIT("png"),
                                             TEXT_INIT("webp")};
static const size_t image_ranks[] = {0, 0, 1, 2};
static const struct text cover_stems[] = {TEXT_INIT("cover"), TEXT_INIT("folder"),
                                          TEXT_INIT("front"), TEXT_INIT("albumart"),
                                          TEXT_INIT("albumcover")};
static const struct text hidden_names[] = {TEXT_INIT("@eaDir"), TEXT_INIT("#recycle"),
                                           TEXT_INIT("lost+found"), TEXT_INIT("$RECYCLE.BIN"),
                                           TEXT_INIT("System Volume Information")};

static size_t dot_of(struct text name)
{
    for (size_t i = name.size; i-- > 1;)
        if (name.data[i] == '.')
            return i;
    return name.size;
}

struct text filename_stem(struct text name) { return text_make(name.data, dot_of(name)); }

struct text filename_suffix(struct text name)
{
    size_t dot = dot_of(name);
    return text_from(name, dot < name.size ? dot + 1 : name.size);
}

static size_t find(const struct text *words, size_t count, struct text word)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal_nocase(words[i], word))
            return i;
    return SIZE_MAX;
}

static size_t image_rank(struct text name)
{
    size_t at = find(image_suffixes, ARRAY_SIZE(image_suffixes), filename_suffix(name));
    return at == SIZE_MAX ? SIZE_MAX : image_ranks[at];
}

size_t filename_cover_rank(struct text name)
{
    size_t rank = image_rank(name);
    if (rank == SIZE_MAX)
        return SIZE_MAX;
    struct text stem = filename_stem(name);
    size_t at = find(cover_stems, ARRAY_SIZE(cover_stems), stem);
    if (at == SIZE_MAX && text_starts_nocase(stem, TEXT("albumart_")) &&
        text_ends_nocase(stem, TEXT("_large")))
        at = 3;
    return at == SIZE_MAX ? SIZE_MAX : at * 4 + rank;
}

enum filename_kind filename_kind(struct text name)
{
    if (name.size == 0 || name.data[0] == '.')
        return FILENAME_HIDDEN;
    if (find(hidden_names, ARRAY_SIZE(hidden_names), name) != SIZE_MAX)
        return FILENAME_HIDDEN;
    if (find(audio_suffixes, ARRAY_SIZE(audio_suffixes), filename_suffix(name)) != SIZE_MAX)
        return FILENAME_AUDIO;
    struct text suffix = filename_suffix(name);
    if (text_equal_nocase(suffix, TEXT("lrc")) || text_equal_nocase(suffix, TEXT("txt")))
        return FILENAME_LYRICS;
    if (filename_cover_rank(name) != SIZE_MAX)
        return FILENAME_COVER;
    if (image_rank(name) != SIZE_MAX && text_equal_nocase(filename_stem(name), TEXT("artist")))
        return FILENAME_ARTIST_IMAGE;
    return FILENAME_OTHER;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

static bool is_boundary(char byte)
{
    return strchr(" \t-_.,:;)]}", byte) != NULL; /* NUL, the end, too */
}

static char byte_at(struct text t, size_t at) { return at < t.size ? t.data[at] : '\0'; }

/* Size of "CD 1", "disc-02", "Disk3" at the start of `t`; 0 when something else stands there. */
static size_t disc_words(struct text t)
{
    static const struct text words[] = {TEXT_INIT("disc"), TEXT_INIT("disk"), TEXT_INIT("cd")};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!text_starts_nocase(t, words[i]))
            continue;
        size_t at = words[i].size;
        while (at < t.size && strchr(" _-.#", t.data[at]))
            at++;
        size_t digits = at;
        while (is_digit(byte_at(t, at)))
            at++;
        if (at > digits && at - digits <= 3 && is_boundary(byte_at(t, at)))
            return at;
    }
    return 0;
}

bool filename_disc_folder(struct text name, struct text *ret_rest)
{
    name = text_trim(name);
    if (disc_words(name)) {
        *ret_rest = TEXT_NONE;
        return true;
    }
    for (size_t i = 1; i < name.size; i++) {
        if (!strchr("([{", name.data[i]))
            continue;
        if (!disc_words(text_from(name, i + 1)))
            continue;
        *ret_rest = text_trim(text_make(name.data, i));
        return true;
    }
    return false;
}

static size_t put_utf8(char *out, unsigned byte)
{
    if (byte < 0x20 || byte == 0x7f) {
        memcpy(out, "\xef\xbf\xbd", 3);
        return 3;
    }
    if (byte < 0x80) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = (char)(0xc0 | byte >> 6);
    out[1] = (char)(0x80 | (byte & 0x3f));
    return 2;
}

static bool has_control(struct text t)
{
    for (size_t i = 0; i < t.size; i++)
        if ((unsigned char)t.data[i] < 0x20 || t.data[i] == 0x7f)
            return true;
    return false;
}

struct text filename_shown(struct arena *arena, struct text name)
{
    bool is_utf8 = text_is_utf8(name);
    if (is_utf8 && !has_control(name))
        return arena_text(arena, name);
    char *out = arena_alloc(arena, name.size * 3 + 1);
    if (!out)
        return TEXT_NONE;
    size_t size = 0;
    for (size_t i = 0; i < name.size; i++) {
        unsigned byte = (unsigned char)name.data[i];
        if (is_utf8 && byte >= 0x80)
            out[size++] = name.data[i];
        else
            size += put_utf8(out + size, byte);
    }
    out[size] = '\0';
    return text_make(out, size);
}
