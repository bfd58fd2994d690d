// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/foreign.h"
#include "adopt/render.h"
#include "adopt/visit.h"
#include "tap.h"

#include <expat.h>

/* What servers say, and what the island says in their place. */

static void what_an_answer_is(void)
{
    static const struct {
        const char *claim, *type, *body;
        unsigned status;
        enum pass_says says;
        int code;
    } rows[] = {
        {"JSON with its status at the end is an answer", "application/json",
         "{\"subsonic-response\":{\"song\":{\"title\":\"x\"},\"status\":\"ok\"}}", 200, PASS_OK, 0},
        {"a title cannot pass for a status", "application/json",
         "{\"subsonic-response\":{\"song\":{\"title\":\"\\\"status\\\":\\\"ok\\\"\"},"
         "\"error\":{\"code\":40},\"status\":\"failed\"}}",
         200, PASS_FAILED, 40},
        {"XML is an answer", "text/xml",
         "<?xml version=\"1.0\"?><subsonic-response status=\"ok\" version=\"1.13.0\"/>", 200,
         PASS_OK, 0},
        {"XML tells its error", "text/xml",
         "<subsonic-response status=\"failed\"><error code=\"70\" message=\"\"/>"
         "</subsonic-response>",
         200, PASS_FAILED, 70},
        {"in XML the root says it, and nothing that is quoted in it", "text/xml",
         "<subsonic-response status='failed'><error code='0' message='No status=\"ok\"'/>", 200,
         PASS_AWAY, 0},
        {"an error page with status 200 is no answer", "text/html",
         "<html><body>It works!</body></html>", 200, PASS_AWAY, 0},
        {"some other JSON is no answer", "application/json", "{\"detail\":\"down\"}", 200,
         PASS_AWAY, 0},
        {"an overloaded server is away", "application/json",
         "{\"subsonic-response\":{\"status\":\"ok\"}}", 503, PASS_AWAY, 0},
        {"a picture is what was meant", "image/jpeg", "\xff\xd8", 200, PASS_BYTES, 0},
        {"an endpoint that is not there is the server's word", "text/html", "<html>404", 404,
         PASS_BYTES, 0},
        {"nothing is no answer", "application/json", "", 200, PASS_AWAY, 0},
        {"an error's code that is no number is none", "text/xml",
         "<subsonic-response status=\"failed\"><error code=\"4x\"/>", 200, PASS_FAILED, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int code = -1;
        enum pass_says says =
            pass_read(rows[i].status, text_of(rows[i].type), text_of(rows[i].body), &code);
        OK(says == rows[i].says && code == rows[i].code, rows[i].claim);
    }
}

static void whom_an_answer_proves(void)
{
    OK(pass_proves(TEXT("ping")) && pass_proves(TEXT("getAlbum")) && pass_proves(TEXT("getLyrics")),
       "who is answered what is asked of somebody has signed in");
    OK(!pass_proves(TEXT("getOpenSubsonicExtensions")) && !pass_proves(TEXT("getServerNews")) &&
           !pass_proves(TEXT("")) && !pass_proves(TEXT("ping/../getOpenSubsonicExtensions")),
       "what is open to everybody proves nobody, nor does what nobody knows");
}

static enum foreign_end read_of(const char *body)
{
    json_t *response = NULL;
    int code;
    enum foreign_end end = foreign_read(text_of(body), &response, &code);
    json_decref(response);
    return end;
}

static void what_the_walk_believes(void)
{
    OK(read_of("{\"subsonic-response\":{\"status\":\"ok\"}}") == FOREIGN_OK, "an answer is one");
    OK(read_of("{\"subsonic-response\":{\"status\":\"failed\"}}") == FOREIGN_ERROR,
       "an error without a code is one");
    OK(read_of("[]") == FOREIGN_NONSENSE &&
           read_of("{\"subsonic-response\":7}") == FOREIGN_NONSENSE &&
           read_of("{\"subsonic-response\":{\"status\":1}}") == FOREIGN_NONSENSE,
       "other JSON is none");
    OK(read_of("{\"subsonic-response\":{\"status\":\"ok\",\"status\":\"failed\"}}") ==
           FOREIGN_NONSENSE,
       "an answer that says two things is none");
    OK(read_of("") == FOREIGN_NONSENSE && read_of("<html>") == FOREIGN_NONSENSE, "a page is none");
}

static struct text rendered(enum render_format format, json_t *body, struct buffer *out)
{
    json_t *envelope = json_pack("{ssss}", "version", "1.10.2", "type", "other");
    const struct render render = {format, TEXT("cb"), envelope};
    buffer_reset(out);
    render_ok(&render, "album", body, out);
    json_decref(envelope);
    json_decref(body);
    return buffer_view(out);
}

static json_t *album(void)
{
    return json_pack("{sssis[{sssb}{ss}]s[s]s{ss}}", "name", "A & <B> \"C\"", "songCount", 2,
                     "song", "id", "1", "isDir", false, "id", "2", "mood", "calm", "genre", "value",
                     "Jazz");
}

static void forms(void)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    struct text xml = rendered(RENDER_XML, album(), &out);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    OK(XML_Parse(parser, xml.data, (int)xml.size, 1) == XML_STATUS_OK, "an answer is XML");
    XML_ParserFree(parser);
    OK(text_contains(xml, TEXT("name=\"A &amp; &lt;B&gt; &quot;C&quot;\"")),
       "scalars are attributes, escaped");
    OK(text_contains(xml, TEXT("<song id=\"1\" isDir=\"false\"></song><song id=\"2\"></song>")),
       "items of a list are elements");
    OK(text_contains(xml, TEXT("<genre>Jazz</genre>")) &&
           text_contains(xml, TEXT("<mood>calm</mood>")),
       "\"value\" and bare texts are an element's own");
    OK(text_contains(xml, TEXT("version=\"1.10.2\"")) && text_contains(xml, TEXT("type=\"other\"")),
       "the envelope is the server's");
    struct text json = rendered(RENDER_JSONP, album(), &out);
    OK(text_starts(json, TEXT("cb({")) && text_ends(json, TEXT("});")), "JSONP is called");
    OK(render_format_of(TEXT("jsonp"), TEXT("alert(1)//")) == RENDER_JSON,
       "a callback that is a program is not called");
    struct text odd =
        rendered(RENDER_XML, json_pack("{ssss}", "a b=\"", "x", "t", "\x01\xef\xbf\xbe!"), &out);
    parser = XML_ParserCreate("UTF-8");
    OK(XML_Parse(parser, odd.data, (int)odd.size, 1) == XML_STATUS_OK,
       "what XML has no way to write is left out");
    XML_ParserFree(parser);
    buffer_release(&out);
}

int main(void)
{
    what_an_answer_is();
    whom_an_answer_proves();
    what_the_walk_believes();
    forms();
    return tap_done();
}
