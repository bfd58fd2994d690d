// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/depot_file.h"
#include "base/mem.h"
#include "catalog/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = DEPOT_NAME_BYTES, NUMBER_DIGITS = 16 };

static const char *const suffixes[DEPOT_FILES] = {".list", ".core", ".detail", ".new"};

static void name_of(char name[NAME_SIZE], uint64_t number, enum depot_file kind, bool is_new)
{
    (void)snprintf(name, NAME_SIZE, "%016llx%s%s", (unsigned long long)number, suffixes[kind],
                   is_new ? ".new" : "");
}

bool depot_file_parse(const char *name, uint64_t *ret_number, enum depot_file *ret_kind)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < NUMBER_DIGITS; i++) {
        const char *digit = name[i] ? strchr("0123456789abcdef", name[i]) : NULL;
        if (!digit)
            return false;
        unsigned value =
            name[i] <= '9' ? (unsigned)(name[i] - '0') : (unsigned)(name[i] - 'a' + 10);
        number = number << 4 | value;
    }
    struct text rest = text_of(name + NUMBER_DIGITS);
    bool is_new = text_ends(rest, TEXT(".new"));
    for (unsigned kind = 0; kind < DEPOT_NEW; kind++)
        if (is_new ? text_starts(rest, text_of(suffixes[kind]))
                   : text_equal(rest, text_of(suffixes[kind]))) {
            *ret_number = number;
            *ret_kind = is_new ? DEPOT_NEW : (enum depot_file)kind;
            return true;
        }
    return false;
}

/* --- writing --- */

struct new_file new_file(int folder, uint64_t number, enum depot_file kind)
{
    struct new_file file = {.folder = folder};
    name_of(file.name, number, kind, true);
    name_of(file.final, number, kind, false);
    file.fd = openat(folder, file.name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    file.error = file.fd < 0 ? -errno : 0;
    return file;
}

void new_file_write(struct new_file *file, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0 && !file->error) {
        ssize_t written = write(file->fd, at, size);
        if (written < 0 && errno != EINTR)
            file->error = -errno;
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
}

int new_file_finish(struct new_file *file)
{
    if (!file->error && fsync(file->fd) < 0)
        file->error = -errno;
    if (file->fd >= 0 && close(file->fd) < 0 && !file->error)
        file->error = -errno;
    if (!file->error && renameat(file->folder, file->name, file->folder, file->final) < 0)
        file->error = -errno;
    if (!file->error && fsync(file->folder) < 0)
        file->error = -errno;
    if (file->error && file->fd >= 0)
        (void)unlinkat(file->folder, file->name, 0);
    return file->error;
}

int depot_write_list(int folder, struct list *list)
{
    struct buffer bytes;
    struct stat status;
    buffer_init(&bytes, 64 * 1024);
    list_write(list, &bytes);
    struct new_file file = new_file(folder, list->number, DEPOT_LIST);
    new_file_write(&file, bytes.data, bytes.size);
    buffer_release(&bytes);
    if (!file.error && fstat(file.fd, &status) == 0)
        list->published_s = status.st_mtim.tv_sec;
    return new_file_finish(&file);
}

/* A segment's two objects on their way to the disk, digested as they pass. */
struct two_files {
    struct new_file objects[SEGMENT_OBJECTS];
    EVP_MD_CTX *digests[SEGMENT_OBJECTS];
};

static struct two_files two_files_begin(int folder, uint64_t number)
{
    struct two_files files = {
        {new_file(folder, number, DEPOT_CORE), new_file(folder, number, DEPOT_DETAIL)},
        {EVP_MD_CTX_new(), EVP_MD_CTX_new()}};
    for (unsigned object = 0; object < SEGMENT_OBJECTS; object++)
        if (!EVP_DigestInit_ex(files.digests[object], EVP_sha256(), NULL))
            abort();
    return files;
}

static bool into_files(void *context, enum segment_object object, const void *data, size_t size)
{
    struct two_files *files = context;
    new_file_write(&files->objects[object], data, size);
    return EVP_DigestUpdate(files->digests[object], data, size) &&
           files->objects[object].error == 0;
}

static void fill_entry(struct list_entry *entry, const struct build_totals *totals,
                       struct two_files *files)
{
    entry->tracks = totals->tracks;
    entry->removals = totals->removals;
    memcpy(entry->size_bytes, totals->size_bytes, sizeof entry->size_bytes);
    for (unsigned object = 0; object < SEGMENT_OBJECTS; object++)
        if (!EVP_DigestFinal_ex(files->digests[object], entry->digest[object], NULL))
            abort();
}

static int error_of(enum build_result result)
{
    return result == BUILD_DONE || result == BUILD_SINK ? 0
           : result == BUILD_TOO_BIG                    ? -EFBIG
                                                        : -EINVAL;
}

int depot_write_segment(int folder, struct build *build, const struct list *list,
                        struct list_entry *entry, struct stored_segment **ret_stored)
{
    struct build_totals totals = {0};
    struct catalog_id dangling;
    const char *fault = NULL;
    struct two_files files = two_files_begin(folder, entry->number);
    int error = error_of(build_finish(build, into_files, &files, &totals, &dangling));
    for (unsigned object = 0; object < SEGMENT_OBJECTS; object++) {
        if (error && !files.objects[object].error)
            files.objects[object].error = error;
        int finished = new_file_finish(&files.objects[object]);
        error = error ? error : finished;
    }
    if (!error)
        fill_entry(entry, &totals, &files);
    for (unsigned object = 0; object < SEGMENT_OBJECTS; object++)
        EVP_MD_CTX_free(files.digests[object]);
    if (error)
        return error;
    *ret_stored = stored_segment_open(folder, list, entry, &fault);
    return *ret_stored ? 0 : -EIO;
}

/* --- reading --- */

bool depot_read_list(int folder, uint64_t number, struct list *ret)
{
    char name[NAME_SIZE],
        bytes[LIST_HEADER_SIZE + LIST_MAX_SEGMENTS * LIST_ENTRY_SIZE + FORMAT_DIGEST_SIZE + 1];
    name_of(name, number, DEPOT_LIST, false);
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    struct stat status;
    ssize_t size = fstat(fd, &status) == 0 ? read(fd, bytes, sizeof bytes) : -1;
    (void)close(fd);
    if (size <= 0 || !list_read(text_make(bytes, (size_t)size), ret))
        return false;
    ret->published_s = status.st_mtim.tv_sec;
    return true;
}

int depot_open_object(int folder, uint64_t number, enum segment_object object)
{
    char name[NAME_SIZE];
    name_of(name, number, object == SEGMENT_CORE ? DEPOT_CORE : DEPOT_DETAIL, false);
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

struct stored_segment {
    atomic_int references;
    struct segment segment;
    void *maps[SEGMENT_OBJECTS];
    size_t sizes[SEGMENT_OBJECTS];
};

static const char *map_file(struct stored_segment *stored, int folder,
                            const struct list_entry *entry, enum segment_object object)
{
    struct stat status;
    int fd = depot_open_object(folder, entry->number, object);
    if (fd < 0)
        return "is missing";
    bool fits = fstat(fd, &status) == 0 && (uint64_t)status.st_size == entry->size_bytes[object] &&
                status.st_size > 0;
    void *map =
        fits ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    (void)close(fd);
    if (map == MAP_FAILED)
        return fits ? "cannot be mapped" : "has another size than its list says";
    stored->maps[object] = map;
    stored->sizes[object] = (size_t)status.st_size;
    return stored->sizes[object] < FORMAT_HEADER_SIZE ? "was altered" : NULL;
}

/* By the digest in the object's header, as lists of major 1 have it; then takes the one of today.
 */
static bool is_as_listed_before(struct text bytes, uint8_t digest[FORMAT_DIGEST_SIZE],
                                const uint8_t whole[FORMAT_DIGEST_SIZE])
{
    if (!segment_digest_is_right(bytes) ||
        memcmp(bytes.data + FORMAT_DIGEST_AT, digest, FORMAT_DIGEST_SIZE) != 0)
        return false;
    memcpy(digest, whole, FORMAT_DIGEST_SIZE);
    return true;
}

static const char *map_object(struct stored_segment *stored, int folder, bool is_before,
                              struct list_entry *entry, enum segment_object object)
{
    uint8_t whole[FORMAT_DIGEST_SIZE], *listed = entry->digest[object];
    const char *fault = map_file(stored, folder, entry, object);
    if (fault)
        return fault;
    struct text bytes = text_make(stored->maps[object], stored->sizes[object]);
    if (!EVP_Digest(bytes.data, bytes.size, whole, NULL, EVP_sha256(), NULL))
        abort();
    if (is_before ? !is_as_listed_before(bytes, listed, whole)
                  : memcmp(whole, listed, sizeof whole) != 0)
        return "was altered";
    enum segment_fault found = segment_add(&stored->segment, object, bytes);
    return found == SEGMENT_GOOD ? NULL : segment_fault_text(found).data;
}

struct stored_segment *stored_segment_open(int folder, const struct list *list,
                                           struct list_entry *entry, const char **ret_fault)
{
    struct stored_segment *stored = MEM_NEW(struct stored_segment);
    bool is_before = list->major == LIST_MAJOR - 1;
    stored->references = 1;
    const char *fault = map_object(stored, folder, is_before, entry, SEGMENT_CORE);
    if (!fault)
        fault = map_object(stored, folder, is_before, entry, SEGMENT_DETAIL);
    if (!fault &&
        (stored->segment.library != list->library || stored->segment.number != entry->number))
        fault = "belongs to another library";
    if (fault) {
        *ret_fault = fault;
        stored_segment_unref(&stored);
    }
    return stored;
}

struct stored_segment *stored_segment_ref(struct stored_segment *stored)
{
    atomic_fetch_add(&stored->references, 1);
    return stored;
}

void stored_segment_unref(struct stored_segment **stored_p)
{
    struct stored_segment *stored = *stored_p;
    *stored_p = NULL;
    if (!stored || atomic_fetch_sub(&stored->references, 1) > 1)
        return;
    for (unsigned object = 0; object < SEGMENT_OBJECTS; object++)
        if (stored->maps[object])
            (void)munmap(stored->maps[object], stored->sizes[object]);
    mem_free(stored);
}

const struct segment *stored_segment_view(const struct stored_segment *stored)
{
    return &stored->segment;
}

/* --- sweeping --- */

static bool list_names(const struct list *list, uint64_t number, enum depot_file kind)
{
    if (kind == DEPOT_LIST)
        return list->number == number;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->entries[i].number == number)
            return true;
    return false;
}

static bool is_named(const struct list *lists, size_t count, uint64_t number, enum depot_file kind)
{
    for (size_t i = 0; i < count; i++)
        if (list_names(&lists[i], number, kind))
            return true;
    return false;
}

void depot_sweep(int folder, const struct list *lists, size_t count)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        uint64_t number;
        enum depot_file kind;
        if (depot_file_parse(entry->d_name, &number, &kind) &&
            (kind == DEPOT_NEW || !is_named(lists, count, number, kind)))
            (void)unlinkat(folder, entry->d_name, 0);
    }
    if (entries)
        (void)closedir(entries);
}
