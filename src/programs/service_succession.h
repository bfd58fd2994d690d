// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/*
 * service_succession: an origin gives way to one that was promoted in its place
 * (docs/decisions/037-promote.md).
 *
 * Each edge of its book is asked in turn (edge/succession.h): at the start one every two seconds,
 * then one in half a minute.  When one shows keys of a greater epoch by the same root, this origin
 * accepts no writes any more and is not ready; what it holds it goes on serving.  STATE/superseded
 * says so to its next process, until the folder's own epoch is greater (a restore, a promotion).
 */
struct service;

void service_succession_open(struct service *service); /* the node is open; before the api */
void service_succession_close(struct service *service);
