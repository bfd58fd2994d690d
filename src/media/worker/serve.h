// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/wire.h"
#include "media/worker/sandbox.h"

/*
 * serve: a worker's life: limits, its role's preparations, the sandbox, then one job after the
 * other until the pool closes the socket.
 *
 *     sostenuto-media ROLE MEMORY-BYTES [background]
 *
 * `prepare` runs before the filter: everything that libraries open, load or start belongs there.
 */
struct serve_job {
    const struct wire_request *request;
    int file, output; /* output: artwork's memfd, a transcode's pipe; else -1 */
    uint64_t file_size;
    struct buffer *payload; /* of the reply */
    uint64_t written;       /* of the reply */
};

struct serve_role {
    const char *word;
    enum sandbox_role sandbox;
    enum wire_job job;
    bool is_single;         /* leaves after one job */
    void *(*prepare)(void); /* the role's state, for the process's life */
    enum media_outcome (*run)(void *state, struct serve_job *job);
};

int serve_main(const struct serve_role *roles, size_t role_count, int argc, char **argv);

/* Exact bytes of the job's file: a media_read whose context is the job. */
bool serve_read(void *job, uint64_t offset, void *into, size_t size);

/* roles of the real worker */
extern const struct serve_role serve_probe, serve_artwork, serve_transcode, serve_package;
