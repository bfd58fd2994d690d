// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/reader.h"
#include "tap.h"

static void test_text(void)
{
    struct text rest = TEXT("a,,b"), part;
    int parts = 0;
    while (text_split(&rest, ',', &part))
        parts++;
    OK(parts == 3, "splitting gives empty parts too");
    OK(text_equal_nocase(TEXT("Content-Length"), TEXT("content-length")),
       "protocol words fold case");
    OK(!text_equal_nocase(TEXT("a"), TEXT("ab")), "folding does not make a prefix equal");
    uint64_t u;
    int64_t i;
    OK(text_to_u64(TEXT("18446744073709551615"), &u) && u == UINT64_MAX, "the largest u64 is read");
    OK(!text_to_u64(TEXT("18446744073709551616"), &u), "one more is refused");
    OK(!text_to_u64(TEXT(""), &u) && !text_to_u64(TEXT("+1"), &u) && !text_to_u64(TEXT(" 1"), &u),
       "signs, spaces and nothing are refused");
    OK(text_to_i64(TEXT("-42"), &i) && i == -42 && !text_to_i64(TEXT("--1"), &i),
       "one minus is read");
    OK_TEXT(text_trim(TEXT(" \t x y \r\n")), TEXT("x y"), "trimming keeps inner space");
}

static void test_nothing(void)
{
    char room[4] = "abc";
    bytes_copy(room, NULL, 0);
    OK(strcmp(room, "abc") == 0, "no bytes are copied from nowhere");
    OK(bytes_same(NULL, "x", 0) && bytes_same(NULL, NULL, 0), "and are the same as no others");
    OK(text_equal(TEXT_NONE, TEXT("")) && !text_equal(TEXT_NONE, TEXT("x")) &&
           text_starts(TEXT("x"), TEXT_NONE) && text_ends(TEXT("x"), TEXT_NONE) &&
           text_compare(TEXT_NONE, TEXT("")) == 0,
       "the text that is nowhere is the empty text");
    OK(text_find(TEXT_NONE, TEXT("\n\n")) == SIZE_MAX && text_find(TEXT_NONE, TEXT_NONE) == 0 &&
           text_find_byte(TEXT_NONE, 'x') == SIZE_MAX && !text_contains(TEXT_NONE, TEXT("x")),
       "in it nothing is found but nothing");
    OK(text_find(TEXT("a\n\nb\n\n"), TEXT("\n\n")) == 1 && text_find(TEXT("ab"), TEXT("b")) == 1 &&
           text_find(TEXT("ab"), TEXT("ba")) == SIZE_MAX,
       "the first place of a part is found");
}

static void test_utf8(void)
{
    OK(text_is_utf8(TEXT("d\xC3\xA9j\xC3\xA0 \xE9\x9F\xB3 \xF0\x9D\x84\x9E")),
       "two, three and four byte forms pass");
    OK(!text_is_utf8(TEXT("\xC0\x80")), "an overlong form is refused");
    OK(!text_is_utf8(TEXT("\xED\xA0\x80")), "a surrogate is refused");
    OK(!text_is_utf8(TEXT("\xE9\x9F")), "a cut sequence is refused");
    OK(!text_is_utf8(TEXT("\xF4\x90\x80\x80")), "beyond U+10FFFF is refused");
}

static void test_buffer(void)
{
    struct buffer b;
    buffer_init(&b, 8);
    buffer_u32(&b, 0x04030201);
    buffer_text(&b, TEXT("abcd"));
    OK_TEXT(buffer_view(&b),
            TEXT("\x01\x02\x03\x04"
                 "abcd"),
            "integers are little-endian");
    buffer_byte(&b, 'x');
    OK(b.overflowed && b.size == 8, "past the ceiling nothing is added and the buffer says so");
    buffer_reset(&b);
    buffer_text(&b, TEXT_NONE);
    OK(b.size == 0 && !b.overflowed, "nothing is appended without a word");
    buffer_printf(&b, "%d", 7);
    OK_TEXT(buffer_view(&b), TEXT("7"), "a reset buffer is usable again");
    buffer_release(&b);

    struct reader r = reader_of(TEXT("\x02\x00xy"));
    size_t size = reader_u16(&r);
    OK_TEXT(reader_bytes(&r, size), TEXT("xy"), "a reader takes a counted run");
    OK(reader_u32(&r) == 0 && r.failed, "reading past the end gives zero and fails");

    char room[3] = "??";
    r = reader_of(TEXT("abc"));
    reader_copy(&r, room, 2);
    OK(memcmp(room, "ab", 2) == 0 && r.left == 1, "a reader copies what comes next");
    reader_copy(&r, room, 2);
    OK(memcmp(room, "\0\0", 3) == 0 && r.failed, "and zeros, failed, when it is not all there");
    r = reader_of(TEXT_NONE);
    reader_copy(&r, room, 0);
    OK(!r.failed, "of nothing it copies nothing");
}

static void test_arena(void)
{
    struct arena *arena = arena_new(10000);
    struct text copy = arena_text(arena, TEXT("hello"));
    char *large = arena_alloc(arena, 8000);
    OK(large && ((uintptr_t)large & 15) == 0, "large blocks are aligned");
    OK_TEXT(copy, TEXT("hello"), "earlier memory stays");
    OK(!arena_alloc(arena, 4000) && arena_overflowed(arena), "the ceiling holds");
    arena_reset(arena);
    OK(!arena_overflowed(arena) && arena_alloc(arena, 4000), "reset gives the room back");
    arena_free(&arena);
    OK(!arena, "free leaves NULL behind");
}

static void test_hash(void)
{
    uint8_t input[15];
    for (uint8_t i = 0; i < sizeof input; i++)
        input[i] = i;
    struct hash_key key = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
    OK(hash_bytes(key, input, sizeof input) == 0xa129ca6149be45e5U,
       "SipHash-2-4 gives the paper's vector");
    OK(crc32c(0, "123456789", 9) == 0xe3069283U, "CRC-32C gives RFC 3720's check value");
    OK(crc32c(crc32c(0, "1234", 4), "56789", 5) == 0xe3069283U, "CRC-32C goes on where it stopped");
}

int main(void)
{
    test_text();
    test_nothing();
    test_utf8();
    test_buffer();
    test_arena();
    test_hash();
    return tap_done();
}
