// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/fold.h"
#include "catalog/bytes.h"
#include "catalog/utf8.h"
#include "fold_table.h" /* made by fold_generate in the build folder */

enum { FOLD_KEEP, FOLD_HARD, FOLD_SOFT, FOLD_DROP, FOLD_FIRST_SEQUENCE };

struct folding {
    struct text in;
    size_t at; /* behind the code point at hand */
    enum fold_mode mode;
    char *out;
    size_t size, capacity;
    enum { GAP_NONE, GAP_SOFT, GAP_HARD } gap;
    unsigned word_points, word_dots; /* of the word at hand: "r.e." has as many dots as letters */
    bool last_is_dense, is_full;
};

/* Scripts written without spaces, whose runs are searched inside. */
static bool is_dense(uint32_t point)
{
    return (point >= 0x3005 && point <= 0x3007) || (point >= 0x3040 && point <= 0x312f) ||
           (point >= 0x31a0 && point <= 0x31bf) || (point >= 0x3400 && point <= 0x4dbf) ||
           (point >= 0x4e00 && point <= 0x9fff) || (point >= 0xf900 && point <= 0xfaff) ||
           (point >= 0x20000 && point <= 0x3ffff);
}

static void append(struct folding *f, const char *bytes, size_t size)
{
    f->is_full = f->is_full || size > f->capacity - f->size;
    if (f->is_full)
        return;
    bytes_copy(f->out + f->size, bytes, size);
    f->size += size;
}

static void close_gap(struct folding *f, bool next_is_dense)
{
    char mark = 0;
    if (f->size == 0)
        mark = 0;
    else if (f->last_is_dense != next_is_dense)
        mark = ' ';
    else if (f->gap != GAP_NONE && !(next_is_dense && f->mode != FOLD_QUERY))
        mark = f->gap == GAP_SOFT && f->mode != FOLD_NAME ? FOLD_JOINT : ' ';
    if (mark || f->gap != GAP_NONE)
        f->word_points = f->word_dots = 0;
    if (mark)
        append(f, &mark, 1);
    f->gap = GAP_NONE;
}

static void emit(struct folding *f, const char *bytes, size_t size, bool dense)
{
    if (f->gap != GAP_NONE || f->last_is_dense != dense)
        close_gap(f, dense);
    append(f, bytes, size);
    f->word_points++;
    f->last_is_dense = dense;
}

static void separate(struct folding *f, bool hard)
{
    if (hard)
        f->gap = GAP_HARD;
    else if (f->gap == GAP_NONE)
        f->gap = GAP_SOFT;
}

static bool is_letter_byte(unsigned char c)
{
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool next_is_letter(const struct folding *f)
{
    return f->at < f->in.size && is_letter_byte((unsigned char)f->in.data[f->at]);
}

static bool last_is_letter(const struct folding *f)
{
    return f->size > 0 && f->gap == GAP_NONE && is_letter_byte((unsigned char)f->out[f->size - 1]);
}

static void emit_word(struct folding *f, const char *word, size_t size)
{
    separate(f, true);
    emit(f, word, size, false);
    separate(f, true);
}

/* Punctuation that is read aloud, or that belongs to its word.  False: treat it as the table says.
 */
static bool fold_spoken(struct folding *f, uint32_t point)
{
    bool at_end = f->at == f->in.size || f->in.data[f->at] == ' ';
    if (point == '&')
        emit_word(f, "and", 3);
    else if (point == '+' && f->gap == GAP_HARD && at_end && f->at < f->in.size)
        emit_word(f, "and", 3);
    else if (point == '!' && last_is_letter(f) && next_is_letter(f))
        emit(f, "i", 1, false);
    else if (point == '$' && (last_is_letter(f) || next_is_letter(f)))
        emit(f, "s", 1, false);
    else if (point == '.' && last_is_letter(f) && f->word_points == f->word_dots + 1)
        f->word_dots++; /* an initial: R.E.M., N.W.A */
    else
        return false;
    return true;
}

/* A kana and a voicing mark of its own (as file systems of Apple write it) are one character. */
static bool fold_voicing(struct folding *f, uint32_t point)
{
    if ((point != 0x3099 && point != 0x309a) || f->size < 3 || f->gap != GAP_NONE || f->is_full)
        return false;
    size_t at = f->size - 3;
    struct text last = text_make(f->out, f->size);
    uint32_t kana = utf8_next(last, &at);
    if (kana < 0x304b || kana > 0x307d)
        return false;
    f->size -= 3;
    char bytes[4];
    append(f, bytes, utf8_put(kana + point - 0x3098, bytes));
    return true;
}

static void fold_point(struct folding *f, uint32_t point)
{
    unsigned value = FOLD_KEEP;
    char bytes[4];
    if (point < FOLD_POINTS)
        value = fold_values[fold_page_of[point / FOLD_PAGE] * FOLD_PAGE + point % FOLD_PAGE];
    if (value == FOLD_HARD || value == FOLD_SOFT) {
        separate(f, value == FOLD_HARD);
    } else if (value >= FOLD_FIRST_SEQUENCE) {
        unsigned from = fold_start[value - FOLD_FIRST_SEQUENCE],
                 to = fold_start[value - FOLD_FIRST_SEQUENCE + 1];
        struct text sequence = text_make((const char *)fold_bytes + from, to - from);
        size_t at = 0;
        emit(f, sequence.data, sequence.size, is_dense(utf8_next(sequence, &at)));
    } else if (value == FOLD_KEEP) {
        emit(f, bytes, utf8_put(point, bytes), is_dense(point));
    }
}

/* Nothing but punctuation: the name is its own word. */
static void fold_bare(struct folding *f)
{
    for (size_t at = 0; at < f->in.size && !f->is_full;) {
        char bytes[4];
        uint32_t point = utf8_next(f->in, &at);
        if (point > ' ' && point != UTF8_BAD && point != 0x7f && point != 0xa0)
            append(f, bytes, utf8_put(point, bytes));
    }
}

size_t fold(struct text in, enum fold_mode mode, char *out, size_t capacity)
{
    struct folding f = {.in = in, .mode = mode, .out = out, .capacity = capacity, .gap = GAP_HARD};
    while (f.at < in.size && !f.is_full) {
        uint32_t point = utf8_next(in, &f.at);
        if (point == UTF8_BAD)
            separate(&f, true);
        else if ((point >= 0x80 || !fold_spoken(&f, point)) && !fold_voicing(&f, point))
            fold_point(&f, point);
    }
    if (f.size == 0 && !f.is_full)
        fold_bare(&f);
    return f.size;
}

size_t fold_article(struct text folded, struct text articles)
{
    for (size_t from = 0; from < articles.size;) {
        size_t to = from;
        while (to < articles.size && articles.data[to] != ' ')
            to++;
        struct text article = text_make(articles.data + from, to - from);
        if (article.size > 0 && folded.size > article.size + 1 &&
            folded.data[article.size] == ' ' && bytes_start(folded, article))
            return article.size + 1;
        from = to + 1;
    }
    return 0;
}

struct text fold_cut(struct text t, size_t max)
{
    if (t.size <= max)
        return t;
    while (max > 0 && ((unsigned char)t.data[max] & 0xc0) == 0x80)
        max--;
    return text_make(t.data, max);
}

static void add_word(struct words *words, struct text word, unsigned place)
{
    word = fold_cut(word, WORD_MAX);
    for (unsigned i = 0; i < words->count; i++)
        if (bytes_equal(words->items[i].text, word)) {
            words->items[i].place |= place;
            return;
        }
    if (word.size > 0 && words->count < WORDS_MAX)
        words->items[words->count++] = (struct word){word, place};
}

/* A run between spaces: its parts between joints, and all of it as one word. */
static void add_run(struct words *words, struct text run, unsigned place)
{
    char *alias = words->aliases + words->alias_size;
    size_t size = 0, part = 0;
    for (size_t at = 0; at <= run.size; at++) {
        if (at < run.size && run.data[at] != FOLD_JOINT) {
            alias[size++] = run.data[at];
            continue;
        }
        add_word(words, text_make(run.data + part, at - part), part == 0 ? place & WORD_FIRST : 0);
        part = at + 1;
    }
    words->alias_size += size;
    add_word(words, text_make(alias, size), place); /* the same word again when there is no joint */
}

void words_of_name(struct words *words, struct text name)
{
    size_t size = fold(name, FOLD_JOINTS, words->folded, FOLD_MAX);
    size_t behind_article = fold_article(text_make(words->folded, size), TEXT(FOLD_USUAL_ARTICLES));
    words->count = 0;
    words->alias_size = 0;
    for (size_t at = 0, end; at < size; at = end + 1) {
        for (end = at; end < size && words->folded[end] != ' ';)
            end++;
        bool is_first = at == 0 || at == behind_article;
        unsigned place = (is_first ? WORD_FIRST : 0U) | (is_first && end == size ? WORD_ONLY : 0U);
        add_run(words, text_make(words->folded + at, end - at), place);
    }
}
