// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/rendition.h"
#include "media/transcode.h"

/*
 * wire: what pool and worker say to each other, over a SOCK_SEQPACKET pair: one message, one job or
 * one answer.
 *
 * A request carries its descriptors beside it (SCM_RIGHTS): the file, and for artwork a memfd to
 * write to, for a transcode or package the pipe's
 * write end.  A worker answers in order.  Its first message is
 * an answer with id 0: ready. Both ends are of one build, so a version that differs is a broken
 * installation.
 */
enum {
    WIRE_VERSION = 2,
    WIRE_SOCKET = 3 /* the worker's end */,
    WIRE_MAX_BYTES = MEDIA_INFO_MAX_BYTES + 64
};
enum { WIRE_EXIT_NO_MEMORY = 77 /* the worker's last word when it could not even answer */ };

enum wire_job { WIRE_PROBE = 1, WIRE_ARTWORK = 2, WIRE_TRANSCODE = 3, WIRE_PACKAGE = 4 };

struct wire_request {
    enum wire_job job;
    uint64_t id;
    enum media_source source; /* artwork */
    uint32_t size_px;
    enum media_image_format image_format;
    struct media_transcode_request transcode;
    enum rendition rendition; /* package */
    bool wants_loudness;
};

struct wire_reply {
    uint64_t id;
    enum media_outcome outcome;
    uint64_t written;    /* artwork: bytes in the memfd */
    struct text payload; /* probe: an encoded info */
};

void wire_encode_request(const struct wire_request *request, struct buffer *out);
bool wire_decode_request(struct text message, struct wire_request *ret_request) MUST_USE;
void wire_encode_reply(const struct wire_reply *reply, struct buffer *out);
/* The payload borrows from `message`.  False for anything not exactly well formed. */
bool wire_decode_reply(struct text message, struct wire_reply *ret_reply) MUST_USE;
