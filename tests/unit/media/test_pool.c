// SPDX-License-Identifier: GPL-3.0-or-later
/* usage: test_pool WORKER DRILL_WORKER: the pool against workers that loop, crash, eat, break out
 * and lie. */
#include "media/transcode.h"
#include "tap.h"

#include "io/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int file_with(struct text content)
{
    int fd = memfd_create("drill", MFD_CLOEXEC);
    if (write(fd, content.data, content.size) != (ssize_t)content.size)
        abort();
    return fd;
}

/* One second of silence, 8 bit mono at 8,000 Hz. */
static int wav_file(unsigned seconds)
{
    struct buffer wav;
    uint32_t size = seconds * 8000;
    buffer_init(&wav, 1 << 20);
    buffer_text(&wav, TEXT("RIFF"));
    buffer_u32(&wav, 36 + size);
    buffer_text(&wav,
                TEXT("WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data"));
    buffer_u32(&wav, size);
    memset(buffer_reserve(&wav, size), 0x80, size);
    wav.size += size;
    int fd = file_with(buffer_view(&wav));
    buffer_release(&wav);
    return fd;
}

static enum media_outcome probe_drill(struct media_pool *pool, const char *name)
{
    struct media_info info = {0};
    char content[64];
    snprintf(content, sizeof content, "DRILL %s\n", name);
    int fd = file_with(text_of(content));
    enum media_outcome outcome = media_probe(pool, fd, &info);
    media_info_release(&info);
    close(fd);
    return outcome;
}

static enum media_outcome probe_fd(struct media_pool *pool, int fd)
{
    struct media_info info = {0};
    enum media_outcome outcome = media_probe(pool, fd, &info);
    media_info_release(&info);
    return outcome;
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static struct media_config config_for(const char *worker)
{
    return (struct media_config){
        .worker_path = worker, .probe_workers = 2, .worker_memory_bytes = 192U << 20};
}

/* --- one bad file at a time --- */

static void test_drills(const char *drill_worker)
{
    static const struct {
        const char *name, *claim;
        enum media_outcome expected;
    } cases[] = {
        {"crash", "a file that crashes its worker is reported as such", MEDIA_CRASHED},
        {"open", "no file can be opened", MEDIA_CRASHED},
        {"socket", "no socket can be made", MEDIA_CRASHED},
        {"exec", "nothing can be executed", MEDIA_CRASHED},
        {"fork", "no process can be made", MEDIA_CRASHED},
        {"kill", "nobody can be signalled", MEDIA_CRASHED},
        {"trace", "nothing can be traced", MEDIA_CRASHED},
        {"code", "no memory can be made executable", MEDIA_CRASHED},
        {"vanish", "a worker that leaves in mid-job has crashed", MEDIA_CRASHED},
        {"babble", "a worker that talks nonsense has crashed", MEDIA_CRASHED},
        {"lie", "an answer that does not decode is not believed", MEDIA_CRASHED},
        {"eat", "a file that eats memory is stopped", MEDIA_OUT_OF_MEMORY},
        {"look", "a worker sees its socket and its file, no other descriptor, and no environment",
         MEDIA_NOT_AUDIO},
        {"nothing known", "other files are read as usual", MEDIA_NOT_AUDIO},
    };
    struct media_config config = config_for(drill_worker);
    struct media_pool *pool = media_pool_start(&config);
    int good = wav_file(1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum media_outcome outcome = probe_drill(pool, cases[i].name);
        OK(outcome == cases[i].expected, cases[i].claim);
        if (outcome != cases[i].expected)
            printf("# %s: %s\n", cases[i].name, media_outcome_word(outcome));
    }
    OK(probe_fd(pool, good) == MEDIA_OK, "after all of them a good file is read");
    struct buffer image;
    buffer_init(&image, 1 << 20);
    OK(media_artwork(pool, good, MEDIA_EMBEDDED, 64, MEDIA_WEBP, &image) == MEDIA_CRASHED &&
           !image.size,
       "a picture shorter than its worker claims is not believed");
    buffer_release(&image);
    close(good);
    media_pool_stop(&pool);
}

static void test_deadline(const char *drill_worker)
{
    struct media_config config = config_for(drill_worker);
    config.probe_deadline_ms = 300;
    struct media_pool *pool = media_pool_start(&config);
    (void)probe_drill(pool, "look"); /* workers are up */
    uint64_t begin_us = clock_monotonic_us();
    enum media_outcome outcome = probe_drill(pool, "loop");
    uint64_t took_ms = (clock_monotonic_us() - begin_us) / 1000;
    OK(outcome == MEDIA_TIMEOUT, "a file that loops is ended at its deadline");
    OK(took_ms >= 300 && took_ms < 5000, "and not much later");
    media_pool_stop(&pool);
}

/* --- many in flight --- */

static void count_outcome(void *context, void *token, enum media_outcome outcome,
                          struct media_info *info)
{
    size_t *counts = context;
    counts[outcome] += (size_t)(uintptr_t)token;
    if (info)
        media_info_release(info);
}

static void test_batch(const char *drill_worker)
{
    struct media_config config = config_for(drill_worker);
    size_t counts[16] = {0}, before = open_descriptors();
    config.probe_deadline_ms = 500;
    struct media_pool *pool = media_pool_start(&config);
    struct media_batch *batch = media_batch_new(pool, count_outcome, counts);
    for (int i = 0; i < 300; i++)
        media_batch_add(batch,
                        i % 100 == 50 ? file_with(TEXT("DRILL crash\n"))
                        : i == 210    ? file_with(TEXT("DRILL loop\n"))
                                      : wav_file(1),
                        (void *)1);
    media_batch_flush(batch);
    printf("# ok %zu, crashed %zu, timeout %zu\n", counts[MEDIA_OK], counts[MEDIA_CRASHED],
           counts[MEDIA_TIMEOUT]);
    OK(counts[MEDIA_CRASHED] == 3 && counts[MEDIA_TIMEOUT] == 1,
       "in a batch only the bad files are reported");
    OK(counts[MEDIA_OK] == 296, "and all others are read, those behind a bad one too");
    media_batch_free(&batch);
    media_pool_stop(&pool);
    OK(open_descriptors() == before, "no descriptor is left open");
    OK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left behind");
}

static void *probe_often(void *context)
{
    size_t good = 0;
    for (int i = 0; i < 50; i++) {
        int fd = wav_file(1);
        good += probe_fd(context, fd) == MEDIA_OK;
        close(fd);
    }
    return (void *)(uintptr_t)good;
}

static void test_threads(const char *worker)
{
    struct media_config config = config_for(worker);
    config.jobs_per_worker = 30; /* several generations */
    struct media_pool *pool = media_pool_start(&config);
    pthread_t threads[6];
    size_t good = 0;
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_create(&threads[i], NULL, probe_often, pool);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        void *result;
        pthread_join(threads[i], &result);
        good += (size_t)(uintptr_t)result;
    }
    OK(good == 300, "threads probe at once, across workers that retire");
    media_pool_stop(&pool);
}

/* --- limits --- */

static void test_busy(const char *drill_worker)
{
    struct media_config config = config_for(drill_worker);
    size_t counts[16] = {0};
    config.max_queued = 2;
    config.probe_workers = 1;
    config.probe_deadline_ms = 1000;
    struct media_pool *pool = media_pool_start(&config);
    (void)probe_drill(pool, "look");
    struct media_batch *batch = media_batch_new(pool, count_outcome, counts);
    for (int i = 0; i < 40; i++)
        media_batch_add(batch, file_with(i ? TEXT("text") : TEXT("DRILL loop\n")), (void *)1);
    media_batch_flush(batch);
    OK(counts[MEDIA_BUSY] >= 30 && counts[MEDIA_TIMEOUT] == 1,
       "a full queue refuses rather than grow");
    OK(counts[MEDIA_NOT_AUDIO] + counts[MEDIA_BUSY] == 39, "and what it took it answers");
    media_batch_free(&batch);
    media_pool_stop(&pool);
}

static void *stop_soon(void *context)
{
    usleep(200 * 1000);
    media_pool_stop(context);
    return NULL;
}

static void test_stop(const char *drill_worker)
{
    struct media_config config = config_for(drill_worker);
    size_t counts[16] = {0};
    struct media_pool *pool = media_pool_start(&config), *stopping = pool;
    struct media_batch *batch = media_batch_new(pool, count_outcome, counts);
    pthread_t thread;
    for (int i = 0; i < 20; i++)
        media_batch_add(batch, file_with(TEXT("DRILL loop\n")), (void *)1);
    pthread_create(&thread, NULL, stop_soon, &stopping);
    media_batch_free(&batch);
    pthread_join(thread, NULL);
    OK(counts[MEDIA_BUSY] == 20, "a pool that stops answers every job it holds");
    struct media_config missing = config_for("/nonexistent/sostenuto-media");
    struct media_pool *none = media_pool_start(&missing);
    OK(probe_drill(none, "look") == MEDIA_NO_WORKER,
       "a missing executable is an answer, not a wait");
    media_pool_stop(&none);
    struct media_config wrong = config_for("/bin/true");
    none = media_pool_start(&wrong);
    OK(probe_drill(none, "look") == MEDIA_NO_WORKER, "so is one that is not ours");
    media_pool_stop(&none);
}

static size_t drain(int pipe_end, size_t most)
{
    char bytes[4096];
    size_t total = 0;
    for (ssize_t got = 1; got != 0 && total < most;) {
        struct pollfd readable = {.fd = pipe_end, .events = POLLIN};
        if (poll(&readable, 1, 10000) <= 0)
            break;
        got = read(pipe_end, bytes, sizeof bytes);
        total += got > 0 ? (size_t)got : 0;
    }
    return total;
}

static void test_transcodes(const char *worker)
{
    struct media_config config = config_for(worker);
    const struct media_transcode_request request = {.format = MEDIA_FORMAT_FLAC};
    struct media_transcode *first = NULL, *second = NULL, *third = NULL;
    int ends[2] = {-1, -1}, file = wav_file(60);
    config.max_transcodes = 2;
    struct media_pool *pool = media_pool_start(&config);
    OK(media_transcode_start(pool, file, &request, &ends[0], &first) == MEDIA_OK &&
           media_transcode_start(pool, file, &request, &ends[1], &second) == MEDIA_OK,
       "transcodes run beside one another");
    int none = -1;
    OK(media_transcode_start(pool, file, &request, &none, &third) == MEDIA_BUSY && none == -1 &&
           !third,
       "one more than allowed is refused");
    OK(drain(ends[0], SIZE_MAX) > 1000 && media_transcode_end(&first) == MEDIA_OK && !first,
       "read to its end, it is well");
    close(ends[0]);
    OK(drain(ends[1], 1) > 0, "of the other one a listener hears the beginning");
    media_pool_stop(&pool);
    (void)media_transcode_end(&second);
    OK(!second, "and it may be ended after its pool has stopped");
    close(ends[1]);
    close(file);
    OK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left behind");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    test_drills(argv[2]);
    test_deadline(argv[2]);
    test_batch(argv[2]);
    test_threads(argv[1]);
    test_busy(argv[2]);
    test_stop(argv[2]);
    test_transcodes(argv[1]);
    return tap_done();
}
