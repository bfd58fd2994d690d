// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/*
 * parcels: at an origin, operations that its edges accepted (trust/parcel.h,
 * docs/formats/operations.md "Between nodes").
 *
 *     POST /nodes/operations   a signed object /operations/{node}: by mutual TLS from any welcome
 *                              edge, its own or one that it passes on; the signature says whose
 *                              or a bare parcel from an admin, for tests and tools
 *
 * Each operation is judged by itself, then all go the way of any batch; the receipt is sent when
 * they are durable and merged.  An edge may bring for a listener: what merges, what revokes, and
 * sessions that it opened; for its own listeners (those of whom it was ever home or backup), for
 * others with a proof that they were there.  What it may not is refused, said in the audit log, and
 * changes nothing.
 */
struct api;
struct server;

void parcel_routes(struct api *api, struct server *server);
