// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/launch_list.h"
#include "tap.h"

static bool reads(const char *body)
{
    struct launch_list list;
    bool is_read = launch_list_read(text_of(body), 1, &list);
    if (is_read)
        launch_list_release(&list);
    return is_read;
}

static void what_is_written_is_read(void)
{
    struct catalog_id tracks[2] = {{{1}}, {{2}}};
    const struct launch_list list = {.number = 7, .at_s = 1795737600, .tracks = tracks, .count = 2};
    struct launch_list got;
    struct buffer out;
    buffer_init(&out, LAUNCH_MAX_BYTES);
    launch_list_write(&list, &out);
    OK(launch_list_read(buffer_view(&out), 7, &got) && got.number == 7 && got.at_s == list.at_s,
       "number and moment come back");
    OK(got.count == 2 && catalog_id_equal(&got.tracks[1], &tracks[1]), "and its songs, in order");
    launch_list_release(&got);
    buffer_release(&out);
}

static void what_is_no_launch_is_refused(void)
{
    OK(reads("{\"format\":\"launch 1.3\",\"at\":0,\"tracks\":[],\"more\":1}"), "a later minor one");
    OK(!reads("{\"format\":\"launch 2.0\",\"at\":0,\"tracks\":[]}"), "not another major one");
    OK(!reads("{\"format\":\"launch 1.0\",\"tracks\":[]}") && !reads("") && !reads("[1]"),
       "not half of one");
    OK(!reads("{\"format\":\"launch 1.0\",\"at\":0,\"tracks\":[\"al-AAAAAAAAAAAAAAAAAAAAAA\"]}") &&
           !reads("{\"format\":\"launch 1.0\",\"at\":0,\"tracks\":[7]}"),
       "nor what names no songs");
}

int main(void)
{
    what_is_written_is_read();
    what_is_no_launch_is_refused();
    return tap_done();
}
