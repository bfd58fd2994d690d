// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/taken_place.h"

#include "base/json.h"
#include "io/file.h"

int taken_place_write(int folder_fd, uint64_t epoch, int64_t now_ms)
{
    struct buffer bytes;
    struct json json;
    buffer_init(&bytes, 1024);
    json_init(&json, &bytes);
    json_begin_object(&json);
    json_member_u64(&json, "epoch", epoch);
    json_member_i64(&json, "at",
                    now_ms / 1000 + 1); /* whole: what was written until now is before */
    json_end_object(&json);
    int error = file_write_atomic(folder_fd, "promoted", buffer_view(&bytes), 0600);
    buffer_release(&bytes);
    return error;
}
