// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/fleet_library.h"

#include "base/buffer.h"
#include "io/file.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FRAME_MS = 24,
    HEADER_BYTES = 4,
    SIDE_BYTES = 17, /* of mono */
    TRACKS_PER_ALBUM = 10,
    ALBUMS_PER_ARTIST = 2,
    CHUNK_BYTES = 1 << 20,
};

static unsigned bit_rate_index(unsigned kbit)
{
    static const unsigned rates[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
    unsigned index = 0;
    while (index + 1 < ARRAY_SIZE(rates) && rates[index] < kbit)
        index++;
    return index + 1;
}

static void put_frame(struct buffer *out, unsigned kbit, uint32_t *noise)
{
    size_t size = kbit * 3;
    char *frame = buffer_reserve(out, size);
    if (!frame)
        return;
    memset(frame, 0, HEADER_BYTES + SIDE_BYTES);
    frame[0] = '\xff';
    frame[1] = '\xfb'; /* MPEG-1, layer III, no CRC */
    frame[2] = (char)(bit_rate_index(kbit) << 4 | 1 << 2);
    frame[3] = '\xc0'; /* mono */
    for (size_t i = HEADER_BYTES + SIDE_BYTES; i < size; i++) {
        *noise = *noise * 1664525 + 1013904223;
        frame[i] = (char)(*noise >> 25); /* 0 to 127: never looks like a frame's begin */
    }
    out->size += size;
}

/* An ID3v2.4 text frame (id3v2.4.0-frames 4.2); these are all shorter than 128 bytes. */
static void put_tag(struct buffer *out, const char *id, const char *words)
{
    buffer_append(out, id, 4);
    buffer_append(out, "\0\0\0", 3);
    buffer_byte(out, (uint8_t)(strlen(words) + 1));
    buffer_append(out, "\0\0\3", 3); /* no flags; UTF-8 */
    buffer_text(out, text_of(words));
}

static void put_tags(struct buffer *out, unsigned at)
{
    struct buffer frames;
    char words[64];
    unsigned album = at / TRACKS_PER_ALBUM, artist = album / ALBUMS_PER_ARTIST;
    buffer_init(&frames, 4096);
    (void)snprintf(words, sizeof words, "Track %u of the drill", at + 1);
    put_tag(&frames, "TIT2", words);
    (void)snprintf(words, sizeof words, "Artist %02u", artist + 1);
    put_tag(&frames, "TPE1", words);
    (void)snprintf(words, sizeof words, "Album %02u", album + 1);
    put_tag(&frames, "TALB", words);
    (void)snprintf(words, sizeof words, "%u", at % TRACKS_PER_ALBUM + 1);
    put_tag(&frames, "TRCK", words);
    put_tag(&frames, "TCON", "Drill");
    buffer_append(out, "ID3\4\0\0\0\0", 8);
    buffer_byte(out, (uint8_t)(frames.size >> 7)); /* sizes have seven bits a byte */
    buffer_byte(out, (uint8_t)(frames.size & 0x7f));
    buffer_text(out, buffer_view(&frames));
    buffer_release(&frames);
}

static int write_track(int folder_fd, const char *name, unsigned at,
                       const struct fleet_library *library)
{
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    struct buffer chunk;
    buffer_init(&chunk, CHUNK_BYTES);
    put_tags(&chunk, at);
    uint32_t noise = at * 2654435761u + 1;
    uint64_t frames = (uint64_t)library->seconds * 1000 / FRAME_MS;
    int error = 0;
    for (uint64_t i = 0; i < frames && error == 0; i++) {
        put_frame(&chunk, library->kbit, &noise);
        if (chunk.size + library->kbit * 3 > CHUNK_BYTES || i + 1 == frames) {
            error = file_write_all(fd, chunk.data, chunk.size);
            buffer_reset(&chunk);
        }
    }
    buffer_release(&chunk);
    if (close(fd) != 0 && error == 0)
        error = -errno;
    return error;
}

static int make_track(const char *folder, unsigned at, const struct fleet_library *library)
{
    char path[4096], name[32];
    unsigned album = at / TRACKS_PER_ALBUM;
    int size = snprintf(path, sizeof path, "%s/Artist %02u/Album %02u", folder,
                        album / ALBUMS_PER_ARTIST + 1, album + 1);
    if (size < 0 || (size_t)size >= sizeof path)
        return -ENAMETOOLONG;
    int error = file_make_dirs(AT_FDCWD, path, 0755);
    int folder_fd = error < 0 ? error : file_open_dir(AT_FDCWD, path);
    if (folder_fd < 0)
        return folder_fd;
    (void)snprintf(name, sizeof name, "%02u Track.mp3", at % TRACKS_PER_ALBUM + 1);
    error = write_track(folder_fd, name, at, library);
    (void)close(folder_fd);
    return error;
}

int fleet_library_make(const char *folder, const struct fleet_library *library)
{
    int error = 0;
    for (unsigned at = 0; at < library->tracks && error == 0; at++)
        error = make_track(folder, at, library);
    return error;
}
