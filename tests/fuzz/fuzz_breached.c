// SPDX-License-Identifier: GPL-3.0-or-later
/* An operator's list of breached passwords: opened, or refused with words; nothing is in it that it
 * does not hold. */
#include "trust/breached.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tree[] = {"80655da8d80aaaf9", "dc9c5edb8b2d479e"}; /* SHA-1, SHA-256 */
    char path[32], why[BREACHED_WHY_BYTES] = "";
    struct breached *list = NULL;
    int fd = memfd_create("list", MFD_CLOEXEC), holds = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (size_t at = 0; at + 16 <= size; at++)
        for (int i = 0; i < 2; i++)
            holds |= strncasecmp((const char *)data + at, tree[i], 16) == 0;
    if (write(fd, data, size) != (ssize_t)size || (breached_open(path, &list, why) && !*why) ||
        (list && breached_look_up(list, TEXT("tree")) == BREACHED_YES && !holds))
        abort();
    breached_close(&list);
    return close(fd);
}
