// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/audit.h"

#include "api/player.h"

void audit_write(const struct logger *logger, enum audit_event event,
                 const struct audit_entry *entry)
{
    static const char *const names[] = {
#define AUDIT(id, name, when) name,
#include "api/audit.def"
#undef AUDIT
    };
    if (logger)
        LOG(logger, LOG_INFO, names[event], {"account", entry->account}, {"by", entry->by},
            {"address", entry->address}, {"agent", entry->agent}, {"what", entry->what});
}

static struct text name_of(const struct player *player, struct uid id)
{
    const struct account *account = state_account(player->api->config.state, id);
    return account ? account->name : TEXT_NONE;
}

void audit_player_what(const struct player *player, enum audit_event event, struct uid account,
                       struct text what)
{
    struct text agent = http_request_field(exchange_request(player->exchange), TEXT("User-Agent"));
    audit_write(
        player->api->config.audit, event,
        &(struct audit_entry){.account = name_of(player, account),
                              .by = name_of(player, player->account_id),
                              .address = text_of(exchange_peer(player->exchange)->address),
                              .agent = text_make(agent.data, agent.size < 200 ? agent.size : 200),
                              .what = what});
}

void audit_player(const struct player *player, enum audit_event event, struct uid account)
{
    audit_player_what(player, event, account, TEXT_NONE);
}
