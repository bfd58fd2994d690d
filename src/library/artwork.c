// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/artwork.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/resident.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 64, MAX_SOURCES = 8, MAGIC_BYTES = 8 };
#define MAGIC "sostart1"
#define UNCOUNTED UINT64_MAX

struct flight {
    char name[NAME_BYTES]; /* empty: free */
    unsigned waiting;
    bool is_done;
    int error;
};

struct artwork {
    struct lookup *lookup;
    struct media_pool *media;
    char *folder;
    uint64_t max_bytes;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t landed;
    struct flight flights[ARTWORK_MAX_IN_FLIGHT];
    unsigned waiting;
    uint64_t bytes; /* UNCOUNTED until the first production */
};

/* --- names --- */

uint32_t artwork_ladder(uint32_t size_px)
{
    static const uint32_t steps[] = {64, 128, 300, 600, 1200};
    for (size_t i = 0; i < ARRAY_SIZE(steps) && size_px; i++)
        if (size_px <= steps[i])
            return steps[i];
    return steps[ARRAY_SIZE(steps) - 1];
}

static void name_of(const uint8_t digest[16], uint32_t size_px, enum library_art_format format,
                    char name[NAME_BYTES])
{
    char hex[33];
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(name, NAME_BYTES, "%.2s/%s-%u.%s", hex, hex, artwork_ladder(size_px),
             format == LIBRARY_ART_WEBP ? "webp" : "jpg");
}

/* --- what is there already --- */

/* The date of change is the date of use; once an hour is exact enough. */
static void touch(int fd, const struct stat *status)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec - status->st_mtim.tv_sec > 3600)
        (void)futimens(fd, NULL);
}

enum { TRAILER_BYTES = MAGIC_BYTES + LIBRARY_SHA256_BYTES };

/* False: there is none, or a disk would have to be waited for. */
static bool read_trailer(int fd, uint64_t at, bool may_wait, uint8_t ret[LIBRARY_SHA256_BYTES])
{
    uint8_t trailer[TRAILER_BYTES];
    if ((!may_wait && !resident_has(NULL, fd, at, at + sizeof trailer, 0)) ||
        file_read_at(fd, trailer, sizeof trailer, at) || memcmp(trailer, MAGIC, MAGIC_BYTES) != 0)
        return false;
    memcpy(ret, trailer + MAGIC_BYTES, LIBRARY_SHA256_BYTES);
    return true;
}

static int open_cached(const struct artwork *artwork, const char *name,
                       enum library_art_format format, bool may_wait, struct library_art *ret)
{
    char path[4096 + NAME_BYTES];
    snprintf(path, sizeof path, "%s/%s", artwork->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    struct stat status;
    struct library_art art = {.fd = fd,
                              .trailer_bytes = TRAILER_BYTES,
                              .content_type =
                                  format == LIBRARY_ART_WEBP ? "image/webp" : "image/jpeg"};
    bool is_whole = fstat(fd, &status) == 0 && status.st_size > TRAILER_BYTES;
    art.size_bytes = is_whole ? (uint64_t)status.st_size - TRAILER_BYTES : 0;
    if (!is_whole || !read_trailer(fd, art.size_bytes, may_wait, art.sha256)) {
        close(fd);
        return -EAGAIN;
    }
    touch(fd, &status);
    *ret = art;
    return 0;
}

int artwork_open_cached(struct artwork *artwork, const uint8_t digest[16], uint32_t size_px,
                        enum library_art_format format, struct library_art *ret)
{
    char name[NAME_BYTES];
    name_of(digest, size_px, format, name);
    return open_cached(artwork, name, format, false, ret);
}

/* --- keeping the folder small --- */

struct cached {
    char name[NAME_BYTES];
    int64_t used_s;
    uint64_t bytes;
};

struct cached_list {
    struct cached *items;
    size_t count, capacity;
    uint64_t bytes;
};

static void list_shelf(const struct artwork *artwork, const char *shelf, struct cached_list *list)
{
    char path[4096 + NAME_BYTES];
    snprintf(path, sizeof path, "%s/%s", artwork->folder, shelf);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat status;
        if (entry->d_name[0] == '.' || strlen(entry->d_name) + 4 > NAME_BYTES ||
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (list->count == list->capacity) {
            list->capacity = list->capacity ? list->capacity * 2 : 256;
            list->items = mem_realloc_array(list->items, list->capacity, sizeof *list->items);
        }
        struct cached *cached = &list->items[list->count++];
        snprintf(cached->name, sizeof cached->name, "%.2s/%.60s", shelf, entry->d_name);
        cached->used_s = status.st_mtim.tv_sec;
        cached->bytes = (uint64_t)status.st_size;
        list->bytes += cached->bytes;
    }
    if (folder)
        closedir(folder);
}

static void list_all(const struct artwork *artwork, struct cached_list *list)
{
    for (unsigned shelf = 0; shelf < 256; shelf++) {
        char name[3];
        snprintf(name, sizeof name, "%02x", shelf);
        list_shelf(artwork, name, list);
    }
}

static int by_use(const void *a, const void *b)
{
    const struct cached *x = a, *y = b;
    return (x->used_s > y->used_s) - (x->used_s < y->used_s);
}

/* Counts, and if need be removes; gives the size that is left. */
static uint64_t tidy(const struct artwork *artwork)
{
    struct cached_list list = {0};
    list_all(artwork, &list);
    if (list.bytes > artwork->max_bytes && list.count) {
        qsort(list.items, list.count, sizeof *list.items, by_use);
        for (size_t i = 0; i < list.count && list.bytes > artwork->max_bytes / 10 * 9; i++) {
            char path[4096 + NAME_BYTES];
            snprintf(path, sizeof path, "%s/%s", artwork->folder, list.items[i].name);
            if (unlink(path) == 0)
                list.bytes -= list.items[i].bytes;
        }
    }
    mem_free(list.items);
    return list.bytes;
}

static void account(struct artwork *artwork, uint64_t added)
{
    pthread_mutex_lock(&artwork->lock);
    bool must_tidy = artwork->bytes == UNCOUNTED || artwork->bytes + added > artwork->max_bytes;
    artwork->bytes = must_tidy ? 0 : artwork->bytes + added; /* others go on while one counts */
    pthread_mutex_unlock(&artwork->lock);
    if (!must_tidy)
        return;
    uint64_t bytes = tidy(artwork);
    pthread_mutex_lock(&artwork->lock);
    artwork->bytes += bytes;
    pthread_mutex_unlock(&artwork->lock);
}

/* --- making one --- */

static int errno_of(enum media_outcome outcome)
{
    switch (outcome) {
    case MEDIA_OK:
        return 0;
    case MEDIA_BUSY:
    case MEDIA_NO_WORKER:
    case MEDIA_TIMEOUT:
        return -EBUSY;
    case MEDIA_NO_PICTURE:
        return -ENOENT;
    case MEDIA_UNREADABLE:
        return -EIO;
    default:
        return -EBADMSG;
    }
}

static int resize(struct artwork *artwork, const struct lookup_picture *picture, uint32_t size_px,
                  enum library_art_format format, struct buffer *image)
{
    int fd = lookup_open(artwork->lookup, &picture->place, O_RDONLY);
    if (fd < 0)
        return fd;
    enum media_outcome outcome =
        media_artwork(artwork->media, fd, picture->is_embedded ? MEDIA_EMBEDDED : MEDIA_IMAGE_FILE,
                      size_px, format == LIBRARY_ART_WEBP ? MEDIA_WEBP : MEDIA_JPEG, image);
    close(fd);
    return errno_of(outcome);
}

static int write_image(int fd, struct text image)
{
    uint8_t trailer[TRAILER_BYTES];
    memcpy(trailer, MAGIC, MAGIC_BYTES);
    if (!EVP_Digest(image.data, image.size, trailer + MAGIC_BYTES, NULL, EVP_sha256(), NULL))
        return -ENOMEM;
    int error = file_write_all(fd, image.data, image.size);
    return error ? error : file_write_all(fd, trailer, sizeof trailer);
}

static int store(struct artwork *artwork, const char *name, struct text image)
{
    char path[4096 + NAME_BYTES], part[4096 + NAME_BYTES];
    snprintf(path, sizeof path, "%s/%s", artwork->folder, name);
    snprintf(part, sizeof part, "%s/%.2s", artwork->folder, name);
    int error = file_make_dirs(AT_FDCWD, part, 0700);
    if (error)
        return error;
    /* no fsync: a cache; a reader sees the whole file or none */
    snprintf(part, sizeof part, "%s/%s.new", artwork->folder, name);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    error = write_image(fd, image);
    close(fd);
    if (!error && rename(part, path) < 0)
        error = -errno;
    if (error)
        (void)unlink(part);
    return error;
}

static int make(struct artwork *artwork, const char *name, const uint8_t digest[16],
                uint32_t size_px, enum library_art_format format)
{
    struct lookup_picture sources[MAX_SOURCES];
    size_t count = lookup_pictures(artwork->lookup, digest, sources, MAX_SOURCES);
    struct buffer image;
    buffer_init(&image, ARTWORK_MAX_IMAGE_BYTES);
    int error = -ENOENT;
    for (size_t i = 0; i < count && error && error != -EBUSY; i++)
        error = resize(artwork, &sources[i], artwork_ladder(size_px), format, &image);
    for (size_t i = 0; i < count; i++)
        lookup_place_release(&sources[i].place);
    if (!error)
        error = store(artwork, name, buffer_view(&image));
    if (!error)
        account(artwork, image.size + TRAILER_BYTES);
    buffer_release(&image);
    return error;
}

/* --- one production however many ask --- */

enum role { ROLE_LEAD, ROLE_FOLLOW, ROLE_FULL };

/* With the lock held. */
static enum role join(struct artwork *artwork, const char *name, struct flight **ret)
{
    struct flight *free_one = NULL;
    for (size_t i = 0; i < ARTWORK_MAX_IN_FLIGHT; i++) {
        struct flight *flight = &artwork->flights[i];
        if (!flight->name[0])
            free_one = flight;
        if (flight->is_done || strcmp(flight->name, name) != 0)
            continue;
        *ret = flight;
        return artwork->waiting < ARTWORK_MAX_WAITING ? ROLE_FOLLOW : ROLE_FULL;
    }
    if (!free_one)
        return ROLE_FULL;
    *free_one = (struct flight){0};
    snprintf(free_one->name, sizeof free_one->name, "%s", name);
    *ret = free_one;
    return ROLE_LEAD;
}

static int follow(struct artwork *artwork, struct flight *flight)
{
    artwork->waiting++;
    flight->waiting++;
    while (!flight->is_done)
        pthread_cond_wait(&artwork->landed, &artwork->lock);
    artwork->waiting--;
    int error = flight->error;
    if (--flight->waiting == 0)
        flight->name[0] = '\0';
    return error;
}

static void land(struct artwork *artwork, struct flight *flight, int error)
{
    flight->is_done = true;
    flight->error = error;
    if (flight->waiting)
        pthread_cond_broadcast(&artwork->landed);
    else
        flight->name[0] = '\0';
}

int artwork_open(struct artwork *artwork, const uint8_t digest[16], uint32_t size_px,
                 enum library_art_format format, struct library_art *ret)
{
    char name[NAME_BYTES];
    name_of(digest, size_px, format, name);
    int error = open_cached(artwork, name, format, true, ret);
    if (error != -EAGAIN)
        return error;
    struct flight *flight = NULL;
    pthread_mutex_lock(&artwork->lock);
    enum role role = join(artwork, name, &flight);
    if (role == ROLE_FOLLOW) {
        error = follow(artwork, flight);
    } else if (role == ROLE_LEAD) {
        pthread_mutex_unlock(&artwork->lock);
        error = make(artwork, name, digest, size_px, format);
        pthread_mutex_lock(&artwork->lock);
        land(artwork, flight, error);
    }
    pthread_mutex_unlock(&artwork->lock);
    if (role == ROLE_FULL)
        return -EBUSY;
    return error ? error : open_cached(artwork, name, format, true, ret);
}

/* --- life and death --- */

struct artwork *artwork_new(const struct artwork_config *config)
{
    struct artwork *artwork = MEM_NEW(struct artwork);
    artwork->lookup = config->lookup;
    artwork->media = config->media;
    artwork->max_bytes = config->max_bytes ? config->max_bytes : ARTWORK_DEFAULT_BYTES;
    artwork->bytes = UNCOUNTED;
    if (asprintf(&artwork->folder, "%s/cache/art", config->state_folder) < 0)
        abort();
    pthread_mutex_init(&artwork->lock, NULL);
    pthread_cond_init(&artwork->landed, NULL);
    return artwork;
}

void artwork_free(struct artwork **artwork)
{
    if (!*artwork)
        return;
    pthread_cond_destroy(&(*artwork)->landed);
    pthread_mutex_destroy(&(*artwork)->lock);
    mem_free((*artwork)->folder);
    mem_free(*artwork);
    *artwork = NULL;
}
