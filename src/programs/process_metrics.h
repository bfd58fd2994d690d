// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * process_metrics: what the kernel says about this process, under the names that Prometheus clients
 * share (process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds …), and the
 * build.
 */
void process_metrics_write(struct buffer *out);
