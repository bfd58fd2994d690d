// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "trust/uid.h"

/*
 * audit: who did what to accounts, sessions and keys, one line each (docs/audit.md).
 *
 * Written by the logger that it is given; never a password, token or secret.
 */
struct player;

enum audit_event {
#define AUDIT(id, name, when) AUDIT_##id,
#include "api/audit.def"
#undef AUDIT
};

struct audit_entry {
    struct text account; /* whose; empty when nobody's */
    struct text by;      /* who did it: an account's name, "owner" (control socket), "server" */
    struct text address; /* empty: this machine */
    struct text agent;   /* what the program calls itself */
    struct text what;    /* an app's label, a file, a key's id */
};
/* A NULL logger writes nothing. */
void audit_write(const struct logger *logger, enum audit_event event,
                 const struct audit_entry *entry);

/* By the player's account, or by nobody known before a sign-in; about `account`, perhaps none. */
void audit_player(const struct player *player, enum audit_event event, struct uid account);
void audit_player_what(const struct player *player, enum audit_event event, struct uid account,
                       struct text what);
