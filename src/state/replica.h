// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database_postgres.h"
#include "state/database_sqlite.h"

/*
 * replica: state.db made ready to follow a state of record, before the state is opened on it.
 *
 * The first time it takes over everything that is there; a state.db that held accounts before is
 * moved to state.db.before-postgresql if the record has them all, else refused: they are to be
 * moved with `sostenuto state export` and `import`.  Later it only looks whether this is still the
 * same record.  When that does not answer, a replica that was made before is good enough to serve
 * from; without one there is nothing to serve.
 */
struct keys;

/* 0 with *ret the database, connected or not; or -errno with
 * words. */
int replica_prepare(const char *folder, const char *url, const struct database_bounds *bounds,
                    const struct keys *keys, const struct logger *logger, struct database **ret,
                    struct state_error *ret_error) MUST_USE;
