// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/inherited.h"

#include "programs/notify.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, as before an exec: what one passes the next takes. */
static int pass_and_take(void)
{
    struct inherited given = {.count = 0}, taken;
    int pipes[2];
    bool is_good = pipe2(pipes, O_CLOEXEC) == 0 && inherited_add(&given, "tickets", pipes[0]) &&
                   inherited_add(&given, "listen-[__1]_80", pipes[1]) && inherited_pass(&given);
    is_good = is_good && (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0;
    inherited_take(&taken);
    return is_good && taken.count == 2 && inherited_find(&taken, "tickets") == 0 &&
                   inherited_find(&taken, "listen-") == 1 && taken.all[1].fd >= INHERITED_ABOVE &&
                   (fcntl(taken.all[1].fd, F_GETFD) & FD_CLOEXEC) && !getenv("LISTEN_FDS") &&
                   write(taken.all[1].fd, "x", 1) == 1
               ? 0
               : 1;
}

static void test_passing(void)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(pass_and_take());
    OK(waitpid(pid, &status, 0) == pid && status == 0,
       "descriptors arrive under their names, in order, and nobody further down gets them");
}

static void test_not_ours(void)
{
    struct inherited taken;
    (void)setenv("LISTEN_PID", "1", 1);
    (void)setenv("LISTEN_FDS", "2", 1);
    inherited_take(&taken);
    OK(taken.count == 0 && !getenv("LISTEN_PID"),
       "what is meant for another process is left alone");
    (void)setenv("LISTEN_FDS", "many", 1);
    inherited_take(&taken);
    OK(taken.count == 0, "a number that is none is nothing");
}

static void test_claims(void)
{
    struct inherited all = {.count = 0};
    bool is_kept = true;
    for (int i = 0; i < INHERITED_MAX; i++)
        is_kept =
            is_kept && inherited_add(&all, i % 2 ? "odd" : "even", open("/dev/null", O_RDONLY));
    OK(is_kept && !inherited_add(&all, "more", open("/dev/null", O_RDONLY)),
       "there is room for a number of them, and a refusal behind it");
    inherited_drop(&all, "odd");
    OK(all.count == INHERITED_MAX / 2 && inherited_find(&all, "odd") == SIZE_MAX,
       "all of a name are dropped");
    int fd = inherited_claim(&all, "even");
    OK(fd >= 0 && all.count == INHERITED_MAX / 2 - 1, "one is claimed");
    OK(inherited_claim(&all, "odd") == -1, "nobody claims what is not there");
    (void)close(fd);
    inherited_close(&all);
    OK(all.count == 0, "the rest is closed");
}

static void test_channel(void)
{
    int pair[2], fd = -1;
    char state[NOTIFY_MAX_BYTES], name[8];
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    struct notify notify = {.channel = pair[0]};
    OK(!failed && notify_receive(pair[1], state, &fd) == -EAGAIN, "an empty channel says so");
    OK(notify_send_fd(&notify, "FDSTORE=1\nFDNAME=listening", pair[0]) &&
           notify_receive(pair[1], state, &fd) > 0 && fd >= 0,
       "a message brings a descriptor");
    OK(notify_says(state, "FDSTORE=1") && !notify_says(state, "FDSTORE"), "whole lines count");
    OK(notify_value(state, "FDNAME=", name, sizeof name), "a value is found");
    OK_TEXT(text_of(name), TEXT("listeni"), "and cut to fit");
    OK(!notify_value(state, "STATUS=", name, sizeof name), "one that is not there is not");
    (void)close(fd);
    (void)close(pair[0]);
    OK(notify_receive(pair[1], state, &fd) == 0, "the end is an end");
    (void)close(pair[1]);
}

int main(void)
{
    test_passing();
    test_not_ours();
    test_claims();
    test_channel();
    return tap_done();
}
