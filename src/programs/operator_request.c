// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/operator_request.h"

#include "base/json.h"
#include "base/mem.h"
#include <jansson.h>

static const struct {
    const char *name;
    size_t offset;
} texts[] =
    {
        {"do", offsetof(struct operator_request, verb)},
        {"name", offsetof(struct operator_request, name)},
        {"password", offsetof(struct operator_request, password)},
        {"label", offsetof(struct operator_request, label)},
        {"path", offsetof(struct operator_request, path)},
        {"expires", offsetof(struct operator_request, expires)},
},
  switches[] = {
      {"admin", offsetof(struct operator_request, is_admin)},
      {"full", offsetof(struct operator_request, is_full)},
      {"allow_removal", offsetof(struct operator_request, allows_removal)},
};

static char **text_at(struct operator_request *request, size_t i)
{
    return (char **)(void *)((char *)request + texts[i].offset);
}

bool operator_request_parse(struct text line, struct operator_request *ret)
{
    json_t *root = json_loadb(line.data ? line.data : "", line.size, JSON_REJECT_DUPLICATES, NULL);
    struct operator_request request = {0};
    bool is_good = json_is_object(root);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *value = json_object_get(root, texts[i].name);
        is_good = is_good && (!value || json_is_string(value));
        *text_at(&request, i) = mem_strdup(json_is_string(value) ? json_string_value(value) : "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
        json_t *value = json_object_get(root, switches[i].name);
        is_good = is_good && (!value || json_is_boolean(value));
        *(bool *)((char *)&request + switches[i].offset) = json_is_true(value);
    }
    json_decref(root);
    if (is_good)
        *ret = request;
    else
        operator_request_release(&request);
    return is_good;
}

void operator_request_release(struct operator_request *request)
{
    if (request->password)
        explicit_bzero(request->password, strlen(request->password));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        mem_free_p(text_at(request, i));
}

static void member(struct json *json, const char *name, const char *value)
{
    if (value && value[0])
        json_member_text(json, name, text_of(value));
}

void operator_request_write(const struct operator_request *request, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    member(&json, "do", request->verb);
    member(&json, "name", request->name);
    member(&json, "password", request->password);
    member(&json, "label", request->label);
    member(&json, "path", request->path);
    member(&json, "expires", request->expires);
    json_member_bool(&json, "admin", request->is_admin);
    json_member_bool(&json, "full", request->is_full);
    json_member_bool(&json, "allow_removal", request->allows_removal);
    json_end_object(&json);
}
