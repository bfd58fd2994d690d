// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/log.h"
#include "tap.h"

static char last[9000];
static size_t last_size;

static void keep(void *context UNUSED, enum log_level level UNUSED, struct text line)
{
    memcpy(last, line.data, line.size);
    last_size = line.size;
}

int main(void)
{
    struct logger logger = {.sink = keep, .least = LOG_INFO, .format = LOG_FORMAT_JSON};
    LOG(&logger, LOG_INFO, "signed in", {"user", TEXT("a\"b")}, {"token", TEXT("s3cret")},
        {"ms", LOG_NUMBER(-5)});
    OK_TEXT(text_make(last, last_size),
            TEXT("{\"level\":\"info\",\"event\":\"signed "
                 "in\",\"user\":\"a\\\"b\",\"token\":\"[redacted]\",\"ms\":\"-5\"}"),
            "an event is one JSON line and a secret never reaches it");
    last_size = 0;
    LOG_EVENT(&logger, LOG_DEBUG, "chatter");
    OK(last_size == 0, "what is below the level is dropped");
    static char huge[20000];
    memset(huge, 'x', sizeof huge);
    LOG(&logger, LOG_ERROR, "too long", {"path", text_make(huge, sizeof huge)});
    OK_TEXT(text_make(last, last_size), TEXT("{\"level\":\"error\",\"event\":\"too long\"}"),
            "a line too long keeps its event");

    counter_add(COUNTER_REQUESTS, 3);
    struct buffer out;
    buffer_init(&out, 65536);
    counters_write_prometheus(&out);
    OK(text_contains(buffer_view(&out), TEXT("\nsostenuto_http_requests_total 3\n")),
       "a counter is shown with its value");
    buffer_release(&out);
    return tap_done();
}
