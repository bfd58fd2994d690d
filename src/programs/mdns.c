// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/mdns.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char publisher_path[] = "/usr/bin/avahi-publish";

static NORETURN void run_publisher(const char *name, const char *port, bool is_secure, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* getppid: we may have lost the parent before prctl took effect */
    if (nowhere < 0 || getppid() != parent || dup2(nowhere, STDIN_FILENO) < 0 ||
        dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
        _exit(127);
    /* --no-fail: waits for avahi-daemon, also when it restarts */
    (void)execl(publisher_path, "avahi-publish", "--no-fail", "--service", name,
                is_secure ? "_https._tcp" : "_http._tcp", port, "path=/", "app=sostenuto",
                (char *)NULL);
    _exit(127);
}

void mdns_start(struct mdns *mdns, const char *name, unsigned port, bool is_secure,
                const struct logger *logger)
{
    char port_text[8];
    *mdns = (struct mdns){0};
    if (access(publisher_path, X_OK) != 0) {
        LOG(logger, LOG_DEBUG, "not published in the local network: avahi-utils is not installed",
            {"missing", text_of(publisher_path)});
        return;
    }
    (void)snprintf(port_text, sizeof port_text, "%u", port);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        run_publisher(name, port_text, is_secure, parent);
    if (child > 0)
        mdns->publisher = child;
    else
        LOG(logger, LOG_WARNING, "not published in the local network", {"why", log_errno(errno)});
}

void mdns_stop(struct mdns *mdns)
{
    if (mdns->publisher <= 0)
        return;
    (void)kill(mdns->publisher, SIGTERM);
    while (waitpid(mdns->publisher, NULL, 0) < 0 && errno == EINTR)
        continue;
    mdns->publisher = 0;
}
