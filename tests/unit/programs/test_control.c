// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/control.h"

#include "base/mem.h"
#include "io/file.h"
#include "programs/control_client.h"
#include "tap.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sostenuto-control-XXXXXX";
static struct loop *main_loop;
static struct control_request *kept; /* the one request that the handler left unanswered */
static bool was_refused_carried_out; /* read when the main loop has ended */

static void echo(void *context, struct control_request *request, struct text line)
{
    (void)context;
    char answer[256];
    if (text_equal(line, TEXT("keep"))) {
        assert(!kept); /* a second would never be answered */
        __atomic_store_n(&kept, request, __ATOMIC_RELEASE);
        return;
    }
    was_refused_carried_out |= text_equal(line, TEXT("anybody"));
    int size = snprintf(answer, sizeof answer, "heard %.*s", TEXT_ARGS(line));
    control_answer(request, text_make(answer, (size_t)size));
}

static void *run_main_loop(void *context)
{
    (void)context;
    loop_run(main_loop);
    return NULL;
}

static struct text ask(int fd, struct text line, struct buffer *answer)
{
    buffer_reset(answer);
    return control_client_ask(fd, line, answer) == 0 ? buffer_view(answer) : TEXT("(failed)");
}

/* One line and no byte more, without asking. */
static struct text read_line(int fd, struct buffer *answer)
{
    char byte;
    buffer_reset(answer);
    while (recv(fd, &byte, 1, 0) == 1 && byte != '\n')
        buffer_append(answer, &byte, 1);
    return buffer_view(answer);
}

static void test_talking(void)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    int fd = control_client_connect(folder);
    OK(fd >= 0, "a client connects");
    OK_TEXT(ask(fd, TEXT("one"), &answer), TEXT("heard one"), "a line is answered by a line");
    (void)!write(fd, "two\nthree\n", 10);
    OK_TEXT(read_line(fd, &answer), TEXT("heard two"), "a second on the same connection");
    OK_TEXT(read_line(fd, &answer), TEXT("heard three"),
            "lines that came together are answered in order");
    (void)close(fd);

    char *flood = mem_zalloc(CONTROL_MAX_LINE_BYTES + 1);
    memset(flood, 'x', CONTROL_MAX_LINE_BYTES + 1);
    fd = control_client_connect(folder);
    struct text refused = ask(fd, text_make(flood, CONTROL_MAX_LINE_BYTES + 1), &answer);
    OK(text_starts(refused, TEXT("{\"ok\":false")) || text_equal(refused, TEXT("(failed)")),
       "a line without end is refused");
    (void)close(fd);
    mem_free(flood);
    buffer_release(&answer);
}

static void test_answers_that_come_together(void)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    int ends[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 &&
           file_write_all(ends[1], "first\nsecond\n", 13) == 0,
       "two answers that arrive at once");
    OK_TEXT(ask(ends[0], TEXT("one"), &answer), TEXT("first"), "are told apart");
    OK_TEXT(ask(ends[0], TEXT("two"), &answer), TEXT("second"), "and both are heard");
    (void)close(ends[0]);
    (void)close(ends[1]);
    buffer_release(&answer);
}

static void test_limits(void)
{
    struct stat status;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/control.sock", folder);
    OK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600,
       "the socket is for its owner alone");
    int fds[CONTROL_MAX_CONNECTIONS + 1];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = control_client_connect(folder);
    char byte;
    OK(recv(fds[CONTROL_MAX_CONNECTIONS], &byte, 1, 0) == 0, "one connection too many is closed");
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        (void)close(fds[i]);
}

/* The main loop stands still: the control thread answers by itself. */
static void test_busy(struct control *control)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    int fd = control_client_connect(folder);
    OK_TEXT(ask(fd, TEXT("anybody"), &answer), TEXT(CONTROL_BUSY_ANSWER),
            "a busy main loop gets an honest answer");
    (void)close(fd);
    buffer_release(&answer);
    (void)control;
}

/*
 * Tries again only when it was refused because the slots of closed connections are still being
 * freed: a second request beside one that is merely slow would be kept too.  A descriptor or -1.
 */
static int leave_request_open(void)
{
    for (int tries = 0; tries < 200; tries++) {
        int fd = control_client_connect(folder);
        if (fd < 0)
            return -1;
        (void)!write(fd, "keep\n", 5);
        struct pollfd refusal = {.fd = fd, .events = POLLIN};
        do {
            if (__atomic_load_n(&kept, __ATOMIC_ACQUIRE))
                return fd;
        } while (poll(&refusal, 1, 1) == 0);
        (void)close(fd);
    }
    return -1;
}

int main(void)
{
    struct control *control = NULL;
    pthread_t thread;
    if (!mkdtemp(folder))
        return 1;
    OK(control_client_connect(folder) == -ENOENT, "without a server there is nobody to talk to");
    main_loop = loop_new();
    OK(control_start(folder, main_loop, NULL, echo, NULL, &control) == 0,
       "the control socket starts");
    test_busy(control);
    (void)pthread_create(&thread, NULL, run_main_loop, NULL);
    test_talking();
    test_answers_that_come_together();
    test_limits();
    int fd = leave_request_open();
    OK(fd >= 0, "a request is left open");
    loop_stop(main_loop);
    (void)pthread_join(thread, NULL);
    OK(!was_refused_carried_out, "what was answered as busy is not carried out later");
    control_stop(&control);
    OK(!control, "stopping with a request open works");
    control_answer(kept, TEXT("late"));
    (void)close(fd);
    OK(control_client_connect(folder) == -ENOENT, "afterwards the socket is gone");
    loop_free(&main_loop);
    (void)rmdir(folder);
    return tap_done();
}
