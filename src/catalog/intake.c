// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/intake.h"

#include "base/mem.h"
#include "catalog/depot_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024 };

struct intake {
    struct new_file file;
    EVP_MD_CTX *digest;
    uint64_t left_bytes;
    uint8_t wanted[FORMAT_DIGEST_SIZE];
};

static EVP_MD_CTX *new_digest(void)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL))
        abort();
    return digest;
}

/* Frees the context. */
static bool ends_as(EVP_MD_CTX *digest, const uint8_t wanted[FORMAT_DIGEST_SIZE])
{
    uint8_t whole[FORMAT_DIGEST_SIZE];
    if (!EVP_DigestFinal_ex(digest, whole, NULL))
        abort();
    EVP_MD_CTX_free(digest);
    return memcmp(whole, wanted, sizeof whole) == 0;
}

int intake_begin(int folder, const struct list_entry *entry, enum segment_object object,
                 struct intake **ret)
{
    struct new_file file =
        new_file(folder, entry->number, object == SEGMENT_CORE ? DEPOT_CORE : DEPOT_DETAIL);
    if (file.error)
        return new_file_finish(&file);
    struct intake *intake = MEM_NEW(struct intake);
    intake->file = file;
    intake->digest = new_digest();
    intake->left_bytes = entry->size_bytes[object];
    memcpy(intake->wanted, entry->digest[object], sizeof intake->wanted);
    *ret = intake;
    return 0;
}

int intake_write(struct intake *intake, struct text piece)
{
    if (!intake->file.error && piece.size > intake->left_bytes)
        intake->file.error = -EFBIG;
    if (!intake->file.error && !EVP_DigestUpdate(intake->digest, piece.data, piece.size))
        abort();
    if (!intake->file.error) {
        new_file_write(&intake->file, piece.data, piece.size);
        intake->left_bytes -= piece.size;
    }
    return intake->file.error;
}

int intake_end(struct intake **intake_p)
{
    struct intake *intake = *intake_p;
    bool is_right = ends_as(intake->digest, intake->wanted) && intake->left_bytes == 0;
    if (!intake->file.error && !is_right)
        intake->file.error = -EBADMSG;
    int error = new_file_finish(&intake->file);
    mem_free_p(intake_p);
    return error;
}

void intake_abort(struct intake **intake_p)
{
    struct intake *intake = *intake_p;
    if (!intake)
        return;
    intake->file.error = -ECANCELED;
    (void)!intake_end(intake_p);
}

static bool digest_file(int fd, uint64_t size_bytes, const uint8_t wanted[FORMAT_DIGEST_SIZE])
{
    char *room = mem_alloc(READ_BYTES);
    EVP_MD_CTX *digest = new_digest();
    uint64_t left = size_bytes;
    ssize_t got = 1;
    while (left > 0 && (got = read(fd, room, READ_BYTES)) > 0 && (uint64_t)got <= left) {
        if (!EVP_DigestUpdate(digest, room, (size_t)got))
            abort();
        left -= (uint64_t)got;
    }
    mem_free(room);
    return ends_as(digest, wanted) && left == 0;
}

bool intake_has(int folder, const struct list_entry *entry, enum segment_object object)
{
    struct stat status;
    int fd = depot_open_object(folder, entry->number, object);
    if (fd < 0)
        return false;
    bool is_here = fstat(fd, &status) == 0 &&
                   (uint64_t)status.st_size == entry->size_bytes[object] &&
                   digest_file(fd, entry->size_bytes[object], entry->digest[object]);
    (void)close(fd);
    return is_here;
}
