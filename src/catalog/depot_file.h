// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/build.h"
#include "catalog/list.h"
#include "catalog/segment.h"

/*
 * catalog/depot_file: a depot's files: names, writing so that a crash leaves the old or the new,
 * mapping and checking. `folder` is the open depot folder.  Private to the depot.
 */
enum depot_file { DEPOT_LIST, DEPOT_CORE, DEPOT_DETAIL, DEPOT_NEW, DEPOT_FILES };
bool depot_file_parse(const char *name, uint64_t *ret_number, enum depot_file *ret_kind) MUST_USE;

bool depot_read_list(int folder, uint64_t number, struct list *ret) MUST_USE;
/* Durable when it returns 0; fills published_s. */
int depot_write_list(int folder, struct list *list) MUST_USE;

/* A file on its way: written beside its name, and durable under it when finish returns 0; gone
 * else. */
enum { DEPOT_NAME_BYTES = 40 };
struct new_file {
    int folder, fd, error;
    char name[DEPOT_NAME_BYTES], final[DEPOT_NAME_BYTES];
};
struct new_file new_file(int folder, uint64_t number, enum depot_file kind);
void new_file_write(struct new_file *file, const void *data, size_t size);
int new_file_finish(struct new_file *file) MUST_USE;

/* Opens an object's file for reading: a descriptor, or -errno. */
int depot_open_object(int folder, uint64_t number, enum segment_object object) MUST_USE;

/*
 * A segment's files, mapped and checked; shared by depots and snapshots of any thread.  The
 * digests of an entry from a list of major 1 are replaced by those of today.
 */
struct stored_segment;
struct stored_segment *stored_segment_open(int folder, const struct list *list,
                                           struct list_entry *entry,
                                           const char **ret_fault) MUST_USE;
struct stored_segment *stored_segment_ref(struct stored_segment *stored);
void stored_segment_unref(struct stored_segment **stored);
const struct segment *stored_segment_view(const struct stored_segment *stored);

/* Finishes the build into two files and opens them; fills the entry, whose number is given. */
int depot_write_segment(int folder, struct build *build, const struct list *list,
                        struct list_entry *entry, struct stored_segment **ret_stored) MUST_USE;

/* Deletes every file of ours that none of the lists names. */
void depot_sweep(int folder, const struct list *lists, size_t count);
