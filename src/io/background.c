// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/background.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICENESS = 10, IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

void background_enter(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

bool background_machine_is_idle(void)
{
    double load;
    return getloadavg(&load, 1) == 1 && load < 0.5 * (double)sysconf(_SC_NPROCESSORS_ONLN);
}
