// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/command.h"
#include "programs/inherited.h"

/*
 * supervisor: the process that `sostenuto serve` is; the server is its child.
 *
 *   SIGTERM, SIGINT, SIGHUP ─▶ supervisor ─▶ the same to the server
 *   server dies             ─▶ started again at once (programs/backoff.h), with the listening
 *                              sockets, where connections waited meanwhile, and the ticket secret
 *   server says nothing for watchdog_seconds ─▶ it hangs: SIGABRT, SIGKILL, started again
 *   supervisor dies         ─▶ the kernel kills the server (PR_SET_PDEATHSIG): nobody would watch
 * it server ends with 0, or before it was ever ready ─▶ the supervisor ends with the same code
 *
 * It keeps descriptors and decides nothing else: no threads, no memory taken while it runs, one
 * poll().  The server is a fresh exec of the same file, so that each has its own address layout.
 * The server binds, and hands what must outlive it to its supervisor as it would to systemd
 * (FDSTORE=1); the supervisor passes it on to systemd, so that even its own death loses no socket.
 * The rest of the talk on a server's channel are the words of sd_notify(3), too.
 *
 * SIGUSR2 (or `sostenuto upgrade`, by way of the server) brings what lies at our path by now into
 * service: supervisor_upgrade.c.
 *
 * Started as root it becomes the same user as the server, once the server is ready for the first
 * time.  The setting `supervisor = no` runs the server alone, for debuggers.
 */
enum command_exit supervise(const struct arguments *arguments, struct inherited *inherited,
                            uint64_t starts);

/*
 * The server's side.  Asks the kernel to end this process with its supervisor; at the start and
 * again after every change of user, which forgets it.  False when the supervisor is gone already.
 */
bool supervised_bind(int channel) MUST_USE;
struct buffer;
struct loop;
struct loop_watch;
/* Binds to it and watches its end of the channel, by the watch's on_events; no channel (negative)
 * is none to watch.  False with words when it is gone. */
bool supervised_watch(struct loop *loop, int channel, struct loop_watch *watch,
                      struct buffer *why) MUST_USE;
/* How many servers the supervisor started before this one.  Once, early: it clears the variable. */
uint64_t supervised_starts(void);
