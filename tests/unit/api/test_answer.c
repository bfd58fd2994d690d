// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/answer.h"
#include "tap.h"

static struct buffer out;

static struct answer *begin(enum answer_format format, struct text callback, bool is_plain)
{
    static struct answer answer;
    buffer_reset(&out);
    answer_init(&answer, &out, format, callback, is_plain);
    answer_open(&answer, "ok", TEXT("1.2"));
    return &answer;
}

static void write_album(struct answer *answer, struct text name)
{
    answer_begin(answer, "album");
    answer_text(answer, "name", name);
    answer_u64(answer, "year", 1969);
    answer_list(answer, "moods");
    answer_list_text(answer, TEXT("calm"));
    answer_list_text(answer, TEXT("blue"));
    answer_end(answer);
    answer_list(answer, "song");
    answer_item(answer);
    answer_text(answer, "id", TEXT("tr-1"));
    answer_end(answer);
    answer_end(answer);
    answer_end(answer);
    answer_close(answer);
}

#define JSON_HEAD                                                                              \
    "{\"subsonic-response\":{\"status\":\"ok\",\"version\":\"1.16.1\",\"type\":\"sostenuto\"," \
    "\"serverVersion\":\"1.2\",\"openSubsonic\":true"
#define XML_HEAD                                                      \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<subsonic-response " \
    "xmlns=\"http://subsonic.org/restapi\" "                          \
    "status=\"ok\" version=\"1.16.1\""
#define XML_EXTENDED XML_HEAD " type=\"sostenuto\" serverVersion=\"1.2\" openSubsonic=\"true\""

static void test_envelopes(void)
{
    answer_close(begin(ANSWER_JSON, TEXT_NONE, false));
    OK_TEXT(buffer_view(&out), TEXT(JSON_HEAD "}}"), "an empty answer in JSON is its envelope");
    answer_close(begin(ANSWER_XML, TEXT_NONE, false));
    OK_TEXT(buffer_view(&out), TEXT(XML_EXTENDED "/>"), "an empty answer in XML is one element");
    answer_close(begin(ANSWER_XML, TEXT_NONE, true));
    OK_TEXT(buffer_view(&out), TEXT(XML_HEAD "/>"),
            "a plain client sees nothing of OpenSubsonic's");
    answer_close(begin(ANSWER_JSONP, TEXT("cb"), false));
    OK_TEXT(buffer_view(&out), TEXT("/**/cb(" JSON_HEAD "}});"), "JSONP wraps JSON in a call");
}

static void test_nesting(void)
{
    write_album(begin(ANSWER_JSON, TEXT_NONE, false), TEXT("Four"));
    OK_TEXT(buffer_view(&out),
            TEXT(JSON_HEAD
                 ",\"album\":{\"name\":\"Four\",\"year\":1969,\"moods\":[\"calm\",\"blue\"],"
                 "\"song\":[{\"id\":\"tr-1\"}]}}}"),
            "members, lists of texts and lists of objects nest in JSON");
    write_album(begin(ANSWER_XML, TEXT_NONE, false), TEXT("Four"));
    OK_TEXT(buffer_view(&out),
            TEXT(XML_EXTENDED
                 "><album name=\"Four\" year=\"1969\"><moods>calm</moods><moods>blue</moods>"
                 "<song id=\"tr-1\"/></album></subsonic-response>"),
            "the same calls give attributes and elements in XML");
}

static void test_escapes(void)
{
    static const struct text evil = TEXT_INIT("<\"&>\n\x01\xff caf\xc3\xa9 \xef\xbf\xbf");
    write_album(begin(ANSWER_XML, TEXT_NONE, false), evil);
    OK(text_contains(buffer_view(&out),
                     TEXT("name=\"&lt;&quot;&amp;&gt;&#10;\xEF\xBF\xBD\xEF\xBF\xBD caf\xc3\xa9 "
                          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"")),
       "XML gets entities, and U+FFFD for what XML cannot carry");
    write_album(begin(ANSWER_JSON, TEXT_NONE, false), evil);
    OK(text_contains(buffer_view(&out), TEXT("<\\\"&>\\n\\u0001\xEF\xBF\xBD caf\xc3\xa9")),
       "JSON gets its own");
}

static void write_values(struct answer *answer)
{
    answer_list(answer, "genre");
    answer_item(answer);
    answer_u64(answer, "songCount", 2);
    answer_value(answer, TEXT("R&B"));
    answer_end(answer);
    answer_end(answer);
    answer_begin(answer, "info");
    answer_double(answer, "gain", -6.5, 2);
    answer_i64(answer, "offset", -5);
    answer_date(answer, "created", 86400000);
    answer_some_u64(answer, "none", 0);
    answer_element(answer, "biography", TEXT("born"));
    answer_list(answer, "folder");
    answer_list_u64(answer, 1);
    answer_end(answer);
    answer_end(answer);
    answer_close(answer);
}

static void test_values(void)
{
    write_values(begin(ANSWER_JSON, TEXT_NONE, false));
    OK_TEXT(
        buffer_view(&out),
        TEXT(JSON_HEAD
             ",\"genre\":[{\"songCount\":2,\"value\":\"R&B\"}],\"info\":{\"gain\":-6.50,\"offset\":"
             "-5,"
             "\"created\":\"1970-01-02T00:00:00.000Z\",\"biography\":\"born\",\"folder\":[1]}}}"),
        "numbers, dates and own texts in JSON");
    write_values(begin(ANSWER_XML, TEXT_NONE, false));
    OK_TEXT(
        buffer_view(&out),
        TEXT(XML_EXTENDED
             "><genre songCount=\"2\">R&amp;B</genre><info gain=\"-6.50\" offset=\"-5\" "
             "created=\"1970-01-02T00:00:00.000Z\"><biography>born</biography><folder>1</folder>"
             "</info></subsonic-response>"),
        "an own text is the content of its element in XML");
}

static void test_callbacks(void)
{
    OK(answer_callback_is_safe(TEXT("jQuery19_$.cb[0]")), "a callback may be a path in JavaScript");
    OK(!answer_callback_is_safe(TEXT("")), "an empty callback is refused");
    OK(!answer_callback_is_safe(TEXT("alert(1)//")), "a callback that would run is refused");
    OK(!answer_callback_is_safe(TEXT("a<script>")), "a callback with markup is refused");
}

int main(void)
{
    buffer_init(&out, 1 << 20);
    test_envelopes();
    test_nesting();
    test_escapes();
    test_values();
    test_callbacks();
    buffer_release(&out);
    return tap_done();
}
