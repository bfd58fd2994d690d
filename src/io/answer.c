// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/json.h"
#include "http/accept_encoding.h"
#include "http/date.h"
#include "io/carrier.h"
#include "io/coding.h"
#include "io/neighbours.h"
#include "io/server_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * answer: what a handler gives becomes status, fields and pieces: preconditions (RFC 9110 13),
 * ranges (14), codings (12.5.3) and HEAD are settled here, once, for every kind of body.
 *
 *   exchange_send_*() -- one piece: memory or file --> send_known() --> exchange_answer_ready()
 *                             304, 412: no piece         |
 *                             206: pieces cut; several:  |
 *                             multipart/byteranges       '--> the carrier's answer()
 *                             416: a problem
 */
#define BOUNDARY "sostenuto-byteranges-6f7d1b0c"

static bool is_read(const struct exchange *exchange)
{
    return exchange->request.method == HTTP_METHOD_GET ||
           exchange->request.method == HTTP_METHOD_HEAD;
}

void answer_close_file(struct answer *answer)
{
    exchange_give_back *give_back = answer->give_back;
    answer->give_back = NULL;
    if (give_back)
        give_back(answer->give_back_context);
    else if (answer->fd >= 0)
        close(answer->fd);
    answer->fd = -1;
}

/* Everything that a body needs is forgotten: what follows has another one. */
static void forget_body(struct answer *answer)
{
    answer_close_file(answer);
    answer->piece_count = 0;
    answer->length = answer->unlent = 0;
}

static void forget_field(struct answer *answer, struct text name)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (text_equal_nocase(answer->fields[i].name, name))
            answer->fields[i--] = answer->fields[--answer->field_count];
}

/* A 503 that needs no memory: the request or the answer went past its ceiling. */
static void become_oversize(struct exchange *exchange)
{
    struct answer *answer = &exchange->answer;
    static const char body[] =
        "{\"title\":\"Too much at once\",\"status\":503,\"detail\":\"The answer needs more memory "
        "than one request may have. Ask for less at a time.\"}";
    forget_body(answer);
    answer->field_count = 0;
    answer->validators.etag = TEXT_NONE;
    answer->validators.last_modified_s = INT64_MIN;
    answer->status = 503;
    answer->length = sizeof body - 1;
    answer->pieces[answer->piece_count++] =
        (struct answer_piece){.data = body, .size = sizeof body - 1};
    exchange_add_field(exchange, "Content-Type", TEXT("application/problem+json"));
    exchange_add_field(exchange, "Retry-After", TEXT("10"));
}

/* TEXT_NONE past the arena's ceiling. */
static struct text quoted(struct arena *arena, struct text opaque)
{
    char *at = arena_alloc(arena, opaque.size + 2);
    if (!at)
        return TEXT_NONE;
    at[0] = at[opaque.size + 1] = '"';
    memcpy(at + 1, opaque.data, opaque.size);
    return text_make(at, opaque.size + 2);
}

static void add_validators(struct exchange *exchange)
{
    struct answer *answer = &exchange->answer;
    struct text tag = answer->validators.etag;
    if (tag.size > 0 && tag.data - 1 == answer->written_etag.data)
        exchange_add_field(exchange, "ETag", answer->written_etag);
    else if (tag.size > 0)
        exchange_add_field(exchange, "ETag", quoted(exchange->arena, tag));
    if (answer->validators.last_modified_s != INT64_MIN && answer->written_modified.data) {
        exchange_add_field(exchange, "Last-Modified", answer->written_modified);
    } else if (answer->validators.last_modified_s != INT64_MIN) {
        struct http_date_text storage;
        struct text date = http_date_write(&storage, answer->validators.last_modified_s);
        exchange_add_field(exchange, "Last-Modified", arena_text(exchange->arena, date));
    }
}

static bool has_field(const struct answer *answer, struct text name)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (text_equal_nocase(answer->fields[i].name, name))
            return true;
    return false;
}

static void add_security(struct exchange *exchange)
{
    static const struct {
        struct text name, value, value_when_shared;
    } fields[] = {
#define SECURITY(name, value, shared) {TEXT_INIT(name), TEXT_INIT(value), TEXT_INIT(shared)},
#include "io/security.def"
#undef SECURITY
    };
    struct answer *answer = &exchange->answer;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (!has_field(answer, fields[i].name))
            exchange_add_field(exchange, fields[i].name.data,
                               exchange->is_shared ? fields[i].value_when_shared : fields[i].value);
}

void exchange_answer_ready(struct exchange *exchange, unsigned status)
{
    struct answer *answer = &exchange->answer;
    assert(exchange->step == EXCHANGE_HANDLING);
    answer->status = status;
    answer->is_measured |= !answer->is_stream;
    if (!answer->is_verbatim && (status == 200 || status == 206 || status == 304))
        add_validators(exchange);
    if (arena_overflowed(exchange->arena) && !answer->is_stream) {
        counter_add(COUNTER_ARENAS_OVER, 1);
        answer->is_verbatim = false;
        become_oversize(exchange);
    }
    add_security(exchange);
    neighbours_allow(exchange);
    answer->omits_body = exchange->request.method == HTTP_METHOD_HEAD;
    if (exchange_is_away(exchange))
        exchange_hand_back(exchange);
    else
        exchange_carry(exchange);
}

void exchange_carry(struct exchange *exchange)
{
    bool is_stream = exchange->answer.is_stream;
    exchange->step = EXCHANGE_ANSWERING;
    if (exchange->carrier) {
        if (is_stream)
            exchange_stream_begin(exchange);
        exchange->carrier->answer(exchange);
    } else if (is_stream) {
        access_log_write(exchange);
        exchange_tell_handler(exchange, -EPIPE); /* never from inside the handler's own call */
    } else {
        exchange_release(exchange, -EPIPE);
    }
}

/* --- ranges --- */

/* The one piece that is the whole body, cut to `range`. */
static struct answer_piece cut(struct answer_piece whole, struct http_range range)
{
    if (whole.data)
        whole.data += range.first;
    whole.offset += range.first; /* also of what is in memory: it may be in a file too */
    whole.size = range.last - range.first + 1;
    return whole;
}

static void cut_one(struct exchange *exchange, struct http_range range)
{
    struct answer *answer = &exchange->answer;
    struct http_content_range storage;
    struct text shown = http_content_range_write(&storage, range, answer->length);
    exchange_add_field(exchange, "Content-Range", arena_text(exchange->arena, shown));
    answer->pieces[0] = cut(answer->pieces[0], range);
    answer->length = answer->pieces[0].size;
}

/* RFC 9110 14.6: part heads and cuts in turn.  Heads are written first: `parts` may move while it
 * grows. */
static void cut_several(struct exchange *exchange, const struct http_ranges *ranges,
                        struct text content_type)
{
    struct answer *answer = &exchange->answer;
    struct answer_piece whole = answer->pieces[0];
    size_t ends[HTTP_RANGES_MAX + 1];
    for (size_t i = 0; i < ranges->count; i++) {
        http_part_head(&answer->parts, TEXT(BOUNDARY), content_type, ranges->items[i],
                       answer->length);
        ends[i] = answer->parts.size;
    }
    http_part_end(&answer->parts, TEXT(BOUNDARY));
    ends[ranges->count] = answer->parts.size;
    answer->piece_count = 0;
    answer->length = 0;
    for (size_t i = 0, start = 0; i <= ranges->count; start = ends[i++]) {
        struct answer_piece head = {.data = answer->parts.data + start, .size = ends[i] - start};
        answer->pieces[answer->piece_count++] = head;
        answer->length += head.size;
        if (i < ranges->count) {
            answer->pieces[answer->piece_count] = cut(whole, ranges->items[i]);
            answer->length += answer->pieces[answer->piece_count++].size;
        }
    }
    forget_field(answer, TEXT("Content-Type"));
    exchange_add_field(exchange, "Content-Type", TEXT("multipart/byteranges; boundary=" BOUNDARY));
}

static void send_unsatisfiable(struct exchange *exchange)
{
    struct http_content_range storage;
    struct text shown = http_content_range_unsatisfied(&storage, exchange->answer.length);
    forget_body(&exchange->answer);
    forget_field(&exchange->answer, TEXT("Content-Type"));
    exchange_add_field(exchange, "Content-Range", arena_text(exchange->arena, shown));
    exchange_send_problem(
        exchange, 416, "Range not satisfiable",
        "None of the bytes asked for exist, or too many ranges were asked for at once.");
}

/* Applies Range to a whole body of one piece.  False when the answer was given (416). */
static bool apply_ranges(struct exchange *exchange, struct text content_type, int64_t now_s,
                         unsigned *status)
{
    struct answer *answer = &exchange->answer;
    struct http_ranges ranges;
    struct text value = http_request_field(&exchange->request, TEXT("Range"));
    if (exchange->request.method != HTTP_METHOD_GET || !value.data ||
        !http_if_range_holds(&exchange->request, &answer->validators, now_s))
        return true;
    enum http_range_result result = http_range_parse(value, answer->length, &ranges);
    if (result == HTTP_RANGE_UNSATISFIABLE) {
        send_unsatisfiable(exchange);
        return false;
    }
    if (result == HTTP_RANGE_IGNORED)
        return true;
    if (ranges.count == 1)
        cut_one(exchange, ranges.items[0]);
    else
        cut_several(exchange, &ranges, content_type);
    *status = 206;
    return true;
}

/* --- known bodies: pieces[0] is the whole --- */

static bool has_validators(const struct answer *answer)
{
    return answer->validators.etag.size > 0 || answer->validators.last_modified_s != INT64_MIN;
}

static bool allows_ranges(const struct answer *answer)
{
    return answer->fd >= 0 || has_validators(answer);
}

static void send_known(struct exchange *exchange, unsigned status, struct text content_type,
                       struct answer_piece whole)
{
    struct answer *answer = &exchange->answer;
    int64_t now_s = exchange->now_ms / 1000;
    answer->length = whole.size;
    answer->pieces[0] = whole;
    answer->piece_count = 1;
    if (status == 200 && is_read(exchange) && allows_ranges(answer)) {
        enum http_condition condition =
            http_condition_of(&exchange->request, &answer->validators, now_s);
        if (condition == HTTP_CONDITION_FAILED) {
            forget_body(answer);
            exchange_send_problem(exchange, 412, "Precondition failed",
                                  "What is here is not what was expected.");
            return;
        }
        if (condition == HTTP_CONDITION_NOT_MODIFIED) {
            forget_body(answer);
            forget_field(answer, TEXT("Content-Encoding"));
            exchange_answer_ready(exchange, 304);
            return;
        }
        exchange_add_field(exchange, "Accept-Ranges", TEXT("bytes"));
        exchange_add_field(exchange, "Content-Type", content_type);
        if (!apply_ranges(exchange, content_type, now_s, &status))
            return;
    } else {
        exchange_add_field(exchange, "Content-Type", content_type);
    }
    exchange_answer_ready(exchange, status);
}

/* A coding is another representation: its strong validator must differ (RFC 9110 8.8.3.3). */
static void mark_coding(struct exchange *exchange, enum http_coding coding)
{
    struct http_validators *validators = &exchange->answer.validators;
    const char *name = http_coding_name(coding);
    exchange_add_field(exchange, "Content-Encoding", text_of(name));
    if (validators->etag.size > 0)
        validators->etag =
            arena_printf(exchange->arena, "%.*s-%s", TEXT_ARGS(validators->etag), name);
}

/* Large answers are coded in steps, but for those that could be 304: their size is known at once.
 */
static bool was_sent_coded(struct exchange *exchange, enum http_coding coding,
                           const char *content_type)
{
    if (has_validators(&exchange->answer) || !coding_start(exchange, coding))
        return false;
    mark_coding(exchange, coding);
    exchange_send_coded(exchange, content_type);
    return true;
}

void exchange_send_output(struct exchange *exchange, unsigned status, const char *content_type)
{
    struct buffer *output = &exchange->answer.output;
    if (output->overflowed) {
        counter_add(COUNTER_ANSWERS_OVER, 1);
        become_oversize(exchange);
        exchange_answer_ready(exchange, 503);
        return;
    }
    struct text type = arena_text(exchange->arena, text_of(content_type));
    struct text body = buffer_view(output), coded = TEXT_NONE;
    enum http_coding coding = coding_choose(exchange, status, type);
    if (coding != HTTP_CODING_IDENTITY) {
        if (coding_is_small(exchange))
            coded = coding_apply(exchange, coding);
        else if (was_sent_coded(exchange, coding, content_type))
            return;
    }
    if (coded.data) {
        mark_coding(exchange, coding);
        body = coded;
    }
    struct answer_piece whole = {.data = body.data ? body.data : "", .size = body.size};
    send_known(exchange, status, type, whole);
}

void exchange_send_text(struct exchange *exchange, unsigned status, const char *content_type,
                        struct text body)
{
    buffer_reset(&exchange->answer.output);
    buffer_text(&exchange->answer.output, body);
    exchange_send_output(exchange, status, content_type);
}

void exchange_send_empty(struct exchange *exchange, unsigned status)
{
    exchange_answer_ready(exchange, status);
}

void exchange_send_asset(struct exchange *exchange, const struct exchange_asset *asset)
{
    const struct text forms[HTTP_CODING_COUNT] = {asset->identity, asset->gzip, asset->brotli};
    const bool available[HTTP_CODING_COUNT] = {true, asset->gzip.size > 0, asset->brotli.size > 0};
    enum http_coding coding = HTTP_CODING_IDENTITY;
    if (available[HTTP_CODING_GZIP] || available[HTTP_CODING_BROTLI]) {
        exchange_add_field(exchange, "Vary", TEXT("Accept-Encoding"));
        struct text value = http_request_field(&exchange->request, TEXT("Accept-Encoding"));
        coding = http_coding_choose(value, available);
    }
    if (coding != HTTP_CODING_IDENTITY)
        mark_coding(exchange, coding);
    struct text form = forms[coding];
    struct answer_piece whole = {.data = form.data ? form.data : "", .size = form.size};
    send_known(exchange, 200, text_of(asset->content_type), whole);
}

/* Size and time of change to the nanosecond make a validator where the handler has none. */
static void validate_by_stat(struct exchange *exchange, int fd)
{
    struct http_validators *validators = &exchange->answer.validators;
    struct stat status;
    if (validators->etag.size > 0 || fstat(fd, &status) < 0)
        return;
    validators->etag = arena_printf(
        exchange->arena, "%llx-%llx-%lx", (unsigned long long)status.st_size,
        (unsigned long long)status.st_mtim.tv_sec, (unsigned long)status.st_mtim.tv_nsec);
    if (validators->last_modified_s == INT64_MIN)
        validators->last_modified_s = status.st_mtim.tv_sec;
}

void exchange_send_file(struct exchange *exchange, const char *content_type, int fd, uint64_t size)
{
    validate_by_stat(exchange, fd);
    exchange->answer.fd = fd;
    struct text own_type = arena_text(exchange->arena, text_of(content_type));
    send_known(exchange, 200, own_type,
               (struct answer_piece){.data = NULL, .offset = 0, .size = size});
}

void exchange_send_lent_part(struct exchange *exchange, const char *content_type, int fd,
                             uint64_t offset, uint64_t size, exchange_give_back *give_back,
                             void *context)
{
    assert(exchange->answer.validators.etag.size > 0); /* the file's own would be another's */
    exchange->answer.give_back = give_back;
    exchange->answer.give_back_context = context;
    exchange->answer.fd = fd;
    struct text own_type = arena_text(exchange->arena, text_of(content_type));
    send_known(exchange, 200, own_type,
               (struct answer_piece){.data = NULL, .offset = offset, .size = size});
}

void exchange_set_resident(struct exchange *exchange, struct resident *resident)
{
    exchange->answer.resident = resident;
}

void exchange_send_lent_file(struct exchange *exchange, const char *content_type, int fd,
                             uint64_t size, exchange_give_back *give_back, void *context)
{
    exchange->answer.give_back = give_back;
    exchange->answer.give_back_context = context;
    exchange_send_file(exchange, content_type, fd, size);
}

void exchange_send_lent_bytes(struct exchange *exchange, const char *content_type, int fd,
                              struct text bytes, exchange_give_back *give_back, void *context)
{
    struct answer_piece whole = {.data = bytes.data, .size = bytes.size};
    assert(bytes.size > 0);
    exchange->answer.fd = fd;
    exchange->answer.give_back = give_back;
    exchange->answer.give_back_context = context;
    send_known(exchange, 200, arena_text(exchange->arena, text_of(content_type)), whole);
}

static void add_run(struct answer *answer, const struct exchange_run *run)
{
    uint64_t size = run->bytes.size < answer->unlent ? run->bytes.size : answer->unlent;
    answer->pieces[answer->piece_count++] =
        (struct answer_piece){.data = run->bytes.data, .size = size, .is_lasting = run->is_lasting};
    answer->unlent -= size;
}

int exchange_lend_more(struct exchange *exchange)
{
    struct answer *answer = &exchange->answer;
    struct exchange_run runs[EXCHANGE_RUNS_MAX];
    answer->piece_count = 0;
    ssize_t count = answer->lend(answer->give_back_context, runs, EXCHANGE_RUNS_MAX);
    if (count == -EAGAIN)
        return 0;
    if (count <= 0)
        return count < 0 ? (int)count : -EIO;
    assert(count <= EXCHANGE_RUNS_MAX);
    for (ssize_t i = 0; i < count && answer->unlent > 0; i++)
        add_run(answer, &runs[i]);
    return 1;
}

/* What cannot be lent yet, or ever, the carrier finds out when it asks again. */
void exchange_send_lent(struct exchange *exchange, unsigned status, uint64_t length,
                        exchange_lend *lend, exchange_give_back *give_back, void *context)
{
    struct answer *answer = &exchange->answer;
    assert(!exchange_is_away(exchange));
    answer->is_verbatim = true;
    answer->give_back = give_back;
    answer->give_back_context = context;
    answer->length = length;
    if (length > 0 && exchange->request.method != HTTP_METHOD_HEAD) {
        answer->lend = lend;
        answer->unlent = length;
        (void)!exchange_lend_more(exchange);
    }
    exchange_answer_ready(exchange, status);
}

void exchange_send_problem(struct exchange *exchange, unsigned status, const char *title,
                           const char *detail)
{
    struct json json;
    struct buffer *output = &exchange->answer.output;
    exchange->answer.validators.etag = TEXT_NONE;
    exchange->answer.validators.last_modified_s = INT64_MIN;
    buffer_reset(output);
    json_init(&json, output);
    json_begin_object(&json);
    json_member_text(&json, "title", text_of(title));
    json_member_u64(&json, "status", status);
    json_member_text(&json, "detail", text_of(detail));
    json_end_object(&json);
    exchange_send_output(exchange, status, "application/problem+json");
}
