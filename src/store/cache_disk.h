// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_core.h"

/* cache_disk: the disk tier; internal. */

/* Under the object's lock: brings the bytes of that slot, then wakes. */
void disk_load(struct cache_object *object, size_t slot);
void disk_place_release(struct place *place);
/* Takes a reference to an object that ended, until it is written. */
void disk_store(struct cache_object *object);
