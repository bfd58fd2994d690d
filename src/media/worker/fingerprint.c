// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/fingerprint.h"

#include <assert.h>
#include <openssl/evp.h>

void fingerprint_init(struct fingerprint *fingerprint)
{
    fingerprint->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    fingerprint->hash = EVP_MD_CTX_new();
    assert(fingerprint->hash && fingerprint->algorithm);
}

void fingerprint_release(struct fingerprint *fingerprint)
{
    EVP_MD_CTX_free(fingerprint->hash);
    EVP_MD_free(fingerprint->algorithm);
    *fingerprint = (struct fingerprint){0};
}

void fingerprint_begin(struct fingerprint *fingerprint, struct text kind)
{
    fingerprint->has_failed = false;
    if (EVP_DigestInit_ex(fingerprint->hash, fingerprint->algorithm, NULL) != 1)
        abort();
    fingerprint_bytes(fingerprint, "sostenuto audio 1 ", 18);
    fingerprint_bytes(fingerprint, kind.data, kind.size);
    fingerprint_bytes(fingerprint, "\n", 1);
}

void fingerprint_bytes(struct fingerprint *fingerprint, const void *bytes, size_t size)
{
    if (EVP_DigestUpdate(fingerprint->hash, bytes, size) != 1)
        abort();
}

void fingerprint_u64(struct fingerprint *fingerprint, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    fingerprint_bytes(fingerprint, bytes, sizeof bytes);
}

void fingerprint_stretch(struct fingerprint *fingerprint, struct source *source, uint64_t offset,
                         size_t size)
{
    uint8_t piece[FINGERPRINT_SAMPLE_BYTES];
    for (size_t done = 0; done < size && !fingerprint->has_failed;) {
        size_t now = size - done < sizeof piece ? size - done : sizeof piece;
        if (source_read(source, offset + done, piece, now))
            fingerprint_bytes(fingerprint, piece, now);
        else
            fingerprint->has_failed = true;
        done += now;
    }
}

void fingerprint_region(struct fingerprint *fingerprint, struct source *source, uint64_t begin,
                        uint64_t end)
{
    uint64_t size = end > begin ? end - begin : 0;
    fingerprint_u64(fingerprint, size);
    if (size <= FINGERPRINT_WHOLE_BYTES) {
        fingerprint_stretch(fingerprint, source, begin, (size_t)size);
        return;
    }
    uint64_t step = (size - FINGERPRINT_SAMPLE_BYTES) / (FINGERPRINT_SAMPLES - 1);
    for (unsigned i = 0; i < FINGERPRINT_SAMPLES; i++)
        fingerprint_stretch(fingerprint, source, begin + i * step, FINGERPRINT_SAMPLE_BYTES);
}

bool fingerprint_end(struct fingerprint *fingerprint, uint8_t ret_id[MEDIA_ID_BYTES])
{
    unsigned char whole[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(fingerprint->hash, whole, NULL) != 1)
        abort();
    if (fingerprint->has_failed)
        return false;
    memcpy(ret_id, whole, MEDIA_ID_BYTES);
    return true;
}
