// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/snapshot.h"

/* catalog/heap: a snapshot's memory from mem_alloc, for hosted code. */
struct catalog_memory catalog_heap(void);
