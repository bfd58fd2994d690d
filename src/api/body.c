// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/body.h"

#include <stdio.h>

/* jansson recurses as deep as the text nests, so the depth is looked at before. */
static bool is_shallow(struct text bytes)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > BODY_MAX_DEPTH)
                return false;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return true;
}

json_t *body_parse(struct text bytes, char ret_why[160])
{
    json_error_t error;
    if (!bytes.size) {
        snprintf(ret_why, 160, "The body is empty; send a JSON object.");
        return NULL;
    }
    if (!is_shallow(bytes)) {
        snprintf(ret_why, 160, "The body nests deeper than %d.", BODY_MAX_DEPTH);
        return NULL;
    }
    json_t *object = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        snprintf(ret_why, 160, "The body is not JSON: line %d, column %d: %.80s", error.line,
                 error.column, error.text);
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        snprintf(ret_why, 160, "The body must be a JSON object.");
        return NULL;
    }
    return object;
}

bool body_text(const json_t *object, const char *name, size_t min, size_t max, struct text *ret)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return false;
    struct text t = text_make(json_string_value(value), json_string_length(value));
    if (t.size < min || t.size > max)
        return false;
    *ret = t;
    return true;
}

bool body_bool(const json_t *object, const char *name, bool otherwise, bool *ret)
{
    const json_t *value = json_object_get(object, name);
    if (value && !json_is_boolean(value))
        return false;
    *ret = value ? json_is_true(value) : otherwise;
    return true;
}
