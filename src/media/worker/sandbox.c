// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NOBODY = 65534,
    MAX_DESCRIPTORS = 32,
    MAX_CPU_SECONDS = 4 * 3600,
    MAX_IMAGE_BYTES = 64 * 1024 * 1024
};
enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static void limit(__rlimit_resource_t resource, uint64_t value)
{
    struct rlimit both = {value, value};
    if (setrlimit(resource, &both) < 0)
        abort();
}

static uint64_t address_space(void)
{
    char line[128] = {0};
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    return got > 0 ? strtoull(line, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void sandbox_limit(enum sandbox_role role, uint64_t memory_bytes)
{
    if (memory_bytes && !IS_SANITIZED)
        limit(RLIMIT_AS, address_space() + memory_bytes);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, MAX_CPU_SECONDS);
    limit(RLIMIT_NOFILE, MAX_DESCRIPTORS);
    limit(RLIMIT_FSIZE, role == SANDBOX_ARTWORK ? MAX_IMAGE_BYTES : 0);
}

void sandbox_background(void)
{
    struct sched_param param = {0};
    (void)setpriority(PRIO_PROCESS, 0, 10); /* politeness only: none of these need succeed */
    (void)sched_setscheduler(0, SCHED_BATCH, &param);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

/* Root's workers become nobody's.  In a namespace without that user it stays as it is; the filter
 * holds either way. */
static void drop_identity(void)
{
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0)
        (void)!setresuid(NOBODY, NOBODY, NOBODY);
}

/* --- the filter --- */

static const int common_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
};

/* Sanitizers ask more of the kernel, and so do crash reports of test builds. */
static const int sanitizer_calls[] = {
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(pipe2),
};

/* Sanitizers look for files (their options, /proc): they are told that none is. */
static const int absent_calls[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),   SCMP_SYS(stat),       SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx),    SCMP_SYS(access),     SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),    SCMP_SYS(getcwd),   SCMP_SYS(unlink),     SCMP_SYS(uname),
};

static void must(int result)
{
    if (result < 0)
        abort(); /* a worker without its filter reads nothing */
}

static void allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0));
}

/* Memory may become anything but executable; newfstatat() only on a descriptor, which is how glibc
 * spells fstat(). */
static void allow_with_care(scmp_filter_ctx filter)
{
    const int mapping_calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < sizeof mapping_calls / sizeof *mapping_calls; i++)
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, mapping_calls[i], 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                          SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, /* abort() */
                          SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                          SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)));
}

/* sandbox_background(), of itself only; that nothing is ever raised is the kernel's own rule. */
static void allow_background(scmp_filter_ctx filter)
{
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setpriority), 2,
                          SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS), SCMP_A1(SCMP_CMP_EQ, 0)));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sched_setscheduler), 2,
                          SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A1(SCMP_CMP_EQ, SCHED_BATCH)));
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioprio_set), 2,
                          SCMP_A0(SCMP_CMP_EQ, IOPRIO_WHO_PROCESS), SCMP_A1(SCMP_CMP_EQ, 0)));
}

static void install_filter(enum sandbox_role role)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        abort();
    allow_all(filter, common_calls, sizeof common_calls / sizeof *common_calls);
    allow_with_care(filter);
    if (IS_SANITIZED)
        allow_all(filter, sanitizer_calls, sizeof sanitizer_calls / sizeof *sanitizer_calls);
    if (role == SANDBOX_ARTWORK) /* the picture goes to a memfd */
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(pwrite64), 0));
    if (role == SANDBOX_PACKAGE)
        allow_background(filter);
    if (IS_SANITIZED)
        for (size_t i = 0; i < sizeof absent_calls / sizeof *absent_calls; i++)
            if (absent_calls[i] != SCMP_SYS(newfstatat))
                must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), absent_calls[i], 0));
    must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
                          2)); /* a binary tree: less to run per call */
    must(seccomp_load(filter));
    seccomp_release(filter);
}

void sandbox_enter(enum sandbox_role role, bool dies_with_parent)
{
    drop_identity();
    if (dies_with_parent &&
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) /* after the identity: changing that clears it */
        abort();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        abort();
    install_filter(role);
}
