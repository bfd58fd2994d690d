// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One pass.  `open` is the innermost container; each round closes it, or reads one more member.
 *
 *     [ or {  →  open    value  →  appended to open    ] or }  →  open = its parent, until none
 */
#include "base/json_tree.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 2048, FEW = 16 };

struct parser {
    const char *at, *end;
    struct arena *arena;
    struct json_node *open; /* NULL before the first and after the last */
    unsigned depth;
    const char *why; /* NULL while all is well */
};

static bool fail(struct parser *parser, const char *why)
{
    if (!parser->why)
        parser->why = why;
    return false;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->end && is_space(*parser->at))
        parser->at++;
}

/* The next byte, or NUL at the end: no JSON has one. */
static char peek(const struct parser *parser)
{
    return parser->at < parser->end ? *parser->at : '\0';
}

static bool take(struct parser *parser, char c)
{
    if (peek(parser) != c)
        return false;
    parser->at++;
    return true;
}

/* --- texts --- */

static int hex_of(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u; -1 when they are none. */
static int32_t read_unit(const char **at, const char *end)
{
    int32_t unit = 0;
    if (end - *at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_of((*at)[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    *at += 4;
    return unit;
}

/* One code point from \uXXXX, or two of them as a surrogate pair; 0 when there is none. */
static uint32_t read_point(const char **at, const char *end)
{
    int32_t high = read_unit(at, end);
    if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF))
        return 0;
    if (high < 0xD800 || high > 0xDBFF)
        return (uint32_t)high;
    if (end - *at < 2 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0;
    *at += 2;
    int32_t low = read_unit(at, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    return 0x10000U + (((uint32_t)high - 0xD800U) << 10) + ((uint32_t)low - 0xDC00U);
}

static char *put_point(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
        return out;
    }
    if (point < 0x800) {
        *out++ = (char)(0xC0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *out++ = (char)(0xE0 | point >> 12);
        } else {
            *out++ = (char)(0xF0 | point >> 18);
            *out++ = (char)(0x80 | (point >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (point >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (point & 0x3F));
    return out;
}

/* What is between the quotes, with escapes: never longer undone than written. */
static bool unescape(struct parser *parser, struct text raw, struct text *ret)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char *start = arena_alloc(parser->arena, raw.size), *out = start;
    const char *at = raw.data, *end = raw.data + raw.size;
    while (start && at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        char c = at[1]; /* the quote that ends the text is not escaped, so something follows */
        at += 2;
        const char *name = memchr(names, c, sizeof names - 1);
        uint32_t point = name ? (uint32_t)meant[name - names] : c == 'u' ? read_point(&at, end) : 0;
        if (!point)
            return fail(parser, "a text has an escape that JSON does not know");
        out = put_point(out, point);
    }
    *ret = text_make(start, start ? (size_t)(out - start) : 0);
    return start ? true : fail(parser, "is too large");
}

/* Behind the opening quote; takes the closing one. */
static bool read_text(struct parser *parser, struct text *ret, bool *ret_is_odd)
{
    const char *start = parser->at, *at = start;
    bool has_escapes = false;
    for (; at < parser->end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return fail(parser, "a text has a control character in it");
        if (*at == '\\') {
            has_escapes = true;
            if (++at == parser->end)
                break;
        }
    }
    if (at >= parser->end)
        return fail(parser, "a text does not end");
    parser->at = at + 1;
    *ret = text_make(start, (size_t)(at - start));
    *ret_is_odd |= has_escapes;
    return !has_escapes || unescape(parser, *ret, ret);
}

/* --- numbers --- */

static bool skip_digits(struct parser *parser)
{
    const char *start = parser->at;
    while (is_digit(peek(parser)))
        parser->at++;
    return parser->at > start;
}

static bool is_finite(struct parser *parser, struct text digits)
{
    struct text copy = arena_text(parser->arena, digits); /* strtod wants an end; no locale here */
    if (!copy.data)
        return fail(parser, "is too large");
    return isfinite(strtod(copy.data, NULL)) ? true
                                             : fail(parser, "a number is out of every range");
}

static bool read_integer(struct parser *parser, struct json_node *node)
{
    bool is_negative = node->text.data[0] == '-';
    int64_t value = 0;
    for (size_t i = is_negative; i < node->text.size; i++) {
        int digit = node->text.data[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, is_negative ? -digit : digit, &value))
            return fail(parser, "an integer has more than 64 bits");
    }
    node->integer = value;
    node->is_odd = is_negative && value == 0;
    return true;
}

static bool read_number(struct parser *parser, struct json_node *node)
{
    const char *start = parser->at;
    (void)take(parser, '-');
    bool is_good = take(parser, '0') || skip_digits(parser);
    bool is_real = take(parser, '.');
    if (is_real)
        is_good &= skip_digits(parser);
    if (take(parser, 'e') || take(parser, 'E')) {
        is_real = true;
        (void)(take(parser, '+') || take(parser, '-'));
        is_good &= skip_digits(parser);
    }
    node->kind = is_real ? JSON_NODE_REAL : JSON_NODE_INTEGER;
    node->text = text_make(start, (size_t)(parser->at - start));
    if (!is_good)
        return fail(parser, "something is no value");
    node->is_odd = is_real;
    return is_real ? is_finite(parser, node->text) : read_integer(parser, node);
}

/* --- values --- */

static bool read_word(struct parser *parser, struct json_node *node)
{
    static const struct {
        struct text word;
        enum json_kind kind;
        int64_t integer;
    } words[] = {{TEXT_INIT("true"), JSON_NODE_BOOL, 1},
                 {TEXT_INIT("false"), JSON_NODE_BOOL, 0},
                 {TEXT_INIT("null"), JSON_NODE_NULL, 0}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!text_starts(text_make(parser->at, (size_t)(parser->end - parser->at)), words[i].word))
            continue;
        parser->at += words[i].word.size;
        node->kind = words[i].kind;
        node->integer = words[i].integer;
        return true;
    }
    return fail(parser, "something is no value");
}

static bool open_container(struct parser *parser, struct json_node *node, enum json_kind kind)
{
    node->kind = kind;
    node->text = text_make(parser->at++, 0);
    node->_parent = parser->open;
    parser->open = node;
    return ++parser->depth <= MAX_DEPTH ? true : fail(parser, "nests too deep");
}

static bool read_value(struct parser *parser, struct json_node *node)
{
    switch (peek(parser)) {
    case '{':
        return open_container(parser, node, JSON_NODE_OBJECT);
    case '[':
        return open_container(parser, node, JSON_NODE_ARRAY);
    case '"':
        parser->at++;
        node->kind = JSON_NODE_TEXT;
        return read_text(parser, &node->text, &node->is_odd);
    case 't':
    case 'f':
    case 'n':
        return read_word(parser, node);
    default:
        return read_number(parser, node);
    }
}

/* --- containers --- */

static int compare_names(const void *a, const void *b)
{
    return text_compare((*(const struct json_node *const *)a)->name,
                        (*(const struct json_node *const *)b)->name);
}

static bool has_twice_among_many(const struct json_node *object)
{
    const struct json_node **sorted = mem_realloc_array(NULL, object->count, sizeof(void *));
    size_t count = 0;
    bool is_twice = false;
    for (const struct json_node *member = object->first; member; member = member->next)
        sorted[count++] = member;
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (size_t i = 1; i < count; i++)
        is_twice |= text_equal(sorted[i - 1]->name, sorted[i]->name);
    mem_free(sorted);
    return is_twice;
}

static bool has_twice(const struct json_node *object)
{
    if (object->count > FEW)
        return has_twice_among_many(object);
    for (const struct json_node *one = object->first; one; one = one->next)
        for (const struct json_node *other = one->next; other; other = other->next)
            if (text_equal(one->name, other->name))
                return true;
    return false;
}

static bool close_container(struct parser *parser)
{
    struct json_node *closed = parser->open;
    parser->at++;
    closed->text.size = (size_t)(parser->at - closed->text.data);
    if (closed->kind == JSON_NODE_OBJECT && has_twice(closed))
        return fail(parser, "an object has a member twice");
    parser->open = closed->_parent;
    if (parser->open)
        parser->open->is_odd |= closed->is_odd;
    parser->depth--;
    return true;
}

static bool read_name(struct parser *parser, struct json_node *member, bool *ret_is_odd)
{
    if (!take(parser, '"'))
        return fail(parser, "a member has no name");
    if (!read_text(parser, &member->name, ret_is_odd))
        return false;
    skip_space(parser);
    if (!take(parser, ':'))
        return fail(parser, "a colon is missing");
    skip_space(parser);
    return true;
}

static bool read_member(struct parser *parser)
{
    struct json_node *into = parser->open;
    struct json_node *member = arena_zalloc(parser->arena, sizeof *member);
    if (!member)
        return fail(parser, "is too large");
    if (into->kind == JSON_NODE_OBJECT && !read_name(parser, member, &into->is_odd))
        return false;
    if (!read_value(parser, member))
        return false;
    *(into->_last ? &into->_last->next : &into->first) = member;
    into->_last = member;
    into->count++;
    into->is_odd |= member->is_odd;
    return true;
}

/* Everything within the outermost container. */
static bool read_inside(struct parser *parser)
{
    while (parser->open) {
        const struct json_node *open = parser->open;
        skip_space(parser);
        if (peek(parser) == (open->kind == JSON_NODE_OBJECT ? '}' : ']')) {
            if (!close_container(parser))
                return false;
            continue;
        }
        if (open->count && !take(parser, ','))
            return fail(parser, "a comma is missing");
        skip_space(parser);
        if (!read_member(parser))
            return false;
    }
    return true;
}

struct json_node *json_tree_read(struct arena *arena, struct text bytes, const char **ret_why)
{
    struct json_node *root = arena_zalloc(arena, sizeof *root);
    *ret_why = root ? "is empty" : "is too large";
    if (!root || !bytes.size)
        return NULL;
    struct parser parser = {.at = bytes.data, .end = bytes.data + bytes.size, .arena = arena};
    skip_space(&parser);
    if (!text_is_utf8(bytes))
        (void)fail(&parser, "is not UTF-8");
    else if (peek(&parser) != '{' && peek(&parser) != '[')
        (void)fail(&parser, "is neither an object nor an array");
    else if (read_value(&parser, root) && read_inside(&parser))
        skip_space(&parser);
    if (!parser.why && parser.at != parser.end)
        (void)fail(&parser, "goes on behind its end");
    *ret_why = parser.why;
    return parser.why ? NULL : root;
}

/* --- use --- */

const struct json_node *json_tree_member(const struct json_node *object, struct text name)
{
    if (!json_tree_is(object, JSON_NODE_OBJECT))
        return NULL;
    for (const struct json_node *member = object->first; member; member = member->next)
        if (text_equal(member->name, name))
            return member;
    return NULL;
}

const struct json_node *json_tree_items(const struct json_node *array)
{
    return json_tree_is(array, JSON_NODE_ARRAY) ? array->first : NULL;
}

/* Where the next space between parts is, from `at`, which lies outside texts. */
static size_t find_space(struct text bytes, size_t at)
{
    bool is_in_text = false;
    for (; at < bytes.size; at++) {
        char c = bytes.data[at];
        if (c == '"')
            is_in_text = !is_in_text;
        else if (is_in_text && c == '\\')
            at++;
        else if (!is_in_text && is_space(c))
            break;
    }
    return at < bytes.size ? at : bytes.size;
}

struct text json_tree_compact(const struct json_node *node, struct arena *arena)
{
    struct text bytes = node->text;
    size_t run = find_space(bytes, 0), size = 0;
    if (run == bytes.size)
        return bytes;
    char *out = arena_alloc(arena, bytes.size);
    for (size_t at = 0; out && at < bytes.size; at = run + 1) {
        run = find_space(bytes, at);
        memcpy(out + size, bytes.data + at, run - at);
        size += run - at;
    }
    return text_make(out, out ? size : 0);
}
