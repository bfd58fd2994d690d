// SPDX-License-Identifier: GPL-3.0-or-later
/* A foreign server's answer, whatever it is: judged alike by both readers, and well-formed as XML.
 */
#include "adopt/render.h"
#include "adopt/visit.h"
#include "adopt/foreign.h"
#include "adopt/walk.h"
#include <expat.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text body = {(const char *)data, size};
    json_t *response = NULL;
    int code;
    (void)!pass_read(200, TEXT("application/json"), body, &code);
    if (foreign_read(body, &response, &code) == FOREIGN_NONSENSE)
        return response ? (abort(), 0) : 0;
    struct buffer out;
    buffer_init(&out, 64 << 20);
    walk_impersonal(response, 0);
    render_ok(&(struct render){.format = RENDER_XML}, "answer", response, &out);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    if (!out.overflowed && XML_Parse(parser, out.data, (int)out.size, 1) != XML_STATUS_OK)
        abort();
    XML_ParserFree(parser);
    buffer_release(&out);
    json_decref(response);
    return 0;
}
