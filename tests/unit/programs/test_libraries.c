// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/libraries.h"

#include "tap.h"
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sostenuto-libraries-XXXXXX";
static struct settings settings;

/* Settles with that list and returns "id name,id name". */
static struct text settled(const char *list)
{
    static char shown[512];
    struct libraries libraries;
    struct buffer why;
    buffer_init(&why, 1024);
    size_t size = 0;
    shown[0] = '\0';
    if (!settings_set(&settings, setting_named(TEXT("library")), text_of(list), &why) ||
        libraries_settle(&libraries, &settings, &why) != 0) {
        size = (size_t)snprintf(shown, sizeof shown, "failed: %.*s", TEXT_ARGS(buffer_view(&why)));
    } else {
        for (size_t i = 0; i < libraries.count; i++)
            size += (size_t)snprintf(shown + size, sizeof shown - size, "%s%d %s", i ? "," : "",
                                     libraries.roots[i].id, libraries.roots[i].name);
        libraries_release(&libraries);
    }
    buffer_release(&why);
    return text_make(shown, size);
}

int main(void)
{
    struct buffer why;
    buffer_init(&why, 1024);
    settings_init(&settings);
    if (!mkdtemp(folder) ||
        !settings_set(&settings, setting_named(TEXT("data")), text_of(folder), &why))
        return 1;
    OK_TEXT(settled("/usr,/tmp"), TEXT("1 usr,2 tmp"),
            "folders get ids in the order they are first seen");
    OK_TEXT(settled("/tmp,/usr"), TEXT("2 tmp,1 usr"), "in another order they keep them");
    OK_TEXT(settled("/var"), TEXT("3 var"), "a new folder never takes an id that was used");
    OK_TEXT(settled("/tmp"), TEXT("2 tmp"), "one that comes back has its own");
    OK_TEXT(settled("Mine=/nonexistent/a"), TEXT("4 Mine"),
            "a folder that is not there yet is a library all the same");
    OK_TEXT(settled("Mine=/usr/lib"), TEXT("4 Mine"),
            "a library whose folder moved is found by its name");
    OK_TEXT(settled("Mine=/usr/lib,/usr/lib"), TEXT("4 Mine,5 lib"), "no two folders share an id");

    char path[128];
    (void)snprintf(path, sizeof path, "%s/libraries.json", folder);
    FILE *file = fopen(path, "w");
    fputs("[{\"id\": 1}]", file);
    (void)fclose(file);
    OK(text_starts(settled("/usr"), TEXT("failed: ")),
       "a damaged file is an error, not a fresh start");
    (void)unlink(path);
    (void)rmdir(folder);
    settings_release(&settings);
    buffer_release(&why);
    return tap_done();
}
