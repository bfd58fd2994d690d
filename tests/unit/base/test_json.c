// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "tap.h"

static void test_decimals(void)
{
    struct buffer out;
    struct json json;
    buffer_init(&out, 200);
    json_init(&json, &out);
    json_begin_array(&json);
    json_u64(&json, 0);
    json_u64(&json, UINT64_MAX);
    json_i64(&json, INT64_MIN);
    json_i64(&json, INT64_MAX);
    json_end_array(&json);
    OK_TEXT(buffer_view(&out),
            TEXT("[0,18446744073709551615,-9223372036854775808,9223372036854775807]"),
            "whole numbers are written to their ends");
    buffer_release(&out);
}

int main(void)
{
    struct buffer out;
    struct json json;
    buffer_init(&out, 1024);
    json_init(&json, &out);
    json_begin_object(&json);
    json_member_u64(&json, "a", 1);
    json_name(&json, "list");
    json_begin_array(&json);
    json_begin_object(&json);
    json_end_object(&json);
    json_text(&json, TEXT("x"));
    json_double(&json, 1.0 / 3, 2);
    json_double(&json, __builtin_nan(""), 2);
    json_end_array(&json);
    json_member_bool(&json, "b", false);
    json_member_bytes(&json, "c", "\xFB\xFF\x00", 3);
    json_member_bytes(&json, "d", NULL, 0);
    json_end_object(&json);
    OK_TEXT(buffer_view(&out),
            TEXT("{\"a\":1,\"list\":[{},\"x\",0.33,null],\"b\":false,\"c\":\"-_8A\",\"d\":\"\"}"),
            "commas stand where they belong");
    buffer_reset(&out);
    json_quote(&out, TEXT("q\" b\\ n\n z\x01 e\xC3\xA9 bad\xFF!"));
    OK_TEXT(buffer_view(&out), TEXT("\"q\\\" b\\\\ n\\n z\\u0001 e\xC3\xA9 bad\xEF\xBF\xBD!\""),
            "quotes, controls and broken UTF-8 are made safe");
    buffer_release(&out);
    test_decimals();
    return tap_done();
}
