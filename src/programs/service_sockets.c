// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_sockets.h"

#include "programs/service_nodes.h"

#include <unistd.h>

/* The socket for `wanted` that was handed to us; -1 when there is none. */
static int inherited_socket(struct service *service, struct text wanted,
                            struct listening_address *ret)
{
    for (size_t i = 0; i < service->inherited->count; i++)
        if (strncmp(service->inherited->all[i].name, "listen-", 7) == 0 &&
            listening_known(service->inherited->all[i].fd, ret) && listening_suits(wanted, ret))
            return inherited_claim_at(service->inherited, i);
    return -1;
}

static void name_socket(const struct listening_address *address, char *ret, size_t capacity)
{
    (void)snprintf(ret, capacity, "listen-%s", address->text);
    for (char *at = ret; *at; at++)
        if (*at == ':')
            *at = '_';
}

/* Whoever watches over us holds it from now on, for the next of us. */
static void hand_up_socket(const struct service *service, size_t i)
{
    char name[INHERITED_NAME_BYTES], state[128];
    name_socket(&service->addresses[i], name, sizeof name);
    (void)snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=%s", name);
    (void)notify_send_fd(&service->notify, state, service->fds[i]);
}

/* Those that the settings do not name any more, or that are no TCP sockets: nobody may hold them
 * open. */
static void drop_sockets(struct service *service)
{
    char state[128];
    for (size_t i; (i = inherited_find(service->inherited, "listen-")) != SIZE_MAX;) {
        (void)snprintf(state, sizeof state, "FDSTOREREMOVE=1\nFDNAME=%s",
                       service->inherited->all[i].name);
        (void)notify_send(&service->notify, state);
        (void)close(inherited_claim_at(service->inherited, i));
    }
}

/* Sockets of a .socket unit stand for the setting `listen`: who made the unit has chosen. */
static void take_activated(struct service *service)
{
    for (size_t i = 0; i < service->inherited->count;) {
        struct listening_address *address = &service->addresses[service->address_count];
        if (service->address_count < SERVICE_MAX_ADDRESSES &&
            strncmp(service->inherited->all[i].name, "listen-", 7) != 0 &&
            listening_known(service->inherited->all[i].fd, address))
            service->fds[service->address_count++] = inherited_claim_at(service->inherited, i);
        else
            i++;
    }
}

bool service_sockets_open(struct service *service, struct buffer *why)
{
    const struct settings_list *wanted = &service->settings.listen;
    if (wanted->count == 0 || wanted->count > SERVICE_MAX_ADDRESSES) {
        buffer_printf(why, "listen: 1 to %d addresses", SERVICE_MAX_ADDRESSES);
        return false;
    }
    service_nodes_claim(service);
    take_activated(service);
    for (size_t i = 0, is_activated = service->address_count; !is_activated && i < wanted->count;
         i++) {
        struct text address = text_of(wanted->items[i]);
        service->fds[i] = inherited_socket(service, address, &service->addresses[i]);
        bool is_new = service->fds[i] < 0;
        if (is_new)
            service->fds[i] = listening_open(address, &service->addresses[i], why);
        if (service->fds[i] < 0)
            return false;
        if (is_new)
            hand_up_socket(service, i);
        service->address_count = i + 1;
    }
    drop_sockets(service);
    return true;
}

void service_sockets_close(struct service *service)
{
    for (size_t i = 0; i < SERVICE_MAX_ADDRESSES; i++)
        if (service->fds[i] >= 0)
            (void)close(service->fds[i]);
}
