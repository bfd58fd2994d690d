// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/serve.h"

#include "media/worker/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:allocator_may_return_null=1"; /* looking for leaks needs ptrace */
}
#endif

bool serve_read(void *context, uint64_t offset, void *into, size_t size)
{
    const struct serve_job *job = context;
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(job->file, (char *)into + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false; /* an error, or the file shrank */
        done += (size_t)got;
    }
    return true;
}

/* --- one message in, with up to two descriptors --- */

struct message {
    char bytes[256];
    size_t size;
    int fds[2];
};

static void take_descriptors(struct msghdr *header, struct message *message)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(message->fds, CMSG_DATA(control), (count < 2 ? count : 2) * sizeof(int));
    }
}

/* False when the pool has gone. */
static bool receive(struct message *message)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {message->bytes, sizeof message->bytes};
    struct msghdr header = {.msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    ssize_t got;
    message->fds[0] = message->fds[1] = -1;
    while ((got = recvmsg(WIRE_SOCKET, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (got <= 0)
        return false;
    message->size = (size_t)got;
    take_descriptors(&header, message);
    return true;
}

static void send_reply(const struct wire_reply *reply, struct buffer *out)
{
    buffer_reset(out);
    wire_encode_reply(reply, out);
    struct iovec vector = {out->data, out->size};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    while (sendmsg(WIRE_SOCKET, &header, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            _exit(1); /* nobody listens */
}

/* --- jobs --- */

static enum media_outcome run(const struct serve_role *role, void *state, struct serve_job *job)
{
    struct stat status;
    if (job->file < 0 || job->request->job != role->job || fstat(job->file, &status) < 0)
        return MEDIA_UNREADABLE;
    if (!S_ISREG(status.st_mode))
        return MEDIA_NOT_AUDIO;
    job->file_size = (uint64_t)status.st_size;
    return role->run(state, job);
}

static void serve_one(const struct serve_role *role, void *state, const struct message *message,
                      struct buffer *payload, struct buffer *out)
{
    struct wire_request request;
    if (!wire_decode_request(text_make(message->bytes, message->size), &request))
        _exit(1);
    struct serve_job job = {.request = &request,
                            .file = message->fds[0],
                            .output = message->fds[1],
                            .payload = payload};
    buffer_reset(payload);
    struct wire_reply reply = {
        .id = request.id, .outcome = run(role, state, &job), .written = job.written};
    if (reply.outcome == MEDIA_OK)
        reply.payload = buffer_view(payload);
    send_reply(&reply,
               out); /* before the descriptors close: a pipe's end means that the answer is there */
    for (size_t i = 0; i < ARRAY_SIZE(message->fds); i++)
        if (message->fds[i] >= 0)
            close(message->fds[i]);
}

static NORETURN void serve(const struct serve_role *role, void *state)
{
    struct buffer payload, out;
    struct message message;
    buffer_init(&payload, MEDIA_INFO_MAX_BYTES);
    buffer_init(&out, WIRE_MAX_BYTES);
    send_reply(&(struct wire_reply){.outcome = MEDIA_OK}, &out);
    do {
        if (!receive(&message))
            break;
        serve_one(role, state, &message, &payload, &out);
    } while (!role->is_single);
    _exit(0); /* no destructors: libraries' threads may still sleep */
}

int serve_main(const struct serve_role *roles, size_t role_count, int argc, char **argv)
{
    uint64_t memory_bytes = 0;
    struct stat status;
    if (argc < 3 || !text_to_u64(text_of(argv[2]), &memory_bytes) ||
        fstat(WIRE_SOCKET, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        fprintf(stderr, "%s is started by sostenuto, not by hand\n",
                argc ? argv[0] : "sostenuto-media");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a listener who leaves is an answer of write() */
    mallopt(M_ARENA_MAX,
            1); /* each would reserve 64 MiB of the address space that we are about to limit */
    for (size_t i = 0; i < role_count; i++) {
        if (!text_equal(text_of(argv[1]), text_of(roles[i].word)))
            continue;
        if (argc > 3)
            sandbox_background();
        void *state = roles[i].prepare();
        sandbox_limit(roles[i].sandbox, memory_bytes);
        sandbox_enter(roles[i].sandbox, !roles[i].is_single);
        serve(&roles[i], state);
    }
    return 2;
}

/* --- the probing role; artwork.c and transcode.c have their own --- */

static void *prepare_probe(void) { return probe_new(); }

static enum media_outcome run_probe(void *state, struct serve_job *job)
{
    return probe_read(state, serve_read, job, job->file_size, job->payload);
}

const struct serve_role serve_probe = {"probe", SANDBOX_PROBE, WIRE_PROBE,
                                       false,   prepare_probe, run_probe};
