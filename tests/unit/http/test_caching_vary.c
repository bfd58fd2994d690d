// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_vary.h"
#include "tap.h"

static const struct {
    const char *name, *field, *a, *b; /* NULL: absent */
    bool are_equal;
} cases[] = {
    {"the same", "Foo", "1", "1", true},
    {"another", "Foo", "1", "2", false},
    {"absent and present", "Foo", NULL, "1", false},
    {"absent and empty", "Foo", NULL, "", false},
    {"both absent", "Foo", NULL, NULL, true},
    {"spaces in a list", "Foo", "1, 2", "1,2 ", true},
    {"the order of any list", "Foo", "1, 2", "2, 1", false},
    {"the case of any value", "Foo", "a", "A", false},
    {"the order of languages", "Accept-Language", "en, de", "de, en", true},
    {"the case of languages", "Accept-Language", "en, DE", "en, de", true},
    {"weights of languages", "Accept-Language", "en;q=0.5, de", "de;q=1.0,en; q=0.50", true},
    {"other weights", "Accept-Language", "en;q=0.5, de", "en, de", false},
    {"codings", "Accept-Encoding", "gzip, br", "br,GZIP", true},
    {"other codings", "Accept-Encoding", "gzip, br", "br", false},
};

static struct text selector(const char *field, const char *value, struct buffer *out)
{
    struct http_field vary = {TEXT("Vary"), text_of(field)},
                      asked = {text_of(field), text_of(value)};
    struct buffer names;
    buffer_init(&names, 200);
    buffer_init(out, 200);
    OK(caching_vary_names((struct caching_fields){&vary, 1}, &names), "Vary can be matched");
    caching_selector_write(buffer_view(&names), (struct caching_fields){&asked, value ? 1 : 0},
                           out);
    buffer_release(&names);
    return buffer_view(out);
}

static void test_names(void)
{
    struct http_field fields[] = {{TEXT("Vary"), TEXT("Foo, bar,, foo")},
                                  {TEXT("vary"), TEXT("Accept")}};
    struct buffer out;
    buffer_init(&out, 200);
    OK(caching_vary_names((struct caching_fields){fields, 2}, &out) &&
           text_equal(buffer_view(&out), TEXT("accept,bar,foo")),
       "names are lower case, sorted, each once, over all lines");
    fields[1].value = TEXT(", *");
    OK(!caching_vary_names((struct caching_fields){fields, 2}, &out), "* matches nothing");
    buffer_release(&out);
}

static bool prefers(const char *asked, const char *language)
{
    struct http_field field = {TEXT("Accept-Language"), text_of(asked)};
    return text_equal(caching_preferred_language((struct caching_fields){&field, 1}),
                      text_of(language));
}

static void test_languages(void)
{
    struct http_field one = {TEXT("Content-Language"), TEXT("de")},
                      two = {TEXT("Content-Language"), TEXT("de, en")};
    OK(prefers("fr;q=0.5, de;q=1.0", "de"), "the language with the most weight is preferred");
    OK(prefers("de, en;q=0.9, *;q=0.1", "de"), "… whatever comes behind it");
    OK(prefers("en, de", ""), "of two alike none is");
    OK(prefers("*", "") && prefers("", "") && prefers("de;q=0", ""),
       "any, none, and not that one name no language");
    OK(text_equal(caching_language_of((struct caching_fields){&one, 1}), TEXT("de")),
       "an answer has a language");
    OK(!caching_language_of((struct caching_fields){&two, 1}).size, "… or more, which is none");
}

int main(void)
{
    test_names();
    test_languages();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer a, b;
        bool are_equal = text_equal(selector(cases[i].field, cases[i].a, &a),
                                    selector(cases[i].field, cases[i].b, &b));
        OK(are_equal == cases[i].are_equal, cases[i].name);
        buffer_release(&a);
        buffer_release(&b);
    }
    return tap_done();
}
