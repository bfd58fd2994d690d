// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>

/*
 * edge_succession: an edge goes over to the origin that takes its own one's place
 * (edge/succession.h).
 *
 *     another node shows a greater epoch ─▶ its keys are believed ─▶ the certificate is renewed at
 * the new origin's door ─▶ keys/joined names that ─▶ the server starts anew, and follows it
 *
 * Whoever else the list of nodes names is asked, one each fifteen seconds, each three while the
 * origin does not answer.  A start anew is the supervisor's: it holds the sockets meanwhile, and
 * without one the process ends with COMMAND_AGAIN.
 */
struct buffer;
struct edge_service;

/* Nothing for an edge that has not joined.  False with words in `why`. */
bool edge_succession_open(struct edge_service *service, struct buffer *why) MUST_USE;
void edge_succession_close(struct edge_service *service); /* before the member is closed */
