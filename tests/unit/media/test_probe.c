// SPDX-License-Identifier: GPL-3.0-or-later
/* Files made in memory: what is read of them, and what failing disks do. */
#include "media/worker/probe.h"
#include "tap.h"

#include "base/mem.h"

/* A file of `size` bytes: a head, then a pattern; counts what is read and fails from the nth read
 * on. */
struct disk {
    struct text head;
    uint64_t size, bytes_read;
    unsigned reads, fail_at;
};

static bool read_disk(void *context, uint64_t offset, void *into, size_t size)
{
    struct disk *disk = context;
    if (offset > disk->size || size > disk->size - offset || ++disk->reads == disk->fail_at)
        return false;
    disk->bytes_read += size;
    for (size_t i = 0; i < size; i++) {
        uint64_t at = offset + i;
        ((uint8_t *)into)[i] = at < disk->head.size ? (uint8_t)disk->head.data[at]
                                                    : (uint8_t)((at * 2654435761U) >> 13);
    }
    return true;
}

static enum media_outcome probe_disk(struct probe *probe, struct disk *disk,
                                     struct media_info *info)
{
    struct buffer out;
    buffer_init(&out, MEDIA_INFO_MAX_BYTES);
    enum media_outcome outcome = probe_read(probe, read_disk, disk, disk->size, &out);
    if (outcome == MEDIA_OK && !media_info_decode(buffer_view(&out), info))
        abort();
    buffer_release(&out);
    return outcome;
}

static void put_be32(struct buffer *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buffer_byte(out, (uint8_t)(value >> shift));
}

/* FLAC with a picture block of `picture` bytes before 30 MB of frames. */
static void flac_head(struct buffer *out, uint32_t picture)
{
    buffer_text(out, TEXT("fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0\0\x01\x58\x88"));
    for (int i = 0; i < 16; i++)
        buffer_byte(out, 0); /* no MD5: frames must be sampled */
    buffer_byte(out, 0x86);
    buffer_byte(out, (uint8_t)((picture + 42) >> 16));
    buffer_byte(out, (uint8_t)((picture + 42) >> 8));
    buffer_byte(out, (uint8_t)(picture + 42));
    put_be32(out, 3);
    put_be32(out, 10);
    buffer_text(out, TEXT("image/jpeg"));
    put_be32(out, 0);
    for (int i = 0; i < 4; i++)
        put_be32(out, 100);
    put_be32(out, picture);
    buffer_text(out, TEXT("\xff\xd8\xff"));
}

static void test_budget(struct probe *probe)
{
    struct buffer head;
    struct media_info info = {0};
    buffer_init(&head, 1 << 20);
    flac_head(&head, 10 << 20);
    struct disk disk = {.head = buffer_view(&head), .size = 30 << 20};
    OK(probe_disk(probe, &disk, &info) == MEDIA_OK && !info.is_partial,
       "a FLAC of 30 MB with a cover of 10 MB is read whole");
    OK(info.picture.size_bytes == 10 << 20, "its cover is known");
    OK(disk.bytes_read <= PROBE_READ_BYTES, "with at most 256 KiB read");
    printf("# %u reads, %u bytes\n", disk.reads, (unsigned)disk.bytes_read);
    media_info_release(&info);
    buffer_release(&head);
}

static void test_small(struct probe *probe)
{
    struct media_info info = {0};
    struct text head =
        TEXT("RIFF\x24\x60\0\0WAVEfmt "
             "\x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\x60\0\0");
    struct disk disk = {.head = head, .size = 44 + 0x6000};
    OK(probe_disk(probe, &disk, &info) == MEDIA_OK && info.duration_ms == 3072, "a small WAV");
    OK(disk.reads == 1, "is read by one read");
    media_info_release(&info);
    disk.reads = 0;
    disk.fail_at = 1;
    OK(probe_disk(probe, &disk, &info) == MEDIA_UNREADABLE,
       "a disk that fails is not a damaged file");
}

static void test_failing(struct probe *probe)
{
    struct buffer head;
    bool is_told = true;
    struct media_info info = {0};
    buffer_init(&head, 1 << 20);
    flac_head(&head, 1 << 20);
    struct disk disk = {.head = buffer_view(&head), .size = 30 << 20};
    (void)probe_disk(probe, &disk, &info);
    media_info_release(&info);
    for (unsigned at = disk.reads; at > 0; at--) {
        disk.reads = 0;
        disk.fail_at = at;
        is_told = is_told && probe_disk(probe, &disk, &info) == MEDIA_UNREADABLE;
    }
    OK(is_told, "whichever read fails, the outcome says so");
    buffer_release(&head);
}

int main(void)
{
    struct probe *probe = probe_new();
    test_budget(probe);
    test_small(probe);
    test_failing(probe);
    probe_free(&probe);
    return tap_done();
}
