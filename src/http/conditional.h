// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/message.h"

/*
 * conditional: preconditions of a request against the validators of what would be answered (RFC
 * 9110 13).
 */
struct http_validators {
    struct text etag;        /* opaque tag of a strong validator, without quotes; size 0: none */
    int64_t last_modified_s; /* Unix seconds; INT64_MIN: none */
};

enum http_condition {
    HTTP_CONDITION_HOLDS,        /* perform the method */
    HTTP_CONDITION_NOT_MODIFIED, /* 304 to GET and HEAD */
    HTTP_CONDITION_FAILED,       /* 412 */
};

/*
 * In the order of 13.2.2: If-Match, else If-Unmodified-Since; then If-None-Match, else
 * If-Modified-Since. Call it only when the answer without preconditions would be 2xx.
 */
enum http_condition http_condition_of(const struct http_request *request,
                                      const struct http_validators *validators, int64_t now_s);

/* Whether a Range may be honoured in view of If-Range (13.1.5): true also without that field. */
bool http_if_range_holds(const struct http_request *request,
                         const struct http_validators *validators, int64_t now_s);
