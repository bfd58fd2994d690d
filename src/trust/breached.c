// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/breached.h"

#include "base/guard.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 120, /* with its LF */
    BLOCK_BYTES = 4096,
    SHA1_DIGITS = 2 * SHA_DIGEST_LENGTH,
    NTLM_DIGITS = 32,
    SAMPLES = 256,
};

struct breached {
    int fd;
    uint64_t size;
    size_t digits; /* of each line's hash */
};

/* --- lines --- */

/* How many hexadecimal digits a line begins with; 0 when what follows them does not belong there.
 */
static size_t digits_of(struct text line)
{
    size_t count = 0;
    while (count < line.size && memchr("0123456789abcdefABCDEF", line.data[count], 22))
        count++;
    bool ends = count == line.size || line.data[count] == ':' || line.data[count] == '\r';
    return ends ? count : 0;
}

/* Whole lines of `bytes`, one after another; a line without LF only at the file's end. */
static bool take_line(struct text *bytes, bool is_end, struct text *ret_line)
{
    size_t end = text_find_byte(*bytes, '\n');
    if (end == SIZE_MAX && (!is_end || bytes->size == 0))
        return false;
    *ret_line = text_make(bytes->data, end == SIZE_MAX ? bytes->size : end);
    *bytes = text_from(*bytes, end == SIZE_MAX ? bytes->size : end + 1);
    return true;
}

/* As much as there is, up to `size`; SIZE_MAX: it cannot be read. */
static size_t read_at(const struct breached *breached, uint64_t offset, char *out, size_t size)
{
    size_t count = 0;
    while (count < size) {
        ssize_t got = pread(breached->fd, out + count, size - count, (off_t)(offset + count));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SIZE_MAX;
        if (got == 0)
            break;
        count += (size_t)got;
    }
    return count;
}

/* The first line that begins after `offset`, in `storage`, and where; false: none, or no list. */
static bool line_after(const struct breached *breached, uint64_t offset,
                       char storage[2 * LINE_MAX_BYTES], struct text *ret_line, uint64_t *ret_at)
{
    size_t size = read_at(breached, offset, storage, 2 * LINE_MAX_BYTES);
    if (size == SIZE_MAX)
        return false;
    struct text bytes = text_make(storage, size), rest;
    if (!take_line(&bytes, false, &rest))
        return false;
    *ret_at = offset + size - bytes.size;
    return take_line(&bytes, offset + size >= breached->size, ret_line) &&
           digits_of(*ret_line) == breached->digits;
}

static int compare(const struct breached *breached, const char *hash, struct text line)
{
    return strncasecmp(hash, line.data, breached->digits);
}

/* --- looking up --- */

static void hash_of(const struct breached *breached, struct text password,
                    char ret[BREACHED_MAX_DIGITS + 1])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    bool is_sha1 = breached->digits <= SHA1_DIGITS;
    size_t size = is_sha1 ? SHA_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
    if (is_sha1)
        SHA1((const uint8_t *)password.data, password.size, digest);
    else
        SHA256((const uint8_t *)password.data, password.size, digest);
    for (size_t i = 0; i < size; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    explicit_bzero(digest, sizeof digest);
}

/* In the bytes from `begin`, where a line begins, to `end` or the line around it. */
static enum breached_verdict look_through(const struct breached *breached, const char *hash,
                                          uint64_t begin, uint64_t end)
{
    char block[BLOCK_BYTES + 2 * LINE_MAX_BYTES];
    uint64_t left = breached->size - begin, wanted = end - begin + LINE_MAX_BYTES;
    size_t size = read_at(breached, begin, block, (size_t)wanted);
    if (size < (left < wanted ? left : wanted) || size == SIZE_MAX)
        return BREACHED_UNKNOWN;
    struct text bytes = text_make(block, size), line;
    while (take_line(&bytes, begin + size >= breached->size, &line)) {
        if (digits_of(line) != breached->digits)
            return BREACHED_UNKNOWN;
        if (compare(breached, hash, line) == 0)
            return BREACHED_YES;
    }
    return BREACHED_NO;
}

/* What is looked for stands in a line that begins in [begin, end), and one begins at `begin`. */
static enum breached_verdict search(const struct breached *breached, const char *hash)
{
    char storage[2 * LINE_MAX_BYTES];
    uint64_t begin = 0, end = breached->size, at;
    struct text line;
    while (end - begin > BLOCK_BYTES) {
        if (!line_after(breached, begin + (end - begin) / 2, storage, &line, &at))
            return BREACHED_UNKNOWN;
        int order = compare(breached, hash, line);
        if (order == 0)
            return BREACHED_YES;
        *(order < 0 ? &end : &begin) = at;
    }
    return look_through(breached, hash, begin, end);
}

enum breached_verdict breached_look_up(const struct breached *breached, struct text password)
{
    char hash[BREACHED_MAX_DIGITS + 1];
    if (!breached || !guard_is_on(GUARD_BREACHED))
        return BREACHED_NO;
    hash_of(breached, password, hash);
    enum breached_verdict verdict = search(breached, hash);
    explicit_bzero(hash, sizeof hash);
    return verdict;
}

/* --- opening --- */

static int refuse(char why[BREACHED_WHY_BYTES], const char *path, unsigned line, const char *words)
{
    snprintf(why, BREACHED_WHY_BYTES, "%s:%u: %s", path, line, words);
    return -EINVAL;
}

/* NULL: a list may be made of such lines. */
static const char *fault_of(struct text line, size_t digits, struct text before)
{
    size_t count = digits_of(line);
    if (count == NTLM_DIGITS)
        return "32 digits are a hash of NTLM: take the list of SHA-1";
    if (count < BREACHED_MIN_DIGITS || count > BREACHED_MAX_DIGITS || line.size >= LINE_MAX_BYTES)
        return "a line begins with 16 to 64 hexadecimal digits, then nothing or a colon";
    if (digits && count != digits)
        return "all lines have equally many digits";
    if (before.size && strncasecmp(before.data, line.data, count) >= 0)
        return "the lines are sorted and each hash stands there once: sort -u it";
    return NULL;
}

static int check_start(struct breached *breached, const char *path, char why[BREACHED_WHY_BYTES])
{
    char *block = mem_alloc(16 * BLOCK_BYTES);
    size_t size = read_at(breached, 0, block, 16 * BLOCK_BYTES);
    struct text bytes = text_make(block, size == SIZE_MAX ? 0 : size), line, before = TEXT_NONE;
    unsigned number = 0;
    int error = 0;
    while (!error && take_line(&bytes, size >= breached->size, &line)) {
        const char *fault = fault_of(line, breached->digits, before);
        number++;
        if (fault)
            error = refuse(why, path, number, fault);
        breached->digits = digits_of(line);
        before = line;
    }
    if (!error && number == 0)
        error = refuse(why, path, 1, "there is no line here");
    mem_free(block);
    return error;
}

static int check_samples(const struct breached *breached, const char *path,
                         char why[BREACHED_WHY_BYTES])
{
    char storage[2 * LINE_MAX_BYTES], before[BREACHED_MAX_DIGITS + 1] = "";
    uint64_t at = 0;
    for (unsigned i = 1; i < SAMPLES && breached->size > SAMPLES * LINE_MAX_BYTES; i++) {
        struct text line;
        uint64_t offset = breached->size / SAMPLES * i;
        bool is_fine = line_after(breached, offset, storage, &line, &at) &&
                       strncasecmp(before, line.data, breached->digits) <= 0;
        if (!is_fine) {
            snprintf(why, BREACHED_WHY_BYTES,
                     "%s: byte %llu: no line of a sorted list as at its start", path,
                     (unsigned long long)offset);
            return -EINVAL;
        }
        memcpy(before, line.data, breached->digits);
    }
    return 0;
}

static int check(struct breached *breached, const char *path, char why[BREACHED_WHY_BYTES])
{
    struct stat status;
    if (fstat(breached->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        snprintf(why, BREACHED_WHY_BYTES, "%s: is not a regular file", path);
        return -EINVAL;
    }
    breached->size = (uint64_t)status.st_size;
    int error = check_start(breached, path, why);
    return error ? error : check_samples(breached, path, why);
}

int breached_open(const char *path, struct breached **ret, char why[BREACHED_WHY_BYTES])
{
    struct breached *breached = MEM_NEW(struct breached);
    breached->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = breached->fd < 0 ? -errno : check(breached, path, why);
    if (breached->fd < 0)
        snprintf(why, BREACHED_WHY_BYTES, "%s: cannot be opened: %s", path, strerrordesc_np(errno));
    if (error)
        breached_close(&breached);
    else
        *ret = breached;
    return error;
}

void breached_close(struct breached **breached)
{
    if (!*breached)
        return;
    if ((*breached)->fd >= 0)
        close((*breached)->fd);
    mem_free_p(breached);
}
