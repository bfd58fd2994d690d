// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/batch_build.h"

struct uid batch_request(struct batch *batch, struct uid session, const struct account_wish *wish)
{
    struct uid id = uid_random();
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    build_uid(&json, "session", session);
    json_member_text(&json, "what", text_of(request_what_word(wish->what)));
    build_uid(&json, "about", wish->about);
    if (wish->name.size)
        json_member_text(&json, "name", wish->name);
    if (wish->has_admin)
        json_member_bool(&json, "admin", wish->is_admin);
    if (wish->has_libraries)
        build_libraries(&json, wish->libraries);
    if (wish->has_disabled)
        json_member_bool(&json, "disabled", wish->is_disabled);
    build_end(batch, &json, KIND_REQUEST);
    return id;
}

void batch_request_decided(struct batch *batch, const struct kept_request *request, bool is_done,
                           const char *why)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", request->id);
    json_member_bool(&json, "done", is_done);
    if (!is_done)
        json_member_text(&json, "why", text_of(why));
    build_end_for(batch, &json, request->account, KIND_REQUEST_DECIDED);
}

void batch_request_forget(struct batch *batch, const struct kept_request *request)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", request->id);
    build_end_for(batch, &json, request->account, KIND_REQUEST_FORGET);
}
