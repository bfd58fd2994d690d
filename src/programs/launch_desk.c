// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/launch_desk.h"

#include "api/peers.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/server.h"
#include "library/library.h"
#include "programs/launch_file.h"
#include "programs/operator_request.h"
#include "trust/keyfolder.h"
#include "trust/node_book.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { REPORTS_MAX = 2048, GOOD_FOR_S = 7 * 24 * 3600, SIGN_EVERY_S = 3600, NUMBER_BYTES = 24 };

/* How far an edge is, as it said last. */
struct report {
    struct uid id;
    uint64_t number, wanted, placed, bytes, of_bytes;
    int64_t heard_s;
};

struct launch_desk {
    struct launch_desk_config config;
    struct launch_list list; /* number 0: nothing is planned */
    struct buffer object;    /* /launch, signed */
    int64_t signed_s;
    struct report reports[REPORTS_MAX];
    size_t report_count;
};

static int64_t now_s(void) { return clock_unix_ms() / 1000; }

/* --- STATE/launch: "NUMBER LF BODY" --- */

static bool path_of(const struct launch_desk *desk, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/launch", desk->config.folder) < PATH_MAX;
}

static void recall(struct launch_desk *desk)
{
    char path[PATH_MAX];
    struct buffer kept;
    struct text rest, line;
    uint64_t number;
    buffer_init(&kept, LAUNCH_MAX_BYTES);
    if (path_of(desk, path) && file_read(AT_FDCWD, path, &kept) >= 0) {
        rest = buffer_view(&kept);
        if (text_split(&rest, '\n', &line) && text_to_u64(line, &number))
            (void)!launch_list_read(rest, number, &desk->list); /* else nothing is planned */
    }
    buffer_release(&kept);
}

static int keep(const struct launch_desk *desk, const struct launch_list *list)
{
    char path[PATH_MAX];
    struct buffer bytes;
    buffer_init(&bytes, LAUNCH_MAX_BYTES);
    buffer_printf(&bytes, "%" PRIu64 "\n", list->number);
    launch_list_write(list, &bytes);
    int error = bytes.overflowed || !path_of(desk, path)
                    ? -EFBIG
                    : file_write_atomic(AT_FDCWD, path, buffer_view(&bytes), 0600);
    buffer_release(&bytes);
    return error;
}

/* --- to edges --- */

static bool sign(struct launch_desk *desk)
{
    struct keyring *ring = keyfolder_ring(desk->config.keyfolder);
    struct buffer body;
    buffer_init(&body, LAUNCH_MAX_BYTES);
    launch_list_write(&desk->list, &body);
    const struct signed_object object = {.name = TEXT(LAUNCH_NAME),
                                         .epoch = keyring_content(ring)->epoch,
                                         .number = desk->list.number,
                                         .issued_s = now_s(),
                                         .expires_s = now_s() + GOOD_FOR_S,
                                         .body = buffer_view(&body)};
    buffer_reset(&desk->object);
    bool is_signed = !body.overflowed && keyring_seal(ring, &object, now_s(), &desk->object);
    desk->signed_s = is_signed ? now_s() : 0;
    buffer_release(&body);
    keyring_unref(&ring);
    return is_signed;
}

/* False after answering. */
static bool is_edge(const struct launch_desk *desk, struct exchange *exchange,
                    struct node_seat *ret)
{
    if (peers_node(desk->config.api, exchange, ret))
        return true;
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, 404, "Not here", "What is planned is told to edges alone.");
    return false;
}

static void give(struct exchange *exchange, void *context)
{
    struct launch_desk *desk = context;
    struct node_seat seat;
    char tag[2 * NUMBER_BYTES];
    if (!is_edge(desk, exchange, &seat))
        return;
    if (!desk->list.number || (now_s() - desk->signed_s >= SIGN_EVERY_S && !sign(desk))) {
        exchange_field(exchange, "Cache-Control", TEXT("no-store"));
        exchange_send_problem(exchange, 404, "Nothing is planned", "Ask again later.");
        return;
    }
    int size = snprintf(tag, sizeof tag, "%" PRIu64 "-%" PRId64, desk->list.number, desk->signed_s);
    exchange_etag(exchange, text_make(tag, (size_t)size));
    exchange_field(exchange, "Cache-Control", TEXT("private, max-age=0"));
    buffer_text(exchange_output(exchange), buffer_view(&desk->object));
    exchange_send_output(exchange, 200, SIGNED_CONTENT_TYPE);
}

static struct report *report_of(struct launch_desk *desk, struct uid id)
{
    for (size_t i = 0; i < desk->report_count; i++)
        if (uid_equal(desk->reports[i].id, id))
            return &desk->reports[i];
    return NULL;
}

static bool read_number(const struct exchange *exchange, struct text name, uint64_t *ret)
{
    return text_to_u64(exchange_parameter(exchange, name), ret);
}

static void hear(struct exchange *exchange, void *context)
{
    struct launch_desk *desk = context;
    struct node_seat seat;
    struct report said = {.heard_s = now_s()};
    if (!is_edge(desk, exchange, &seat))
        return;
    said.id = seat.id;
    struct report *report = report_of(desk, seat.id);
    if (!report && desk->report_count < REPORTS_MAX)
        report = &desk->reports[desk->report_count++];
    bool is_good = read_number(exchange, TEXT("number"), &said.number) &&
                   read_number(exchange, TEXT("wanted"), &said.wanted) &&
                   read_number(exchange, TEXT("placed"), &said.placed);
    (void)!read_number(exchange, TEXT("bytes"), &said.bytes); /* edges of before say neither */
    (void)!read_number(exchange, TEXT("of"), &said.of_bytes);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    if (report && is_good)
        *report = said;
    exchange_send_empty(exchange, is_good ? 204 : 400);
}

void launch_desk_routes(struct launch_desk *desk, struct server *server)
{
    static const struct {
        const char *path;
        server_handler *handler;
    } own[] = {{LAUNCH_NAME, give}, {LAUNCH_REPORT, hear}};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        server_route(server, &(struct server_route){.methods = "GET",
                                                    .path = own[i].path,
                                                    .class = SHIELD_CLASS_CONTROL,
                                                    .handler = own[i].handler,
                                                    .context = desk});
}

/* --- from the owner --- */

static void fail(struct buffer *answer, const char *words)
{
    struct json json;
    json_init(&json, answer);
    json_begin_object(&json);
    json_member_bool(&json, "ok", false);
    json_member_text(&json, "error", text_of(words));
    json_end_object(&json);
}

/* Later than any before, also when the clock was put back. */
static uint64_t next_number(const struct launch_desk *desk)
{
    uint64_t number = (uint64_t)now_s();
    return number > desk->list.number ? number : desk->list.number + 1;
}

static bool read_plan(struct launch_desk *desk, const char *path, struct launch_list *ret,
                      char why[LAUNCH_WHY_BYTES])
{
    struct buffer file;
    buffer_init(&file, LAUNCH_FILE_MAX_BYTES);
    int error = file_read(AT_FDCWD, path, &file);
    struct catalog *catalog = library_catalog(desk->config.library);
    if (error < 0)
        (void)snprintf(why, LAUNCH_WHY_BYTES, "%.*s", TEXT_ARGS(log_errno(error)));
    bool is_read =
        error >= 0 &&
        launch_file_read(buffer_view(&file), (struct catalog_view){catalog, UINT32_MAX}, ret, why);
    catalog_unref(&catalog);
    buffer_release(&file);
    return is_read;
}

static void write_edge(const struct launch_desk *desk, const struct node_seat *seat,
                       struct json *json)
{
    struct report *report = report_of((struct launch_desk *)(uintptr_t)desk, seat->id);
    bool is_of_this = report && report->number == desk->list.number;
    json_begin_object(json);
    json_member_text(json, "name", text_of(seat->name));
    json_member_u64(json, "wanted", desk->list.count);
    json_member_u64(json, "placed", is_of_this ? report->placed : 0);
    json_member_u64(json, "bytes", is_of_this ? report->bytes : 0);
    json_member_u64(json, "of_bytes", is_of_this ? report->of_bytes : 0);
    json_member_bool(json, "done", is_of_this && report->placed >= desk->list.count);
    json_member_i64(json, "heard_s", report ? report->heard_s : 0);
    json_end_object(json);
}

static void write_status(const struct launch_desk *desk, struct buffer *answer)
{
    struct json json;
    json_init(&json, answer);
    json_begin_object(&json);
    json_member_bool(&json, "ok", true);
    json_member_u64(&json, "number", desk->list.number);
    json_member_i64(&json, "at_s", desk->list.at_s);
    json_member_u64(&json, "tracks", desk->list.count);
    json_name(&json, "edges");
    json_begin_array(&json);
    for (size_t i = 0; i < node_book_count(desk->config.book); i++) {
        struct node_seat seat;
        node_book_at(desk->config.book, i, &seat);
        if (node_book_admits(desk->config.book, seat.key, now_s()))
            write_edge(desk, &seat, &json);
    }
    json_end_array(&json);
    json_end_object(&json);
}

static void plan(struct launch_desk *desk, const char *path, struct buffer *answer)
{
    char why[LAUNCH_WHY_BYTES];
    struct launch_list list;
    if (!read_plan(desk, path, &list, why)) {
        char words[PATH_MAX + LAUNCH_WHY_BYTES];
        (void)snprintf(words, sizeof words, "%s: %s", path, why);
        fail(answer, words);
        return;
    }
    list.number = next_number(desk);
    if (keep(desk, &list) < 0) {
        launch_list_release(&list);
        fail(answer, "the plan could not be written to the state folder");
        return;
    }
    launch_list_release(&desk->list);
    desk->list = list;
    desk->signed_s = 0;
    write_status(desk, answer);
}

bool launch_desk_asked(struct launch_desk *desk, struct control_request *request, struct text line)
{
    struct operator_request asked;
    struct buffer answer;
    if (!operator_request_parse(line, &asked))
        return false;
    bool is_plan = strcmp(asked.verb, "launch.plan") == 0;
    bool is_ours = is_plan || strcmp(asked.verb, "launch.status") == 0;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    if (is_plan)
        plan(desk, asked.path, &answer);
    else if (is_ours)
        write_status(desk, &answer);
    if (is_ours)
        control_answer(request, buffer_view(&answer));
    buffer_release(&answer);
    operator_request_release(&asked);
    return is_ours;
}

struct launch_desk *launch_desk_new(const struct launch_desk_config *config)
{
    struct launch_desk *desk = MEM_NEW(struct launch_desk);
    desk->config = *config;
    buffer_init(&desk->object, LAUNCH_MAX_BYTES + SIGNED_MAX_PREAMBLE_BYTES);
    recall(desk);
    return desk;
}

void launch_desk_free(struct launch_desk **desk)
{
    if (!*desk)
        return;
    launch_list_release(&(*desk)->list);
    buffer_release(&(*desk)->object);
    mem_free_p(desk);
}
