// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/process_metrics.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static unsigned long resident_bytes(void)
{
    char line[128];
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    /* "total resident ...", in pages */
    const char *resident = fgets(line, sizeof line, file) ? strchr(line, ' ') : NULL;
    (void)fclose(file);
    return resident ? strtoul(resident, NULL, 10) * (unsigned long)sysconf(_SC_PAGESIZE) : 0;
}

static unsigned long open_descriptors(void)
{
    unsigned long count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the one that we hold just now */
}

static void write_one(struct buffer *out, const char *name, const char *type, const char *help,
                      double value)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name,
                  value);
}

void process_metrics_write(struct buffer *out)
{
    struct rlimit files = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    write_one(out, "process_cpu_seconds_total", "counter", "User and system time.", cpu_seconds());
    write_one(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
              (double)resident_bytes());
    write_one(out, "process_open_fds", "gauge", "Open descriptors.", (double)open_descriptors());
    write_one(out, "process_max_fds", "gauge", "Most descriptors that may be open.",
              (double)files.rlim_cur);
    buffer_printf(out,
                  "# HELP sostenuto_build_info What runs here; the value is always 1.\n"
                  "# TYPE sostenuto_build_info gauge\nsostenuto_build_info{version=\"%s\"} 1\n",
                  SOSTENUTO_VERSION);
}
