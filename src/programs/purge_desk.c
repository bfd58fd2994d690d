// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/purge_desk.h"

#include "base/log.h"
#include "base/mem.h"

struct purging {
    struct loop *loop;
    struct control_request *request;
    int error;
};

static void answer(void *context)
{
    struct purging *purging = context;
    struct buffer out;
    buffer_init(&out, 1000);
    if (purging->error == 0)
        buffer_text(&out, TEXT("{\"ok\":true}"));
    else
        buffer_printf(&out,
                      "{\"ok\":false,\"error\":\"it is purged, but the disk does not take that "
                      "(%.*s); it is tried again, and until then a power cut would undo it\"}",
                      TEXT_ARGS(log_errno(purging->error)));
    control_answer(purging->request, buffer_view(&out));
    buffer_release(&out);
    mem_free(purging);
}

/* On the store's thread. */
static void on_kept(void *context, int error)
{
    struct purging *purging = context;
    purging->error = error;
    loop_post(purging->loop, answer, purging);
}

static struct text member(const json_t *root, const char *name)
{
    const json_t *value = json_object_get(root, name);
    return json_is_string(value) ? text_make(json_string_value(value), json_string_length(value))
                                 : TEXT_NONE;
}

static struct purging *purging_new(struct loop *loop, struct control_request *request)
{
    struct purging *purging = MEM_NEW(struct purging);
    *purging = (struct purging){loop, request, 0};
    return purging;
}

bool purge_desk_asked(struct edge *edge, struct loop *loop, struct control_request *request,
                      const json_t *root)
{
    struct text host = member(root, "host"), target = member(root, "target");
    struct text prefix = member(root, "prefix"), tag = member(root, "tag");
    if (!text_equal(member(root, "do"), TEXT("edge.purge")))
        return false;
    if (tag.size > 0)
        edge_purge_tag(edge, tag, on_kept, purging_new(loop, request));
    else if (host.size > 0 && target.size > 0)
        edge_purge_url(edge, host, target, on_kept, purging_new(loop, request));
    else if (host.size > 0 && prefix.size > 0)
        edge_purge_prefix(edge, host, prefix, on_kept, purging_new(loop, request));
    else
        return false;
    return true;
}
