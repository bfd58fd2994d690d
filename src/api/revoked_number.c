// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/revoked_number.h"

#include "api/api.h"
#include "base/buffer.h"
#include "base/digits.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/workers.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { FILE_MAX_BYTES = 128, PATH_CHARACTERS = 4096, AHEAD = 60 * 1000 };

struct revoked_number {
    const struct api_config *config;
    uint64_t last, below; /* below: the file says so, or soon will */
};

struct raising {
    const struct logger *logger;
    uint64_t below;
    int error;
    char path[PATH_CHARACTERS];
};

static bool path_of(const struct api_config *config, char path[PATH_CHARACTERS])
{
    return config->folder &&
           snprintf(path, PATH_CHARACTERS, "%s/revoked", config->folder) < PATH_CHARACTERS;
}

static bool parse(struct text bytes, uint64_t *ret)
{
    struct text rest = bytes, magic, below;
    return text_split(&rest, '\n', &magic) && text_equal(magic, TEXT("sostenuto-revoked: 1")) &&
           text_split(&rest, '\n', &below) && text_starts(below, TEXT("below: ")) &&
           text_to_u64(text_from(below, sizeof("below: ") - 1), ret);
}

static void write_below(void *context)
{
    struct raising *raising = context;
    struct buffer bytes;
    buffer_init(&bytes, FILE_MAX_BYTES);
    buffer_printf(&bytes, "sostenuto-revoked: 1\nbelow: %" PRIu64 "\n", raising->below);
    raising->error = file_write_atomic(AT_FDCWD, raising->path, buffer_view(&bytes), 0600);
    buffer_release(&bytes);
}

static void on_written(void *context)
{
    struct raising *raising = context;
    if (raising->error)
        LOG(raising->logger, LOG_WARNING, "how far the numbers of /revoked went was not kept",
            {"why", log_errno(raising->error)});
    mem_free(raising);
}

/* Two of these under way are in order, or the later number is lost: then AHEAD is left. */
static void raise_below(struct revoked_number *number)
{
    const struct api_config *config = number->config;
    struct raising *raising = MEM_NEW(struct raising);
    raising->logger = config->logger;
    raising->below = number->below = number->last + AHEAD;
    if (!path_of(config, raising->path) || !config->workers ||
        !workers_submit(config->workers, config->loop, write_below, on_written, raising))
        mem_free(raising);
}

struct revoked_number *revoked_number_new(const struct api_config *config)
{
    struct revoked_number *number = MEM_NEW(struct revoked_number);
    char path[PATH_CHARACTERS];
    struct buffer bytes;
    number->config = config;
    buffer_init(&bytes, FILE_MAX_BYTES);
    if (path_of(config, path) && file_read(AT_FDCWD, path, &bytes) == 0 &&
        parse(buffer_view(&bytes), &number->last) && number->last > UINT64_MAX / 2)
        number->last = 0; /* damaged: there would be no room above it */
    buffer_release(&bytes);
    return number;
}

void revoked_number_free(struct revoked_number **number) { mem_free_p(number); }

uint64_t revoked_number_next(struct revoked_number *number, int64_t now_ms)
{
    uint64_t clock = now_ms > 0 ? (uint64_t)now_ms : 0;
    number->last = clock > number->last ? clock : number->last + 1;
    if (number->last >= number->below)
        raise_below(number);
    return number->last;
}
