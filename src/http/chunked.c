// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/chunked.h"

#include "http/fields.h"

/*
 *   SIZE ──';'──▶ NAME ──'='──▶ VALUE (or QUOTED) ──';'──▶ NAME    extensions, of tokens
 *     │             │             │
 *     └──────CR─────┴──▶ SIZE_LF ◀┘
 *                        │ LF
 *            size 0 ─────┴───── size > 0
 *               ▼                  ▼
 *   ┌──▶ TRAILER_START            DATA ──▶ DATA_CR ──▶ DATA_LF ──▶ SIZE
 *   │     │CR       │other
 *   │  LAST_LF   TRAILER_NAME ──':'──▶ TRAILER ──CR──▶ TRAILER_LF ─┐
 *   │     ▼                                                        │
 *   │    DONE                                                      │
 *   └──────────────────────────────────────────────────────────────┘
 *
 * Nothing is taken that llhttp refuses (tests/fuzz/fuzz_chunked.c): no blanks around extensions,
 * nothing escaped in a quoted value.
 */
enum step {
    STEP_SIZE,
    STEP_EXTENSION, /* its first byte comes */
    STEP_EXTENSION_NAME,
    STEP_EXTENSION_EQUALS,
    STEP_EXTENSION_VALUE,
    STEP_EXTENSION_QUOTED,
    STEP_EXTENSION_END, /* behind a quoted value */
    STEP_SIZE_LF,
    STEP_DATA,
    STEP_DATA_CR,
    STEP_DATA_LF,
    STEP_TRAILER_START,
    STEP_TRAILER_NAME,
    STEP_TRAILER,
    STEP_TRAILER_LF,
    STEP_LAST_LF,
    STEP_DONE,
    STEP_BAD,
};

enum { SIZE_LINE_MAX_BYTES = 256, TRAILERS_MAX_BYTES = 8192, DIGITS_MAX = 16 };

void http_chunked_init(struct http_chunked *chunked)
{
    *chunked = (struct http_chunked){.step = STEP_SIZE};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum step after_size_byte(struct http_chunked *chunked, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && chunked->digits < DIGITS_MAX) {
        chunked->left = chunked->left << 4 | (unsigned)digit;
        chunked->digits++;
        return STEP_SIZE;
    }
    if (chunked->digits == 0)
        return STEP_BAD;
    if (c == '\r')
        return STEP_SIZE_LF;
    return c == ';' ? STEP_EXTENSION : STEP_BAD;
}

static bool is_text_byte(char c) { return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t'; }
static bool is_token_byte(char c) { return http_is_token_byte((unsigned char)c); }

/* RFC 9112 7.1.1 */
static enum step after_extension_byte(enum step step, char c)
{
    if (step == STEP_EXTENSION_QUOTED)
        return c == '"' ? STEP_EXTENSION_END : c != '\\' && is_text_byte(c) ? step : STEP_BAD;
    if (step == STEP_EXTENSION)
        return is_token_byte(c) ? STEP_EXTENSION_NAME : STEP_BAD;
    if (step != STEP_EXTENSION_END && is_token_byte(c))
        return step;
    if (c == '=' && step == STEP_EXTENSION_NAME)
        return STEP_EXTENSION_EQUALS;
    return c == ';' ? STEP_EXTENSION : c == '\r' ? STEP_SIZE_LF : STEP_BAD;
}

static enum step after_equals(char c)
{
    return c == '"' ? STEP_EXTENSION_QUOTED : is_token_byte(c) ? STEP_EXTENSION_VALUE : STEP_BAD;
}

static enum step after_size_line(struct http_chunked *chunked)
{
    chunked->line_bytes = 0;
    chunked->digits = 0;
    return chunked->left > 0 ? STEP_DATA : STEP_TRAILER_START;
}

/* Everything but DATA goes byte by byte. */
static enum step after_byte(struct http_chunked *chunked, char c)
{
    switch ((enum step)chunked->step) {
    case STEP_SIZE:
        return after_size_byte(chunked, c);
    case STEP_EXTENSION:
    case STEP_EXTENSION_NAME:
    case STEP_EXTENSION_VALUE:
    case STEP_EXTENSION_QUOTED:
    case STEP_EXTENSION_END:
        return after_extension_byte((enum step)chunked->step, c);
    case STEP_EXTENSION_EQUALS:
        return after_equals(c);
    case STEP_SIZE_LF:
        return c == '\n' ? after_size_line(chunked) : STEP_BAD;
    case STEP_DATA_CR:
        return c == '\r' ? STEP_DATA_LF : STEP_BAD;
    case STEP_DATA_LF:
        return c == '\n' ? STEP_SIZE : STEP_BAD;
    case STEP_TRAILER_START:
        if (c == '\r')
            return STEP_LAST_LF;
        return is_token_byte(c) ? STEP_TRAILER_NAME : STEP_BAD;
    case STEP_TRAILER_NAME:
        return c == ':' ? STEP_TRAILER : is_token_byte(c) ? STEP_TRAILER_NAME : STEP_BAD;
    case STEP_TRAILER:
        return c == '\r' ? STEP_TRAILER_LF : is_text_byte(c) ? STEP_TRAILER : STEP_BAD;
    case STEP_TRAILER_LF:
        return c == '\n' ? STEP_TRAILER_START : STEP_BAD;
    case STEP_LAST_LF:
        return c == '\n' ? STEP_DONE : STEP_BAD;
    case STEP_DATA:
    case STEP_DONE:
    case STEP_BAD:
        break;
    }
    return STEP_BAD;
}

static struct text take_data(struct http_chunked *chunked, struct text *input)
{
    struct text piece = {input->data,
                         input->size < chunked->left ? input->size : (size_t)chunked->left};
    *input = text_from(*input, piece.size);
    chunked->left -= piece.size;
    if (chunked->left == 0)
        chunked->step = STEP_DATA_CR;
    return piece;
}

static void take_byte(struct http_chunked *chunked, struct text *input)
{
    bool was_trailer = chunked->step == STEP_TRAILER_LF;
    uint32_t limit = chunked->step < STEP_DATA ? SIZE_LINE_MAX_BYTES : TRAILERS_MAX_BYTES;
    if (chunked->step == STEP_DATA_CR)
        chunked->line_bytes = 0;
    if (++chunked->line_bytes > limit)
        chunked->step = STEP_BAD;
    else
        chunked->step = after_byte(chunked, input->data[0]);
    if (chunked->trailers && chunked->step >= STEP_TRAILER_NAME && chunked->step <= STEP_TRAILER_LF)
        buffer_byte(chunked->trailers, (uint8_t)input->data[0]);
    else if (chunked->trailers && was_trailer && chunked->step == STEP_TRAILER_START)
        buffer_byte(chunked->trailers, '\n');
    *input = text_from(*input, 1);
}

int http_chunked_piece(struct http_chunked *chunked, struct text *input, struct text *ret_piece)
{
    *ret_piece = TEXT_NONE;
    while (input->size > 0 && chunked->step != STEP_DONE && chunked->step != STEP_BAD) {
        if (chunked->step == STEP_DATA) {
            *ret_piece = take_data(chunked, input);
            break;
        }
        take_byte(chunked, input);
    }
    return chunked->step == STEP_BAD ? -1 : chunked->step == STEP_DONE;
}

int http_chunked_decode(struct http_chunked *chunked, struct text *input, struct buffer *out)
{
    struct text piece;
    int state;
    do {
        state = http_chunked_piece(chunked, input, &piece);
        buffer_append(out, piece.data, piece.size);
    } while (piece.size > 0);
    return state;
}
