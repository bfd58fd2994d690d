// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A worker that misbehaves as its file says ("DRILL crash\n"), in the real sandbox and under the
 * real pool.  A program of its own, so that sostenuto-media has no such door.  Other files are
 * probed as usual.
 */
#include "media/worker/probe.h"
#include "media/worker/serve.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static enum media_outcome survived(void)
{
    return MEDIA_NO_PICTURE; /* no test expects this word */
}

static enum media_outcome drill_loop(struct serve_job *job)
{
    for (volatile unsigned i = 1; i; i |= 1)
        (void)job;
    return survived();
}

static enum media_outcome drill_crash(struct serve_job *job)
{
    (void)job;
    raise(SIGSEGV);
    abort();
}

static enum media_outcome drill_eat(struct serve_job *job)
{
    (void)job;
    for (volatile char *bytes; (bytes = malloc(1 << 20));)
        for (size_t i = 0; i < 1 << 20; i += 4096)
            bytes[i] = 1;
    return MEDIA_OUT_OF_MEMORY;
}

static enum media_outcome drill_open(struct serve_job *job)
{
    (void)job;
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? MEDIA_CRASHED : survived();
}

static enum media_outcome drill_socket(struct serve_job *job)
{
    (void)job;
    (void)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return survived();
}

static enum media_outcome drill_exec(struct serve_job *job)
{
    char path[] = "/bin/true", *argv[] = {path, NULL};
    (void)job;
    (void)execv(path, argv);
    return survived();
}

static enum media_outcome drill_fork(struct serve_job *job)
{
    (void)job;
    if (fork() == 0)
        _exit(0);
    return survived();
}

static enum media_outcome drill_kill(struct serve_job *job)
{
    (void)job;
    (void)kill(getppid(), SIGTERM);
    return survived();
}

static enum media_outcome drill_trace(struct serve_job *job)
{
    (void)job;
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    return survived();
}

static enum media_outcome drill_code(struct serve_job *job)
{
    (void)job;
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? MEDIA_CRASHED : survived();
}

static enum media_outcome drill_vanish(struct serve_job *job)
{
    (void)job;
    _exit(0);
}

static enum media_outcome drill_babble(struct serve_job *job)
{
    (void)job;
    (void)!write(WIRE_SOCKET, "nonsense", 8);
    pause();
    return survived();
}

static enum media_outcome drill_lie(struct serve_job *job)
{
    buffer_text(job->payload, TEXT("\x01 this is no media_info"));
    return MEDIA_OK;
}

/* Only the standard files, the socket and the job's file may be open. */
static enum media_outcome drill_look(struct serve_job *job)
{
    struct stat status;
    for (int fd = WIRE_SOCKET + 1; fd < 32; fd++)
        if (fd != job->file && fstat(fd, &status) == 0)
            return survived();
    return environ && environ[0] ? survived() : MEDIA_NOT_AUDIO;
}

static const struct {
    struct text word;
    enum media_outcome (*run)(struct serve_job *job);
} drills[] = {
    {TEXT_INIT("loop"), drill_loop},     {TEXT_INIT("crash"), drill_crash},
    {TEXT_INIT("eat"), drill_eat},       {TEXT_INIT("open"), drill_open},
    {TEXT_INIT("socket"), drill_socket}, {TEXT_INIT("exec"), drill_exec},
    {TEXT_INIT("fork"), drill_fork},     {TEXT_INIT("kill"), drill_kill},
    {TEXT_INIT("trace"), drill_trace},   {TEXT_INIT("code"), drill_code},
    {TEXT_INIT("vanish"), drill_vanish}, {TEXT_INIT("babble"), drill_babble},
    {TEXT_INIT("lie"), drill_lie},       {TEXT_INIT("look"), drill_look},
};

static enum media_outcome run(void *state, struct serve_job *job)
{
    char head[32] = {0};
    size_t seen = job->file_size < sizeof head - 1 ? (size_t)job->file_size : sizeof head - 1;
    if (!serve_read(job, 0, head, seen))
        return MEDIA_UNREADABLE;
    struct text word = text_trim(text_of(head));
    for (size_t i = 0; text_starts(word, TEXT("DRILL ")) && i < ARRAY_SIZE(drills); i++)
        if (text_equal(text_from(word, 6), drills[i].word))
            return drills[i].run(job);
    return serve_probe.run(state, job);
}

/* An encode that says nothing and ends when its file is emptied. */
static enum media_outcome run_package(void *state, struct serve_job *job)
{
    char head[5];
    if (!serve_read(job, 0, head, sizeof head) || !text_equal(text_make(head, 5), TEXT("DRILL")))
        return serve_package.run(state, job);
    while (serve_read(job, 0, head, 1))
        (void)usleep(5000);
    return MEDIA_DAMAGED;
}

/* Claims to have written more than it did. */
static enum media_outcome run_artwork(void *state, struct serve_job *job)
{
    (void)state;
    job->written = 1000;
    return MEDIA_OK;
}

static void *prepare_nothing(void) { return NULL; }

int main(int argc, char **argv)
{
    const struct serve_role roles[] = {
        {"probe", SANDBOX_PROBE, WIRE_PROBE, false, serve_probe.prepare, run},
        {"artwork", SANDBOX_PROBE, WIRE_ARTWORK, false, prepare_nothing, run_artwork},
        {"package", serve_package.sandbox, WIRE_PACKAGE, true, serve_package.prepare, run_package},
    };
    return serve_main(roles, ARRAY_SIZE(roles), argc, argv);
}
