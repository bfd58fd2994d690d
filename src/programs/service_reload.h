// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/service.h"

/*
 * service_reload: the settings, read at the start and again at SIGHUP, with logs and certificates.
 * Nothing is dropped, and a bad configuration changes nothing.
 */
bool service_settings_load(struct settings *settings, const struct arguments *arguments,
                           struct buffer *why) MUST_USE;
void service_reload(struct service *service);
