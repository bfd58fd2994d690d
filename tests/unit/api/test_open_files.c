// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/open_files.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRESH_US = 200000, LOOKED_US = 10000 };

static struct loop *loop;
static char path[] = "/tmp/test_open_files_XXXXXX";

static int make_file(void)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    OK(write(fd, "sound", 5) == 5, "a file is there");
    return fd;
}

static struct open_file_key key_of(uint8_t first)
{
    return (struct open_file_key){.id = {first}, .version = 7};
}

static struct open_files *files_of(size_t max_files)
{
    const struct open_files_limits limits = {.max_files = max_files,
                                             .object_bytes = 8,
                                             .memory_bytes = 12,
                                             .fresh_us = FRESH_US,
                                             .recheck_us = LOOKED_US};
    return open_files_new(loop, &limits);
}

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static struct open_file *keep(struct open_files *files, uint8_t first)
{
    struct open_file_key key = key_of(first);
    return open_files_keep(files, &key, make_file(), TEXT("audio/flac"), 0);
}

static struct open_file *lend(struct open_files *files, uint8_t first)
{
    struct open_file_key key = key_of(first);
    return open_files_lend(files, &key);
}

static void test_lending(void)
{
    struct open_files *files = files_of(8);
    OK(!lend(files, 1), "what was not opened is not lent");
    struct open_file *file = keep(files, 1);
    OK(file->size_bytes == 5 && strcmp(file->content_type, "audio/flac") == 0,
       "a file that is kept is lent at once, with its size and type");
    OK(lend(files, 1) == file, "and again, while the first still has it");
    struct open_file_key other = key_of(1);
    other.version = 8;
    OK(!open_files_lend(files, &other), "but not for another version");
    open_file_back(file);
    open_file_back(file);
    int fd = file->fd;
    OK(is_open(fd), "when all are back it stays open");
    open_files_free(&files);
    OK(!is_open(fd), "until the end");
}

static void on_end(struct loop_timer *timer UNUSED, uint64_t now_us UNUSED) { loop_stop(loop); }

static void pass(uint64_t us)
{
    struct loop_timer end = {.on_timer = on_end};
    loop_timer_start(loop, &end, loop_now_us(loop) + us);
    loop_run(loop);
}

static void test_changes(void)
{
    struct open_files *files = files_of(8);
    struct open_file *file = keep(files, 1);
    int writer = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    OK(write(writer, "!", 1) == 1, "it grows");
    pass(LOOKED_US);
    OK(!lend(files, 1), "a file that grew is not lent again");
    OK(is_open(file->fd), "who has it keeps it");
    int fd = file->fd;
    open_file_back(file);
    OK(!is_open(fd), "and closes it by giving it back");
    close(writer);
    file = keep(files, 1);
    open_file_back(file);
    unlink(path);
    pass(LOOKED_US);
    OK(!lend(files, 1), "a file that was removed or replaced is not lent again");
    open_files_free(&files);
}

static void test_bound(void)
{
    struct open_files *files = files_of(4);
    struct open_file *first = keep(files, 0);
    int fd = first->fd;
    open_file_back(first);
    for (uint8_t i = 1; i < 5; i++)
        open_file_back(keep(files, i));
    OK(!lend(files, 0) && !is_open(fd), "the fifth of four takes the place of the oldest");
    open_files_free(&files);
}

static void test_time(void)
{
    struct open_files *files = files_of(8);
    struct open_file *kept = keep(files, 1), *lent = keep(files, 2);
    int kept_fd = kept->fd, lent_fd = lent->fd;
    open_file_back(kept);
    pass(2 * FRESH_US + 50000);
    OK(!is_open(kept_fd),
       "what nobody has is closed after a moment, so a removed file frees its room");
    OK(!lend(files, 2) && is_open(lent_fd),
       "what somebody has is not lent any more, but stays open");
    open_files_free(&files);
    OK(is_open(lent_fd), "even beyond the end");
    open_file_back(lent);
    OK(!is_open(lent_fd), "until it comes back");
}

/* Written long ago, as far as its time tells. */
static int settled(int fd)
{
    const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    OK(futimens(fd, times) == 0, "it was written long ago");
    return fd;
}

static struct open_file *keep_settled(struct open_files *files, uint8_t first)
{
    struct open_file_key key = key_of(first);
    return open_files_keep(files, &key, settled(make_file()), TEXT("audio/flac"), 0);
}

static void test_bytes(void)
{
    struct open_files *files = files_of(8);
    struct open_file *young = keep(files, 1), *held = keep_settled(files, 2);
    OK(!young->bytes, "a file that was written a moment ago may yet change unseen: not held");
    OK(held->bytes && memcmp(held->bytes, "sound", 5) == 0, "an older one is held");
    int writer = open(path, O_WRONLY | O_CLOEXEC);
    OK(write(writer, "NOISE", 5) == 5, "it is written over, at the same size");
    OK(memcmp(held->bytes, "sound", 5) == 0, "who has it keeps what it was");
    pass(LOOKED_US);
    OK(!lend(files, 2), "and nobody gets it after the next look");
    open_file_back(held);
    open_file_back(young);
    close(writer);
    open_files_free(&files);
}

static void test_room_for_bytes(void)
{
    struct open_files *files = files_of(8);
    struct open_file *a = keep_settled(files, 1), *b = keep_settled(files, 2),
                     *c = keep_settled(files, 3);
    OK(a->bytes && b->bytes && !c->bytes, "two of five bytes fit in twelve, the third is a file");
    open_file_back(a);
    open_file_back(b);
    open_file_back(c);
    pass(FRESH_US);
    OK(!lend(files, 1), "what is no longer fresh");
    c = keep_settled(files, 3);
    OK(c->bytes != NULL, "makes room");
    open_file_back(c);
    int fd = make_file();
    OK(write(fd, "012345678", 9) == 9, "nine bytes more");
    struct open_file_key key = key_of(4);
    struct open_file *large = open_files_keep(files, &key, settled(fd), TEXT("audio/flac"), 0);
    OK(large && !large->bytes, "a large one is never held");
    open_file_back(large);
    open_files_free(&files);
}

static void test_trailer(void)
{
    struct open_files *files = files_of(8);
    struct open_file_key key = key_of(5);
    struct open_file *file =
        open_files_keep(files, &key, settled(make_file()), TEXT("image/webp"), 2);
    OK(file->size_bytes == 3 && file->bytes && memcmp(file->bytes, "sou", 3) == 0,
       "a trailer is no part of what is sent");
    pass(LOOKED_US);
    OK(lend(files, 5) == file, "and a file that has one is as it was");
    open_file_back(file);
    open_file_back(file);
    key = key_of(6);
    OK(!open_files_keep(files, &key, make_file(), TEXT("image/webp"), 6),
       "one that is shorter than its trailer is not kept");
    open_files_free(&files);
}

static void test_date_put_back(void)
{
    struct open_files *files = files_of(8);
    struct open_file *held = keep_settled(files, 7);
    int writer = open(path, O_WRONLY | O_CLOEXEC);
    OK(write(writer, "NOISE", 5) == 5, "a file is written over");
    pass(LOOKED_US);
    (void)settled(writer);
    OK(!lend(files, 7), "and is noticed though its date was put back");
    open_file_back(held);
    close(writer);
    open_files_free(&files);
}

int main(void)
{
    int fd = mkstemp(path);
    close(fd);
    loop = loop_new();
    test_lending();
    test_changes();
    test_bound();
    test_time();
    test_bytes();
    test_room_for_bytes();
    test_trailer();
    test_date_put_back();
    unlink(path);
    loop_free(&loop);
    return tap_done();
}
