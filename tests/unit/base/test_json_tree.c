// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json_tree.h"

#include "base/mem.h"
#include "json_peer.h"
#include "tap.h"

static const char *const good[] = {
    "{}",
    "[]",
    " [ 1 , 2 ]\r\n\t ",
    "{\"a\":{\"b\":[[],{}]},\"\":null}",
    "[0,-0,-1,9223372036854775807,-9223372036854775808]",
    "[1.5,1e5,1E+5,-2.5e-3,1e-999,0.0]",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\u20AC\",\"\\ud83c\\udFb5\",\"\x7f\"]",
    "[\"\xC3\xA9\xF0\x9F\x8E\xB5\",true,false,null]",
    "{\"a\":1,\"A\":1,\"\\u0062\":2}",
};

static const char *const bad[] = {
    "",
    " ",
    "1",
    "\"text\"",
    "null",
    "{",
    "[",
    "[1",
    "[1,]",
    "[,1]",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{'a':1}",
    "[1]]",
    "[1] 2",
    "[}",
    "{]",
    "[1 2]",
    "[01]",
    "[-]",
    "[+1]",
    "[.5]",
    "[1.]",
    "[1e]",
    "[1e+]",
    "[0x10]",
    "[1a]",
    "[--1]",
    "[9223372036854775808]",
    "[-9223372036854775809]",
    "[1e999]",
    "[NaN]",
    "[truE]",
    "[truefalse]",
    "[nul]",
    "[\"a]",
    "[\"\\\"]",
    "[\"\\x41\"]",
    "[\"\\u12\"]",
    "[\"\\u12g4\"]",
    "[\"\\u0000\"]",
    "[\"\\ud800\"]",
    "[\"\\ud800\\n\"]",
    "[\"\\ud800\\u0041\"]",
    "[\"\\udc00\"]",
    "[\"\n\"]",
    "[\"\x01\"]",
    "[\"\xC3\"]",
    "[\"\xED\xA0\x80\"]",
    "[\"\xC0\xAF\"]",
    "\xEF\xBB\xBF[]",
    "[1]//",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"x\":[{\"b\":1,\"c\":2,\"b\":3}]}",
};

static bool reads(struct text bytes)
{
    const char *why;
    struct arena *arena = arena_new(1 << 20);
    bool is_read = json_tree_read(arena, bytes, &why) != NULL;
    arena_free(&arena);
    return is_read;
}

static void test_peers(void)
{
    bool all_good = true, all_bad = true, all_agree = true;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        all_good &= reads(text_of(good[i]));
        all_agree &= peer_agrees(text_of(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        all_bad &= !reads(text_of(bad[i]));
        all_agree &= peer_agrees(text_of(bad[i]));
    }
    OK(all_good, "what is JSON is read");
    OK(all_bad, "what is not, is not");
    OK(all_agree, "jansson says the same of each, with the same values");
    OK(!reads(text_make("[1\0]", 4)) && !reads(text_make("[\"\0\"]", 5)), "a NUL is nowhere JSON");
}

/* `count` times `part`, between `begin` and `end`. */
static struct text repeat(char *out, const char *begin, const char *part, size_t count,
                          const char *end)
{
    size_t size = 0;
    for (const char *c = begin; *c; c++)
        out[size++] = *c;
    for (size_t i = 0; i < count; i++)
        for (const char *c = part; *c; c++)
            out[size++] = *c;
    for (const char *c = end; *c; c++)
        out[size++] = *c;
    return text_make(out, size);
}

static void test_bounds(void)
{
    char *bytes = mem_alloc(1 << 20);
    size_t size = 0;
    for (int i = 0; i < 2048; i++)
        bytes[size++] = '[';
    for (int i = 0; i < 2048; i++)
        bytes[size++] = ']';
    OK(reads(text_make(bytes, size)) && peer_agrees(text_make(bytes, size)),
       "2048 deep is read, without recursion");
    OK(!reads(repeat(bytes, "", "[", 2049, "")) && !reads(repeat(bytes, "", "[", 1 << 19, "")),
       "deeper is not");
    OK(!reads(repeat(bytes, "[", "0,", 1 << 16, "0]")), "the arena's ceiling holds");
    bytes[0] = '{';
    size = 1;
    for (int i = 0; i < 1000; i++)
        size += (size_t)snprintf(bytes + size, 32, "\"%d\":1,", i);
    memcpy(bytes + size - 1, "}", 1);
    OK(reads(text_make(bytes, size)), "an object may have many members");
    memcpy(bytes + size - 1, ",\"500\":1}", 9);
    OK(!reads(text_make(bytes, size + 8)), "but none of them twice");
    mem_free(bytes);
}

static void test_use(void)
{
    const char *why;
    struct arena *arena = arena_new(1 << 20);
    struct text bytes = TEXT("{ \"a b\" : [ 1 , \"x \\\" y\" ],\n\"c\":\"d e\" }");
    const struct json_node *object = json_tree_read(arena, bytes, &why);
    const struct json_node *list = json_tree_member(object, TEXT("a b"));
    OK(json_tree_is(list, JSON_NODE_ARRAY) && list->count == 2 &&
           json_tree_items(list)->integer == 1 && !json_tree_items(object),
       "members are found by name, items in order");
    OK_TEXT(json_tree_items(list)->next->text, TEXT("x \" y"), "escapes are undone");
    OK_TEXT(json_tree_compact(object, arena), TEXT("{\"a b\":[1,\"x \\\" y\"],\"c\":\"d e\"}"),
            "space goes, but not from texts");
    OK(object->is_odd && list->is_odd && !json_tree_member(object, TEXT("c"))->is_odd,
       "what could be written in another way is known as odd, and what holds it");
    OK(!json_tree_member(object, TEXT("z")) && !json_tree_member(NULL, TEXT("a b")),
       "what is not there is NULL");
    OK(!json_tree_read(arena, TEXT("{\"a\" 1}"), &why) &&
           text_equal(text_of(why), TEXT("a colon is missing")),
       "words say what is wrong");
    arena_free(&arena);
}

int main(void)
{
    test_peers();
    test_bounds();
    test_use();
    return tap_done();
}
