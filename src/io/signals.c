// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/signals.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    struct loop_watch watch;
    signals_on_signal *on_signal;
    void *context;
    sigset_t mask_before;
};

static void on_readable(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    struct signals *signals = CONTAINER_OF(watch, struct signals, watch);
    struct signalfd_siginfo info;
    if (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info)
        signals->on_signal((int)info.ssi_signo, signals->context); /* may stop us: the last step */
}

struct signals *signals_start(struct loop *loop, const int *numbers, signals_on_signal *on_signal,
                              void *context)
{
    struct signals *signals = MEM_NEW(struct signals);
    signals->on_signal = on_signal;
    signals->context = context;
    sigset_t wanted;
    sigemptyset(&wanted);
    for (; *numbers; numbers++)
        sigaddset(&wanted, *numbers);
    int failed = pthread_sigmask(SIG_BLOCK, &wanted, &signals->mask_before);
    assert(!failed);
    signals->watch.on_events = on_readable;
    signals->watch.wanted = LOOP_READ;
    signals->watch.fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    assert(signals->watch.fd >= 0);
    failed = loop_watch_add(loop, &signals->watch);
    assert(!failed);
    return signals;
}

void signals_stop(struct signals **signals)
{
    if (!*signals)
        return;
    loop_watch_remove(&(*signals)->watch);
    close((*signals)->watch.fd);
    pthread_sigmask(SIG_SETMASK, &(*signals)->mask_before, NULL);
    mem_free_p(signals);
}
