// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/variants.h"
#include "tap.h"

#include <stdio.h>

enum { ARENA_BYTES = 1 << 16 };

static struct text key_by(const struct http_field *entry, const char *name, const char *value,
                          struct buffer *out)
{
    const struct http_field fields[] = {{text_of(name), text_of(value)}};
    buffer_reset(out);
    return variants_key(entry, (struct caching_fields){fields, 1}, out) ? buffer_view(out)
                                                                        : TEXT_NONE;
}

static void test_keys(void)
{
    const struct http_field vary = {TEXT("vary"), TEXT("accept-encoding")},
                            language = {TEXT("language"), TEXT("de\nkey")};
    struct buffer one, two;
    buffer_init(&one, 1 << 12);
    buffer_init(&two, 1 << 12);
    struct text gzip = key_by(&vary, "Accept-Encoding", "gzip", &one);
    OK(gzip.size > 0 && text_equal(gzip, key_by(&vary, "accept-encoding", "gzip", &two)) &&
           !text_equal(gzip, key_by(&vary, "Accept-Encoding", "br", &two)),
       "by a set of names, requests that say the same have one key");
    OK(text_equal(key_by(&language, "Accept-Language", "de, en;q=0.5", &one), TEXT("\nkey")),
       "by a language, who prefers it finds what is in it");
    OK(!key_by(&language, "Accept-Language", "en, de;q=0.5", &one).data,
       "and who prefers another does not");
    buffer_release(&one);
    buffer_release(&two);
}

static void test_growing(struct arena *arena)
{
    struct http_field list[VARIANTS_MAX], again[VARIANTS_MAX];
    const struct caching_fields none = {0};
    size_t count = variants_add(none, &(struct variant){.names = TEXT("a")}, arena, list);
    OK(count == 1 && text_equal(list[0].name, TEXT("vary")) && text_equal(list[0].value, TEXT("a")),
       "a list begins with one set of names");
    OK(variants_add((struct caching_fields){list, count}, &(struct variant){.names = TEXT("a")},
                    arena, again) == 0,
       "what stands first needs no other list");
    for (char name = 'b'; name <= 'f'; name++) {
        struct variant next = {.names = arena_printf(arena, "%c", name)};
        count = variants_add((struct caching_fields){list, count}, &next, arena, again);
        memcpy(list, again, sizeof list);
    }
    OK(count == STORED_SETS_MAX && text_equal(list[0].value, TEXT("f")) &&
           text_equal(list[3].value, TEXT("c")),
       "the newest stand first, and the oldest have gone");
    count = variants_add((struct caching_fields){list, count},
                         &(struct variant){.names = TEXT("d")}, arena, again);
    OK(count == STORED_SETS_MAX && text_equal(again[0].value, TEXT("d")) &&
           text_equal(again[2].value, TEXT("e")) && text_equal(again[3].value, TEXT("c")),
       "one that comes again moves to the front");
}

static void test_languages(struct arena *arena)
{
    struct http_field list[VARIANTS_MAX], again[VARIANTS_MAX];
    const struct variant german = {TEXT("accept-language"), TEXT("de"), TEXT("\n1")},
                         french = {TEXT("accept-language"), TEXT("fr"), TEXT("\n2")},
                         newer = {TEXT("accept-language"), TEXT("de"), TEXT("\n3")},
                         mixed = {TEXT("accept-encoding\naccept-language"), TEXT("de"),
                                  TEXT("\n4")};
    size_t count = variants_add((struct caching_fields){0}, &german, arena, list);
    OK(count == 2 && text_equal(list[1].name, TEXT("language")) &&
           text_equal(list[1].value, TEXT("de\n1")),
       "what varies by language alone is listed by its own, too");
    OK(variants_add((struct caching_fields){list, count}, &german, arena, again) == 0,
       "once is enough");
    count = variants_add((struct caching_fields){list, count}, &french, arena, again);
    OK(count == 3 && text_equal(again[1].value, TEXT("fr\n2")) &&
           text_equal(again[2].value, TEXT("de\n1")),
       "another language stands beside it");
    count = variants_add((struct caching_fields){again, count}, &newer, arena, list);
    OK(count == 3 && text_equal(list[1].value, TEXT("de\n3")) &&
           text_equal(list[2].value, TEXT("fr\n2")),
       "of one language the newest counts");
    OK(variants_add((struct caching_fields){0}, &mixed, arena, list) == 1,
       "where more than the language decides, it is not listed");
}

int main(void)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    test_keys();
    test_growing(arena);
    test_languages(arena);
    arena_free(&arena);
    return tap_done();
}
