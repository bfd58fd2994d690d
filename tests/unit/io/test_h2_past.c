// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/h2_state.h"
#include "tap.h"

int main(void)
{
    struct h2_past past = {0};
    for (int32_t id = 1; id <= 9; id += 2)
        h2_past_open(&past, id);
    h2_past_open(&past, 21);
    OK(h2_past_judge(&past, 9) == H2_STREAM_CLOSED, "a frame after a stream's end");
    OK(h2_past_judge(&past, 21) == H2_STREAM_CLOSED, "also of the last one");
    OK(h2_past_judge(&past, 13) == H2_PROTOCOL_ERROR, "a frame of a stream that was left out");
    OK(h2_past_judge(&past, 23) == H2_PROTOCOL_ERROR, "a frame of a stream to come");
    OK(h2_past_judge(&past, 8) == H2_PROTOCOL_ERROR, "or of one that only a server could open");
    h2_past_reset(&past, 7);
    OK(h2_past_judge(&past, 7) == H2_NO_ERROR, "a stream that we reset may still get frames");
    for (int32_t id = 23; id < 23 + 2 * H2_PAST_RESETS; id += 2) {
        h2_past_open(&past, id);
        h2_past_reset(&past, id);
    }
    OK(h2_past_judge(&past, 7) == H2_NO_ERROR && h2_past_judge(&past, 5) == H2_NO_ERROR,
       "what fell out of the ring is forgiven");
    OK(h2_past_judge(&past, 9) == H2_STREAM_CLOSED, "what is younger is not");
    h2_past_open(&past, 1001);
    OK(h2_past_judge(&past, 701) == H2_STREAM_CLOSED, "far below, every stream counts as used");
    return tap_done();
}
