// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/answer.h"
#include <assert.h>
#include <expat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a tag says, the answer is well-formed XML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text tag = {(const char *)data, size};
    struct buffer out;
    struct answer answer;
    buffer_init(&out, 16 << 20);
    answer_init(&answer, &out, ANSWER_XML, TEXT_NONE, false);
    answer_open(&answer, "ok", tag);
    answer_begin(&answer, "genre");
    answer_text(&answer, "name", tag);
    answer_value(&answer, tag);
    answer_end(&answer);
    answer_close(&answer);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    assert(XML_Parse(parser, out.data, (int)out.size, 1) == XML_STATUS_OK);
    XML_ParserFree(parser);
    buffer_release(&out);
    return 0;
}
