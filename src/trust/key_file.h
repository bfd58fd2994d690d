// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * key_file: files of mode 0600 in STATE/keys.  One that group or others may read, of another size,
 * not a regular file or not owned by us is refused, with words for a person.  0 or -errno.
 *
 * A key (NAME.key) may instead be a credential of the service (systemd's LoadCredential=): a file
 * of that name in another folder, which goes before ours, is only read, and who may read it is that
 * folder's business.
 */
enum { KEY_FILE_KEY_BYTES = 32 };

/* What to do, for a person. */
struct keys_error {
    char words[240];
};

struct key_place {
    const char *folder;      /* STATE/keys */
    const char *credentials; /* $CREDENTIALS_DIRECTORY, or NULL */
};

struct key_folder {
    int fd, credentials_fd; /* -1: none */
    struct key_place place; /* borrowed, for the words */
};

int key_folder_open(const struct key_place *place, bool is_new_allowed, struct key_folder *ret,
                    struct keys_error *ret_error) MUST_USE;
void key_folder_close(struct key_folder *folder);

bool key_file_is_credential(const struct key_folder *folder, const char *name);
/* As either. */
bool key_file_is_there(const struct key_folder *folder, const char *name);
/* `min` to `max` bytes into `ret`; their number, or -errno. */
int key_file_load(const struct key_folder *folder, const char *name, size_t min, size_t max,
                  uint8_t *ret, struct keys_error *ret_error) MUST_USE;
/* Random bytes in a new file; an existing one is left as it is. */
int key_file_create(const struct key_folder *folder, const char *name,
                    struct keys_error *ret_error) MUST_USE;
/* The old content or the new, never a mixture; synced. */
int key_file_replace(const struct key_folder *folder, const char *name, struct text content,
                     struct keys_error *ret_error) MUST_USE;
int keys_fail(struct keys_error *ret_error, int error, const char *folder, const char *name,
              const char *what);
