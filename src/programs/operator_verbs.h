// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "base/json.h"
#include "programs/operator.h"
#include "programs/operator_request.h"
#include "trust/password.h"
#include "trust/secret.h"

/*
 * operator_verbs: what each thing that an owner may ask does, and what they share.  For
 * operator*.c.
 *
 * A verb gets a request and answers it once, at once or later: with operator_succeed(), with
 * operator_fail(), or with members between operator_answer() and operator_answer_end().  The
 * request is gone after it.
 */
struct operator
{
    struct operator_config config;
    size_t under_way;
};

/* One request from its parsing to its answer. */
struct request {
    struct operator* operator;
    struct operator_request asked;
    operator_done *done;
    void *context;
    struct buffer answer;
    struct json json;
    struct password_hash hash;
    bool is_breached, is_hashed;
    struct secret secret;     /* app.add: told once the app is durable */
    const char *just_durable; /* words of the answer when the batch was taken */
};

static inline struct state *operator_state(const struct request *request)
{
    return request->operator->config.state;
}

/* --- answers --- */
struct json *operator_answer(struct request *request, bool is_ok); /* the object is begun */
void operator_answer_end(struct request *request);
void operator_succeed(struct request *request, const char *said);
void operator_fail(struct request *request, const char *format, ...) PRINTF_LIKE(2, 3);
/* What the owner asked was done: a line in the audit log, for the verbs that change something. */
void operator_audit(const struct request *request);

/* --- operator_accounts.c: changes are durable before they are answered --- */
void operator_user_add(struct request *request);
void operator_user_list(struct request *request);
void operator_user_remove(struct request *request);
void operator_user_role(struct request *request);
void operator_user_password(struct request *request);
void operator_app_add(struct request *request);
void operator_app_list(struct request *request);
void operator_app_remove(struct request *request);

/* --- operator_node.c --- */
void operator_scan(struct request *request);
void operator_backup(struct request *request);
void operator_scan_status(struct request *request);
void operator_status(struct request *request);
void operator_keys_list(struct request *request);
void operator_keys_rotate(struct request *request);
void operator_keys_revoke(struct request *request);
