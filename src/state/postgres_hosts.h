// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <libpq-fe.h>

/*
 * postgres_hosts: connecting to a URL with several hosts (libpq's host=one,two), beginning with
 * another one each time.
 *
 * libpq goes on to the next host when one refuses; one that says nothing at all, a machine whose
 * power is gone, would hold it until our deadline, each time anew, and the standby behind it would
 * never be asked.  So who was kept waiting begins one further the next time.  Internal to
 * state/postgres.c.
 */

/* Begins a connection with the hosts from the `first`-th on, then those before.  As
 * PQconnectStart(): NULL when there is no memory; what is wrong with the URL is the connection's
 * message. */
PGconn *postgres_hosts_begin(const char *url, unsigned first);
