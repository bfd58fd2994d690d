// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * fault_proxy: the drills' proxy (src/drills/fault_proxy.h) for a test: "fault_proxy PORT" says its
 * own port, then takes "KIND DELAY_MS BYTES [both|up]" or "none" on lines of standard input and
 * says "ok".  One fault at a time, towards the one who asks unless it says otherwise; it ends with
 * its input.
 */
#include "drills/fault_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
#define FAULT(id, name, target, until, takes, help) [FAULT_##id] = name,
#include "drills/faults.def"
#undef FAULT
};

static bool read_fault(const char *line, struct scenario_fault *ret)
{
    char name[32], direction[8] = "down";
    long long delay_ms, bytes;
    if (sscanf(line, "%31s %lld %lld %7s", name, &delay_ms, &bytes, direction) < 3)
        return false;
    *ret = (struct scenario_fault){.direction = strcmp(direction, "both") == 0 ? FAULT_BOTH
                                                : strcmp(direction, "up") == 0 ? FAULT_UP
                                                                               : FAULT_DOWN,
                                   .delay_ms = delay_ms,
                                   .bytes = bytes,
                                   .rate_kbit = 64,
                                   .stall_percent = 30,
                                   .share_percent = 100};
    for (size_t i = 0; i < FAULT_KINDS; i++)
        if (strcmp(kinds[i], name) == 0) {
            ret->kind = (enum fault_kind)i;
            return true;
        }
    return false;
}

int main(int count, char **words)
{
    struct scenario_fault fault;
    bool has_fault = false;
    char line[200];
    struct fault_proxy *proxy =
        count == 2 ? fault_proxy_start((uint16_t)strtoul(words[1], NULL, 10), 1) : NULL;
    if (!proxy)
        return 2;
    printf("%u\n", fault_proxy_port(proxy));
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (has_fault)
            fault_proxy_end(proxy, &fault);
        has_fault = read_fault(line, &fault);
        if (has_fault)
            fault_proxy_begin(proxy, &fault);
        printf("%s\n", has_fault || strcmp(line, "none\n") == 0 ? "ok" : "what?");
        (void)fflush(stdout);
    }
    fault_proxy_stop(&proxy);
    return 0;
}
