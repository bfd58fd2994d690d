// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/catalogs.h"

#include "base/mem.h"
#include "catalog/intake.h"
#include "io/file.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { KEEP_S = 900 };

struct catalogs {
    char *folder;
    struct depot *depots[CATALOGS_MOST]; /* by library - 1; NULL: none yet */
    struct list wanted[CATALOGS_MOST];   /* library 0: nothing */
    bool is_checked[CATALOGS_MOST][LIST_MAX_SEGMENTS][SEGMENT_OBJECTS]; /* of it, here and right */
    struct intake *intake;
    int library; /* whose object comes */
    uint32_t entry;
    enum segment_object object;
    char why[256];
};

/* --- depots --- */

static int open_depot(struct catalogs *catalogs, int library)
{
    char folder[PATH_MAX], refused[256];
    if (snprintf(folder, sizeof folder, "%s/%d", catalogs->folder, library) >= (int)sizeof folder)
        return -ENAMETOOLONG;
    const struct depot_config config = {
        .folder = folder, .library = (uint8_t)library, .keep_s = KEEP_S, .is_copy = true};
    int error = file_make_dirs(AT_FDCWD, folder, 0700);
    return error ? error : depot_open(&config, &catalogs->depots[library - 1], refused);
}

int catalogs_open(const char *folder, struct catalogs **ret)
{
    char path[PATH_MAX];
    struct stat status;
    int error = file_make_dirs(AT_FDCWD, folder, 0700);
    if (error)
        return error;
    struct catalogs *catalogs = MEM_NEW(struct catalogs);
    catalogs->folder = mem_strdup(folder);
    for (int library = 1; library <= CATALOGS_MOST && !error; library++) {
        (void)snprintf(path, sizeof path, "%s/%d", folder, library);
        if (stat(path, &status) == 0)
            error = open_depot(catalogs, library);
    }
    if (error)
        catalogs_close(&catalogs);
    else
        *ret = catalogs;
    return error;
}

void catalogs_close(struct catalogs **catalogs_p)
{
    struct catalogs *catalogs = *catalogs_p;
    if (!catalogs)
        return;
    intake_abort(&catalogs->intake);
    for (size_t i = 0; i < CATALOGS_MOST; i++)
        depot_close(&catalogs->depots[i]);
    mem_free(catalogs->folder);
    mem_free_p(catalogs_p);
}

const struct list *catalogs_held(const struct catalogs *catalogs, int library)
{
    const struct depot *depot = catalogs->depots[library - 1];
    return depot && depot_version(depot) ? depot_current(depot) : NULL;
}

struct catalog *catalogs_snapshot(const struct catalogs *catalogs)
{
    struct depot *depots[CATALOGS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < CATALOGS_MOST; i++)
        if (catalogs->depots[i])
            depots[count++] = catalogs->depots[i];
    return depot_snapshot(depots, count);
}

void catalogs_shelves(const struct catalogs *catalogs, struct shelf *ret[CATALOGS_MOST])
{
    for (size_t i = 0; i < CATALOGS_MOST; i++)
        ret[i] = catalogs->depots[i] ? depot_shelf(catalogs->depots[i]) : NULL;
}

/* --- what is wanted --- */

/* Numbers are unique in their library and epoch: another object of the same number is from another
 * history, and would overwrite what the current list names. */
static bool is_of_this_history(const struct list *wanted, const struct list *held)
{
    for (uint32_t i = 0; held && i < wanted->count; i++)
        for (uint32_t k = 0; k < held->count; k++)
            if (wanted->entries[i].number == held->entries[k].number &&
                memcmp(wanted->entries[i].digest, held->entries[k].digest,
                       sizeof wanted->entries[i].digest) != 0)
                return false;
    return true;
}

static bool is_newer(const struct list *list, const struct list *held)
{
    return !held ||
           (list->epoch != held->epoch ? list->epoch > held->epoch : list->number > held->number);
}

static enum catalogs_verdict adopt(struct catalogs *catalogs, int library, const char **ret_why)
{
    struct list *wanted = &catalogs->wanted[library - 1];
    int error = depot_adopt(catalogs->depots[library - 1], wanted, catalogs->why);
    wanted->library = 0;
    if (!error)
        return CATALOGS_ADOPTED;
    if (error != -EBADMSG)
        (void)snprintf(catalogs->why, sizeof catalogs->why, "the catalogue cannot be kept: %s",
                       strerrordesc_np(-error));
    *ret_why = catalogs->why;
    return CATALOGS_BAD;
}

static bool find_lacking(struct catalogs *catalogs, int library, uint32_t *ret_entry,
                         enum segment_object *ret_object)
{
    const struct list *wanted = &catalogs->wanted[library - 1];
    for (uint32_t i = 0; i < wanted->count; i++)
        for (unsigned object = 0; object < SEGMENT_OBJECTS; object++) {
            bool *is_checked = &catalogs->is_checked[library - 1][i][object];
            *is_checked =
                *is_checked || intake_has(depot_folder(catalogs->depots[library - 1]),
                                          &wanted->entries[i], (enum segment_object)object);
            if (*is_checked)
                continue;
            *ret_entry = i;
            *ret_object = (enum segment_object)object;
            return true;
        }
    return false;
}

static enum catalogs_verdict adopt_if_whole(struct catalogs *catalogs, int library,
                                            const char **ret_why)
{
    uint32_t entry;
    enum segment_object object;
    return find_lacking(catalogs, library, &entry, &object) ? CATALOGS_LACKS
                                                            : adopt(catalogs, library, ret_why);
}

enum catalogs_verdict catalogs_want(struct catalogs *catalogs, int library, struct text body,
                                    const char **ret_why)
{
    struct list list;
    if (!published_read(body, &list, ret_why))
        return CATALOGS_BAD;
    *ret_why = "the list is of another library";
    if (list.library != library)
        return CATALOGS_BAD;
    if (!is_newer(&list, catalogs_held(catalogs, library)))
        return CATALOGS_HELD;
    *ret_why = "the list numbers segments as another history of this library did";
    if (!is_of_this_history(&list, catalogs_held(catalogs, library)))
        return CATALOGS_BAD;
    *ret_why = "the catalogue's folder cannot be made";
    if (!catalogs->depots[library - 1] && open_depot(catalogs, library) != 0)
        return CATALOGS_BAD;
    if (catalogs->library == library)
        intake_abort(&catalogs->intake);
    catalogs->wanted[library - 1] = list;
    memset(catalogs->is_checked[library - 1], 0, sizeof catalogs->is_checked[library - 1]);
    return adopt_if_whole(catalogs, library, ret_why);
}

void catalogs_forget(struct catalogs *catalogs, int library)
{
    catalogs->wanted[library - 1].library = 0;
}

bool catalogs_lacking(struct catalogs *catalogs, struct catalogs_object *ret)
{
    for (int library = 1; library <= CATALOGS_MOST; library++) {
        uint32_t entry;
        enum segment_object object;
        if (!catalogs->wanted[library - 1].library ||
            !find_lacking(catalogs, library, &entry, &object))
            continue;
        const struct list_entry *of = &catalogs->wanted[library - 1].entries[entry];
        *ret = (struct catalogs_object){library,
                                        {.size_bytes = of->size_bytes[object], .object = object}};
        memcpy(ret->object.digest, of->digest[object], sizeof ret->object.digest);
        return true;
    }
    return false;
}

/* --- an object on its way --- */

int catalogs_begin(struct catalogs *catalogs, const struct catalogs_object *object)
{
    int library = object->library;
    assert(!catalogs->intake && catalogs->wanted[library - 1].library);
    if (!find_lacking(catalogs, library, &catalogs->entry, &catalogs->object))
        return -EALREADY;
    catalogs->library = library;
    return intake_begin(depot_folder(catalogs->depots[library - 1]),
                        &catalogs->wanted[library - 1].entries[catalogs->entry], catalogs->object,
                        &catalogs->intake);
}

int catalogs_write(struct catalogs *catalogs, struct text piece)
{
    return catalogs->intake ? intake_write(catalogs->intake, piece) : -ECANCELED;
}

void catalogs_abort(struct catalogs *catalogs) { intake_abort(&catalogs->intake); }

enum catalogs_verdict catalogs_end(struct catalogs *catalogs, const char **ret_why)
{
    int library = catalogs->library;
    *ret_why = "a segment's bytes are not those that the list names";
    int error = catalogs->intake ? intake_end(&catalogs->intake) : -ECANCELED;
    if (error && error != -EBADMSG && error != -EFBIG)
        *ret_why = "a segment cannot be written to the state folder";
    if (error)
        return CATALOGS_BAD;
    catalogs->is_checked[library - 1][catalogs->entry][catalogs->object] = true;
    return adopt_if_whole(catalogs, library, ret_why);
}
