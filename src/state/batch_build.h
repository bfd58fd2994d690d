// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"
#include "state/batch_internal.h"

/*
 * batch_build: writing one payload: begin opens its JSON object, end closes it and adds the
 * operation.  For batch*.c.
 */
struct json build_begin(struct batch *batch);
/* NULL when the batch is full. */
struct batch_item *build_end(struct batch *batch, struct json *json, enum operation_kind kind);
/* For `account`, whoever the batch is for. */
void build_end_for(struct batch *batch, struct json *json, struct uid account,
                   enum operation_kind kind);
void build_libraries(struct json *json, uint64_t libraries);
void build_uid(struct json *json, const char *name, struct uid uid);
void build_subject(struct json *json, const char *name, struct subject subject);
void build_subjects(struct json *json, const char *name, const struct subject *subjects,
                    size_t count);
/* An operation that will not be sent, so that its caller hears why. */
void build_refused(struct batch *batch, enum operation_kind kind, enum outcome outcome,
                   const char *why);
