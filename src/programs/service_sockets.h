// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/service.h"

/*
 * service_sockets: the sockets that listeners come by: handed to us by whoever was here before or
 * watches over us (programs/inherited.h), by a .socket unit, or bound anew.
 */

/* Fills in addresses and fds as the setting `listen` says; sockets that nobody wants any more are
 * closed.  False with words in `why`. */
bool service_sockets_open(struct service *service, struct buffer *why) MUST_USE;
void service_sockets_close(struct service *service); /* those that no server has */
