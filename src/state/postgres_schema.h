// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/postgres.h"

/*
 * postgres_schema: the tables of schema "sostenuto", as numbered steps; meta.version is the
 * version. A step that was released is never edited.  Internal to state/database_postgres.
 */
enum { POSTGRES_VERSION = 1 };

/* 0, a result code, or DATABASE_FOREIGN when the schema is newer than we are.  Several origins may
 * call it at once. */
int postgres_migrate(struct postgres *postgres) MUST_USE;
