// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/uid.h"

/*
 * parcel: operations on their way from the edge that accepted them to the origin, and the receipt
 * that comes back (docs/formats/operations.md, "Between nodes").  Pure.
 *
 *   edge ── signed object /operations/{node} by the edge's key, its body a parcel ──▶ origin
 *        ◀── signed object /operations/{node}/receipt by a signing key, its body a receipt ──
 *
 * Both may come any number of times and by way of other nodes, which can read them and cannot
 * change them: what is in a parcel is idempotent, and a receipt is believed for whose journal it
 * names alone.
 */
#define PARCEL_TARGET "/nodes/operations"
#define PARCEL_CONTENT_TYPE "application/vnd.sostenuto.parcel" /* one that is not signed */

enum {
    PARCEL_HEADER_BYTES = 32,
    PARCEL_MAX_OPERATIONS = 500,
    PARCEL_MAX_BYTES = 1 << 20, /* of its body */
    PARCEL_OBJECT_MAX_BYTES = PARCEL_MAX_BYTES + 1024,
    PARCEL_NAME_BYTES = 64,
    RECEIPT_MAX_BYTES = 128 << 10,
    RECEIPT_WHY_BYTES = 96,
};

/* --- writing --- */
void parcel_begin(struct buffer *out, struct uid journal);
/* `record` is an operation as bytes.  False when it does not fit any more: the parcel is full. */
bool parcel_add(struct buffer *out, uint64_t lsn, struct text record) MUST_USE;
/* "/operations/{node}", and that of its receipt. */
void parcel_name(struct uid node, char ret[PARCEL_NAME_BYTES]);
void parcel_receipt_name(struct uid node, char ret[PARCEL_NAME_BYTES]);

/* --- reading --- */
struct parcel {
    struct uid journal; /* whose LSNs these are */
    uint64_t first_lsn, last_lsn;
    size_t count;        /* 1 to PARCEL_MAX_OPERATIONS */
    struct text records; /* borrowed */
};
struct parcel_record {
    uint64_t lsn; /* grows from one to the next */
    struct text bytes;
};
/* The whole form, but not the operations themselves.  Static words in *ret_why. */
bool parcel_read(struct text body, struct parcel *ret, const char **ret_why) MUST_USE;
/* Start with *cursor 0; false at the end. */
bool parcel_next(const struct parcel *parcel, size_t *cursor, struct parcel_record *ret);

/* --- the origin's word --- */
enum receipt_word {
    RECEIPT_TAKEN,     /* durable there, and new: not listed */
    RECEIPT_DUPLICATE, /* was there before */
    RECEIPT_CONFLICT,  /* its id was something else there: it needs another */
    RECEIPT_REFUSED,   /* never */
};
struct receipt {
    struct uid journal;
    uint64_t first_lsn, last_lsn; /* of the parcel */
    int64_t at_ms;                /* the origin's clock, when all of it was merged */
    size_t count;                 /* of those that were not simply taken */
    struct receipt_item {
        uint64_t lsn;
        enum receipt_word word;
        char why[RECEIPT_WHY_BYTES]; /* "" or words */
    } items[PARCEL_MAX_OPERATIONS];
};
void receipt_write(const struct receipt *receipt, struct buffer *out);
bool receipt_read(struct text body, struct receipt *ret, const char **ret_why) MUST_USE;
/* What it says of one operation, whose LSNs are asked for in order from *cursor 0 on. */
enum receipt_word receipt_of(const struct receipt *receipt, uint64_t lsn, size_t *cursor);
