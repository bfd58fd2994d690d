// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/libraries.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/file.h"
#include "programs/libraries_known.h"
#include "programs/settings_check.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static int known_read(struct libraries_known *known, const char *file, struct buffer *why)
{
    struct buffer content;
    buffer_init(&content, FILE_MAX_BYTES);
    int error = file_read(AT_FDCWD, file, &content);
    if (error == 0 && !libraries_known_parse(known, buffer_view(&content)))
        error = -EBADMSG;
    buffer_release(&content);
    if (error == -ENOENT)
        return 0;
    if (error < 0)
        buffer_printf(
            why, "%s: %.*s; it says which folder is which library: bring it back from a backup",
            file, TEXT_ARGS(log_errno(error)));
    return error;
}

static int known_write(const struct libraries_known *known, const char *file, struct buffer *why)
{
    struct buffer out;
    struct json json;
    buffer_init(&out, FILE_MAX_BYTES);
    json_init(&json, &out);
    json_begin_array(&json);
    for (size_t i = 0; i < known->count; i++) {
        json_begin_object(&json);
        json_member_i64(&json, "id", known->items[i].id);
        json_member_text(&json, "name", text_of(known->items[i].name));
        json_member_text(&json, "path", text_of(known->items[i].path));
        json_end_object(&json);
    }
    json_end_array(&json);
    int error =
        out.overflowed ? -EFBIG : file_write_atomic(AT_FDCWD, file, buffer_view(&out), 0600);
    buffer_release(&out);
    if (error < 0)
        buffer_printf(why, "%s cannot be written: %.*s", file, TEXT_ARGS(log_errno(error)));
    return error;
}

/* The entry of that path, else of that name whose path is not in use; NULL when it is a new
 * library. */
static struct library_known *known_find(struct libraries_known *known, const char *name,
                                        const char *path)
{
    for (size_t i = 0; i < known->count; i++)
        if (!known->items[i].is_taken && strcmp(known->items[i].path, path) == 0)
            return &known->items[i];
    for (size_t i = 0; i < known->count; i++)
        if (!known->items[i].is_taken && strcmp(known->items[i].name, name) == 0 &&
            access(known->items[i].path, F_OK) != 0)
            return &known->items[i];
    return NULL;
}

static char *absolute_path(struct text path)
{
    char given[PATH_MAX], real[PATH_MAX], here[PATH_MAX / 2];
    (void)snprintf(given, sizeof given, "%.*s", TEXT_ARGS(path));
    if (realpath(given, real))
        return mem_strdup(real);
    if (given[0] == '/' || !getcwd(here, sizeof here))
        return mem_strdup(given);
    struct buffer joined;
    buffer_init(&joined, (size_t)PATH_MAX * 2);
    buffer_printf(&joined, "%s/%s", here, given);
    char *copy = text_dup(buffer_view(&joined));
    buffer_release(&joined);
    return copy;
}

static int32_t next_id(const struct libraries_known *known)
{
    int32_t greatest = 0;
    for (size_t i = 0; i < known->count; i++)
        greatest = known->items[i].id > greatest ? known->items[i].id : greatest;
    return greatest + 1;
}

/* Adds one folder; *has_changed is set when the file must be written. */
static bool settle_one(struct libraries *libraries, struct libraries_known *known,
                       struct text value, bool *has_changed)
{
    struct text name_text, path_text;
    library_split(value, &name_text, &path_text);
    char *name = text_dup(name_text), *path = absolute_path(path_text);
    struct library_known *entry = known_find(known, name, path);
    if (!entry && libraries_known_add(known, next_id(known), name, path)) {
        entry = &known->items[known->count - 1];
        *has_changed = true;
    }
    if (!entry || libraries->count == LIBRARY_MAX_ROOTS) {
        mem_free(name);
        mem_free(path);
        return false;
    }
    if (strcmp(entry->name, name) != 0 || strcmp(entry->path, path) != 0) {
        mem_free(entry->name);
        mem_free(entry->path);
        entry->name = mem_strdup(name);
        entry->path = mem_strdup(path);
        *has_changed = true;
    }
    entry->is_taken = true;
    libraries->roots[libraries->count++] =
        (struct library_root){.id = entry->id, .name = name, .path = path};
    return true;
}

static bool is_absent(const struct library_known *entry)
{
    return strncmp(entry->path, LIBRARIES_ABSENT, sizeof LIBRARIES_ABSENT - 1) == 0;
}

/* What was taken over is shown also while its folder is not named. */
static void keep_absent(struct libraries *libraries, const struct libraries_known *known)
{
    for (size_t i = 0; i < known->count && libraries->count < LIBRARY_MAX_ROOTS; i++) {
        const struct library_known *entry = &known->items[i];
        if (!entry->is_taken && is_absent(entry))
            libraries->roots[libraries->count++] = (struct library_root){
                .id = entry->id, .name = mem_strdup(entry->name), .path = mem_strdup(entry->path)};
    }
}

int libraries_settle(struct libraries *libraries, const struct settings *settings,
                     struct buffer *why)
{
    struct libraries_known known = {.count = 0};
    char file[PATH_MAX];
    *libraries = (struct libraries){.count = 0};
    (void)snprintf(file, sizeof file, "%s/libraries.json", settings->data);
    bool has_changed = false;
    int error = known_read(&known, file, why);
    for (size_t i = 0; error == 0 && i < settings->library.count; i++) {
        if (!settle_one(libraries, &known, text_of(settings->library.items[i]), &has_changed)) {
            buffer_printf(why, "library: at most %d folders at once and %d over all time",
                          LIBRARY_MAX_ROOTS, LIBRARIES_MAX_IDS);
            error = -E2BIG;
        }
    }
    if (error == 0)
        keep_absent(libraries, &known);
    if (error == 0 && has_changed)
        error = known_write(&known, file, why);
    libraries_known_release(&known);
    if (error < 0)
        libraries_release(libraries);
    return error;
}

/* --- taken over --- */

/* The folder that the settings name for a library of that name; NULL: none. */
static char *named_folder(const struct settings *settings, const char *wanted, bool is_only)
{
    for (size_t i = 0; i < settings->library.count; i++) {
        struct text name, path;
        library_split(text_of(settings->library.items[i]), &name, &path);
        if (text_equal(name, text_of(wanted)) || (is_only && settings->library.count == 1))
            return absolute_path(path);
    }
    return NULL;
}

int libraries_inherit(const struct library_inherited *inherited, size_t count,
                      const struct settings *settings, size_t *ret_absent, struct buffer *why)
{
    struct libraries_known known = {.count = 0};
    char file[PATH_MAX], absent[sizeof LIBRARIES_ABSENT + sizeof inherited->name];
    (void)snprintf(file, sizeof file, "%s/libraries.json", settings->data);
    *ret_absent = 0;
    for (size_t i = 0; i < count; i++) {
        char *path = named_folder(settings, inherited[i].name, count == 1);
        *ret_absent += !path;
        (void)snprintf(absent, sizeof absent, LIBRARIES_ABSENT "%s", inherited[i].name);
        bool is_room =
            libraries_known_add(&known, inherited[i].id, inherited[i].name, path ? path : absent);
        assert(is_room); /* a catalogue has fewer libraries, each with its own number */
        mem_free(path);
    }
    int error = known_write(&known, file, why);
    libraries_known_release(&known);
    return error;
}

void libraries_release(struct libraries *libraries)
{
    for (size_t i = 0; i < libraries->count; i++) {
        mem_free_p(&libraries->roots[i].name);
        mem_free_p(&libraries->roots[i].path);
    }
    libraries->count = 0;
}
