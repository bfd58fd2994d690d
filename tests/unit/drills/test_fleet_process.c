// SPDX-License-Identifier: GPL-3.0-or-later
/* Children by pid, and the music that is made for a server. */
#include "drills/fleet_library.h"
#include "drills/fleet_process.h"
#include "tap.h"

#include "io/file.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/test-fleet-XXXXXX";

static int run(const char *script, struct text input, const char *out)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    const struct fleet_command command = {.arguments = arguments,
                                          .environment = {"SOSTENUTO_FAULT_BOARD=x"},
                                          .out_path = out,
                                          .input = input};
    return fleet_process_run(&command, 2000);
}

static void test_run(void)
{
    char path[64];
    struct buffer out;
    buffer_init(&out, 4096);
    (void)snprintf(path, sizeof path, "%s/out", folder);
    OK(run("exit 3", TEXT_NONE, NULL) == 3, "an exit code comes back");
    OK(run("kill -9 $$", TEXT_NONE, NULL) == 128 + SIGKILL, "so does a signal");
    OK(run("sleep 30", TEXT_NONE, NULL) == -ETIME, "what takes too long is ended");
    (void)setenv("SOSTENUTO_DATA", "/mine", 1);
    (void)setenv("NOTIFY_SOCKET", "/mine", 1);
    int code = run("cat; env | grep -E 'SOSTENUTO|NOTIFY'", TEXT("hello\n"), path);
    OK(code == 0 && file_read(AT_FDCWD, path, &out) == 0, "a child has input and output");
    OK_TEXT(buffer_view(&out), TEXT("hello\nSOSTENUTO_FAULT_BOARD=x\n"),
            "settings of the person are not handed on, ours are");
    buffer_release(&out);
}

static void test_look(void)
{
    const char *const arguments[] = {"/bin/sh", "-c", "sleep 30 & wait", NULL};
    const struct fleet_command command = {.arguments = arguments};
    struct fleet_process_seen seen;
    static const struct timespec moment = {.tv_nsec = 100000000};
    pid_t pid = fleet_process_start(&command);
    nanosleep(&moment, NULL);
    fleet_process_look(pid, &seen);
    OK(seen.state == 'S' && seen.started > 0 && seen.resident_bytes > 0, "a process is looked at");
    pid_t child = fleet_process_child(pid, "sleep");
    OK(child > 0 && fleet_process_child(pid, "nothing") == 0, "its child is found by name");
    kill(child, SIGSTOP);
    nanosleep(&moment, NULL);
    fleet_process_look(child, &seen);
    OK(seen.state == 'T', "one that stands still is seen to");
    kill(child, SIGKILL);
    OK(fleet_process_end(pid, 1000) >= 0, "it is ended by its pid");
    fleet_process_look(pid, &seen);
    OK(seen.state == 0, "and gone");
}

static void test_library(void)
{
    char music[64], path[128];
    struct buffer track;
    struct stat other;
    buffer_init(&track, 1 << 20);
    (void)snprintf(music, sizeof music, "%s/music", folder);
    const struct fleet_library library = {.tracks = 25, .seconds = 6, .kbit = 64};
    OK(fleet_library_make(music, &library) == 0, "music is made");
    (void)snprintf(path, sizeof path, "%s/Artist 01/Album 02/03 Track.mp3", music);
    OK(file_read(AT_FDCWD, path, &track) == 0 && text_starts(buffer_view(&track), TEXT("ID3\4")),
       "tagged");
    OK(track.size > 48000 && track.size < 48200, "as long as its bit rate says: 6 s of 8 kB");
    const char *sync = memmem(track.data, track.size, "\xff\xfb\x54\xc0", 4);
    OK(sync && (track.data + track.size - sync) % 192 == 0, "in whole frames of 192 bytes");
    (void)snprintf(path, sizeof path, "%s/Artist 02/Album 03/05 Track.mp3", music);
    OK(stat(path, &other) == 0, "ten tracks an album, two albums an artist");
    buffer_release(&track);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_run();
    test_look();
    test_library();
    const char *const remove[] = {"/bin/rm", "-r", folder, NULL};
    const struct fleet_command command = {.arguments = remove};
    OK(fleet_process_run(&command, 5000) == 0, "and all is cleaned up");
    return tap_done();
}
