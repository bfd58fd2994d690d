// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/inherited.h"

#include <fcntl.h>
#include <unistd.h>

enum { FIRST_FD = 3 /* SD_LISTEN_FDS_START */, MAX_GIVEN = 256 };

static bool number_of(const char *variable, uint64_t *ret)
{
    const char *value = getenv(variable);
    return value && text_to_u64(text_of(value), ret);
}

/* The next of the names with a colon between; systemd says "unknown" where there is none. */
static struct text next_name(struct text *names)
{
    size_t end = text_find_byte(*names, ':');
    struct text name = end == SIZE_MAX ? *names : text_make(names->data, end);
    size_t used = end == SIZE_MAX ? names->size : end + 1;
    *names = text_make(names->data + used, names->size - used);
    return name.size > 0 && name.size < INHERITED_NAME_BYTES ? name : TEXT("unknown");
}

void inherited_take(struct inherited *inherited)
{
    uint64_t pid = 0, given = 0;
    *inherited = (struct inherited){0};
    if (number_of("LISTEN_PID", &pid) && pid == (uint64_t)getpid() &&
        number_of("LISTEN_FDS", &given) && given <= MAX_GIVEN) {
        const char *variable = getenv("LISTEN_FDNAMES");
        struct text names = text_of(variable ? variable : "");
        for (int i = 0; i < (int)given; i++) {
            char name[INHERITED_NAME_BYTES];
            struct text next = next_name(&names);
            (void)snprintf(name, sizeof name, "%.*s", TEXT_ARGS(next));
            if (fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC) == 0)
                (void)inherited_add(inherited, name, FIRST_FD + i);
        }
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
}

bool inherited_add(struct inherited *inherited, const char *name, int low_fd)
{
    int fd = low_fd;
    if (low_fd < INHERITED_ABOVE) {
        fd = fcntl(low_fd, F_DUPFD_CLOEXEC, INHERITED_ABOVE);
        (void)close(low_fd);
    }
    if (fd < 0 || inherited->count == INHERITED_MAX) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    struct inherited_fd *entry = &inherited->all[inherited->count++];
    entry->fd = fd;
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    return true;
}

size_t inherited_find(const struct inherited *inherited, const char *name)
{
    size_t size = strlen(name);
    bool is_prefix = size > 0 && name[size - 1] == '-';
    for (size_t i = 0; i < inherited->count; i++)
        if (is_prefix ? strncmp(inherited->all[i].name, name, size) == 0
                      : strcmp(inherited->all[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

int inherited_claim_at(struct inherited *inherited, size_t index)
{
    int fd = inherited->all[index].fd;
    inherited->count--;
    memmove(&inherited->all[index], &inherited->all[index + 1],
            (inherited->count - index) * sizeof inherited->all[0]);
    return fd;
}

int inherited_claim(struct inherited *inherited, const char *name)
{
    size_t index = inherited_find(inherited, name);
    return index == SIZE_MAX ? -1 : inherited_claim_at(inherited, index);
}

void inherited_drop(struct inherited *inherited, const char *name)
{
    for (size_t i = inherited->count; i-- > 0;)
        if (strcmp(inherited->all[i].name, name) == 0)
            (void)close(inherited_claim_at(inherited, i));
}

void inherited_close(struct inherited *inherited)
{
    while (inherited->count > 0)
        (void)close(inherited_claim_at(inherited, inherited->count - 1));
}

static bool set_number(const char *variable, long value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%ld", value);
    return setenv(variable, digits, 1) == 0;
}

bool inherited_pass(const struct inherited *inherited)
{
    char names[INHERITED_MAX * INHERITED_NAME_BYTES] = "";
    size_t at = 0;
    for (size_t i = 0; i < inherited->count; i++) {
        if (dup2(inherited->all[i].fd, FIRST_FD + (int)i) < 0)
            return false;
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ":" : "",
                               inherited->all[i].name);
    }
    return setenv("LISTEN_FDNAMES", names, 1) == 0 &&
           set_number("LISTEN_FDS", (long)inherited->count) &&
           set_number("LISTEN_PID", (long)getpid());
}
