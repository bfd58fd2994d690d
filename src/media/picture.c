// SPDX-License-Identifier: GPL-3.0-or-later
/* The name of a picture: docs/formats/ids.md, "Pictures". */
#include "media/info.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHOLE_BYTES = 48 * 1024, SAMPLE_BYTES = 16 * 1024, SAMPLES = 3 };

static void digest_begin(EVP_MD_CTX *hash, bool is_sampled, uint64_t size_bytes)
{
    struct buffer head;
    buffer_init(&head, 64);
    buffer_text(&head, is_sampled ? TEXT("sostenuto picture sampled 1\n")
                                  : TEXT("sostenuto picture whole 1\n"));
    buffer_u64(&head, size_bytes);
    if (EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(hash, head.data, head.size) != 1)
        abort();
    buffer_release(&head);
}

bool media_picture_digest(media_read *read, void *context, uint64_t size_bytes,
                          uint8_t ret_digest[MEDIA_ID_BYTES])
{
    bool is_sampled = size_bytes > WHOLE_BYTES, is_read = true;
    size_t sample = is_sampled ? SAMPLE_BYTES : (size_t)size_bytes;
    uint64_t step = is_sampled ? (size_bytes - SAMPLE_BYTES) / (SAMPLES - 1) : 0;
    char *bytes = mem_alloc(sample + 1);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    assert(hash);
    digest_begin(hash, is_sampled, size_bytes);
    for (unsigned i = 0; i < (is_sampled ? SAMPLES : 1) && is_read; i++) {
        is_read = read(context, i * step, bytes, sample);
        if (is_read && EVP_DigestUpdate(hash, bytes, sample) != 1)
            abort();
    }
    unsigned char whole[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(hash, whole, NULL) != 1)
        abort();
    if (is_read)
        memcpy(ret_digest, whole, MEDIA_ID_BYTES);
    EVP_MD_CTX_free(hash);
    mem_free(bytes);
    return is_read;
}

struct file_reading {
    int fd, error;
};

static bool read_file(void *context, uint64_t offset, void *into, size_t size)
{
    struct file_reading *file = context;
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file->fd, (char *)into + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            file->error = got < 0 ? -errno : -EIO; /* shrank under us */
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

int media_picture_digest_file(int fd, uint8_t ret_digest[MEDIA_ID_BYTES], uint64_t *ret_size_bytes)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    struct file_reading file = {.fd = fd};
    if (!media_picture_digest(read_file, &file, (uint64_t)status.st_size, ret_digest))
        return file.error;
    *ret_size_bytes = (uint64_t)status.st_size;
    return 0;
}
