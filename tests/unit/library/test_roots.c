// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/catalog.h"
#include "catalog/shelf.h"
#include "library/roots.h"
#include "tap.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int init(struct roots *roots, const struct library_root *given, size_t count, char why[256])
{
    const struct library_config config = {.roots = given, .root_count = count};
    return roots_init(roots, &config, why);
}

static bool is_refused(const struct library_root *given, size_t count, const char *words)
{
    struct roots roots;
    char why[256] = "";
    int error = init(&roots, given, count, why);
    roots_release(&roots);
    return error < 0 && strstr(why, words);
}

static void test_ids(void)
{
    const struct library_root none[] = {{0, "Music", "/m"}}, beyond[] = {{33, "Music", "/m"}},
                              twice[] = {{2, "Music", "/m"}, {2, "Books", "/b"}};
    struct library_root many[LIBRARY_MAX_ROOTS + 1];
    for (int32_t i = 0; i <= LIBRARY_MAX_ROOTS; i++)
        many[i] = (struct library_root){i + 1, "Music", "/m"};
    OK(is_refused(none, 1, "\"Music\": the id must be 1 to 32"), "0 is no id");
    OK(is_refused(beyond, 1, "the id must be 1 to 32"), "nor is 33");
    OK(is_refused(twice, 2, "\"Music\" and \"Books\" have the same id 2"),
       "an id is one library's");
    OK(is_refused(many, LIBRARY_MAX_ROOTS + 1, "at most 32"), "so many and no more");
    struct roots roots;
    char why[256] = "";
    OK(init(&roots, many, LIBRARY_MAX_ROOTS, why) == 0 && roots.count == LIBRARY_MAX_ROOTS &&
           roots.named[31].id == 32 && roots.named[31].name != many[31].name,
       "32 are taken, their words copied");
    roots_release(&roots);
}

static int forget_path(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void test_depots(void)
{
    char top[] = "/tmp/test_roots.XXXXXX", why[256] = "";
    const struct library_root given[] = {{7, "Music", "/m"}, {32, "Books", "/b"}};
    const struct library_config config = {.roots = given, .root_count = 2, .state_folder = top};
    struct roots roots;
    bool is_unpublished = false;
    if (!mkdtemp(top))
        exit(1);
    OK(roots_init(&roots, &config, why) == 0 &&
           roots_open_depots(&roots, &config, &is_unpublished, why) == 0 && is_unpublished,
       "depots that are new must be published");
    struct shelf *shelves[LIBRARY_MAX_ROOTS];
    struct catalog *catalog = roots_published(&roots, shelves);
    const struct catalog_view all = {catalog, CATALOG_ALL_LIBRARIES};
    OK(catalog && catalog_count(all, CATALOG_TRACK) == 0, "until then the catalogue is empty");
    size_t others = 0;
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        others += shelves[i] && i != 6 && i != 31;
    OK(others == 0, "no other library has a shelf");
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        shelf_unref(&shelves[i]);
    catalog_unref(&catalog);
    roots_release(&roots);
    OK(nftw(top, forget_path, 16, FTW_DEPTH | FTW_PHYS) == 0, "they lie in the state's folder");
}

int main(void)
{
    test_ids();
    test_depots();
    return tap_done();
}
