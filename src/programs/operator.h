// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "io/loop.h"

/*
 * operator: what the owner of a node may ask of it, by the control socket or on a state folder that
 * nobody serves.
 *
 * A request is one JSON object {"do": name, …}, the answer another: {"ok": true, …} or {"ok":
 * false, "error": words}.
 *
 *   user.add      name, password, admin           user.list                    user.remove    name
 *   user.password name, password                  user.role  name, admin
 *   app.add       name, label  → secret           app.list   name              app.remove     name,
 * label scan          full, allow_removal             scan.status                  backup path
 *   status        keys.list                      keys.rotate               keys.revoke    name
 *
 * Passwords are hashed on the "passwords" workers; everything else happens on the loop that owns
 * the state.
 */
struct operator;
struct state;
struct library;
struct workers;
struct keyfolder;
struct breached;
struct logger;
struct edges_desk;

/* All borrowed, outliving the operator. */
struct operator_config {
    struct loop *loop;
    struct state *state;
    struct library *library; /* NULL: scans are refused */
    struct workers *passwords;
    const struct breached *breached; /* passwords that nobody gets; may be NULL */
    struct keyfolder *keyfolder;
    const struct edges_desk *edges; /* edge.invite, edge.list, edge.revoke: edges_desk.h */
    void (*on_keys)(void *context); /* another ring is in force; may be NULL */
    void *context;                  /* of on_keys */
    const struct logger *audit;     /* may be NULL */
    bool is_serving;                /* said by status */
};

struct operator* operator_new(const struct operator_config *config) MUST_USE;
/* No request may be under way. */
void operator_free(struct operator** operator_p);

/* Called exactly once, on the loop, with one line of JSON. */
typedef void operator_done(void *context, struct text answer);
void operator_ask(struct operator* operator, struct text request, operator_done *done,
                  void *context);
