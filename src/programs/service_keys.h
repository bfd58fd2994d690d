// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/service.h"

/*
 * service_keys: keeps the signing keys of a running server renewed: looks once an hour what is due
 * (trust/keyfolder.h), and gives the api the ring that is in force.
 */
void service_keys_start(struct service *service); /* after the api was opened */
void service_keys_stop(struct service *service);
/* The owner rotated or revoked: `context` is the service. */
void service_keys_changed(void *context);
