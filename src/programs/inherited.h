// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * inherited: named descriptors that one process hands to the next: the protocol of systemd's socket
 * activation (sd_listen_fds(3)): descriptors from 3 on, $LISTEN_FDS says how many, $LISTEN_FDNAMES
 * their names with a colon between, $LISTEN_PID for whom.
 *
 * systemd, our supervisor and a supervisor that replaces itself all speak it, so a server takes its
 * sockets from any of them in the same way.  Names of ours:
 *
 *   listen-ADDRESS   a listening socket, ':' of its address written '_'; other names: sockets of a
 *                    .socket unit
 *   tickets          sealed memory with the secret of TLS tickets
 *   supervisor       the channel to the supervisor: who has it is a server (programs/notify.h)
 *   server-PID       the other end, in a supervisor that replaces itself; old-PID: of a server that
 *                    drains
 *   handover         to the server that is to be followed (io/handover.h)
 */
enum { INHERITED_MAX = 40, INHERITED_NAME_BYTES = 80, INHERITED_ABOVE = 64 };

struct inherited {
    struct inherited_fd {
        int fd; /* owned */
        char name[INHERITED_NAME_BYTES];
    } all[INHERITED_MAX];
    size_t count;
};

/* What this process was given; marks it close-on-exec and clears the variables, so that nobody
 * further down takes it for his.  Descriptors beyond the limit are closed. */
void inherited_take(struct inherited *inherited);
/* Takes `fd` over (it gets a high number, out of the way), or closes it when there is no room:
 * false. */
bool inherited_add(struct inherited *inherited, const char *name, int fd);
/* The first of that name, or that begins with it when `name` ends with '-'; SIZE_MAX for none. */
size_t inherited_find(const struct inherited *inherited, const char *name);
/* Gives the descriptor of the first with that name up to the caller; -1 for none. */
int inherited_claim(struct inherited *inherited, const char *name);
int inherited_claim_at(struct inherited *inherited, size_t index);
/* Closes all with exactly that name. */
void inherited_drop(struct inherited *inherited, const char *name);
void inherited_close(struct inherited *inherited); /* all that nobody claimed */

/*
 * In the process that is about to exec: puts copies of all in their places, 3 and up, and sets the
 * variables for this very process.  Whoever calls it holds nothing below INHERITED_ABOVE that he
 * wants to keep.
 */
bool inherited_pass(const struct inherited *inherited) MUST_USE;
