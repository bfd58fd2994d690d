// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/postgres.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "state/postgres_hosts.h"

#include <assert.h>
#include <endian.h>
#include <poll.h>

enum { UNGUARDED_MS = 3600 * 1000 };

static int64_t bound_of(int64_t asked_ms, int64_t otherwise_ms, bool is_guarded)
{
    return !is_guarded ? UNGUARDED_MS : asked_ms ? asked_ms : otherwise_ms;
}

void postgres_init(struct postgres *postgres, const char *url, const struct database_bounds *bounds)
{
    *postgres = (struct postgres){
        .url = mem_strdup(url),
        .bounds = {bound_of(bounds->connect_ms, DATABASE_CONNECT_MS,
                            guard_is_on(GUARD_DATABASE_CONNECT)),
                   bound_of(bounds->answer_ms, DATABASE_ANSWER_MS,
                            guard_is_on(GUARD_DATABASE_ANSWER))},
    };
}

void postgres_drop(struct postgres *postgres)
{
    PQfinish(postgres->connection);
    postgres->connection = NULL;
}

void postgres_release(struct postgres *postgres)
{
    postgres_drop(postgres);
    mem_free_p(&postgres->url);
}

/* The first line of what libpq says, which never holds a password. */
static void note(struct postgres *postgres, const char *words)
{
    size_t size = strcspn(words, "\n");
    snprintf(postgres->words, sizeof postgres->words, "%.*s", (int)(size < 200 ? size : 200),
             words);
}

static int give_up(struct postgres *postgres, int result)
{
    if (result == DATABASE_SLOW) {
        counter_add(COUNTER_RECORD_SLOW, 1);
        note(postgres, "no answer in time");
    }
    if (result != DATABASE_SLOW && postgres->connection)
        note(postgres, PQerrorMessage(postgres->connection));
    postgres_drop(postgres);
    return result;
}

/* --- waiting --- */

static uint64_t deadline_in(int64_t ms) { return clock_monotonic_us() + (uint64_t)ms * 1000; }

/* 1 when the socket is ready, 0 when the deadline has passed. */
static int await(const struct postgres *postgres, short events, uint64_t deadline_us)
{
    struct pollfd socket = {.fd = PQsocket(postgres->connection), .events = events};
    uint64_t now_us = clock_monotonic_us();
    if (socket.fd < 0 || now_us >= deadline_us)
        return 0;
    return poll(&socket, 1, (int)((deadline_us - now_us) / 1000) + 1) != 0;
}

/* Sends what is queued, reading meanwhile so that the server never waits for us to read. */
static int flush(struct postgres *postgres, uint64_t deadline_us)
{
    int left;
    while ((left = PQflush(postgres->connection)) == 1) {
        if (!await(postgres, POLLIN | POLLOUT, deadline_us))
            return give_up(postgres, DATABASE_SLOW);
        if (!PQconsumeInput(postgres->connection))
            return give_up(postgres, DATABASE_UNREACHABLE);
    }
    return left < 0 ? give_up(postgres, DATABASE_UNREACHABLE) : 0;
}

/* The next result, NULL at the end of one statement's. */
static int next_result(struct postgres *postgres, uint64_t deadline_us, PGresult **ret)
{
    while (PQisBusy(postgres->connection)) {
        if (!await(postgres, POLLIN, deadline_us))
            return give_up(postgres, DATABASE_SLOW);
        if (!PQconsumeInput(postgres->connection))
            return give_up(postgres, DATABASE_UNREACHABLE);
    }
    *ret = PQgetResult(postgres->connection);
    return 0;
}

/* --- connecting --- */

static int settle(struct postgres *postgres)
{
    uint64_t deadline_us = deadline_in(postgres->bounds.connect_ms);
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (wants != PGRES_POLLING_OK) {
        if (PQstatus(postgres->connection) == CONNECTION_BAD || wants == PGRES_POLLING_FAILED)
            return give_up(postgres, DATABASE_UNREACHABLE);
        if (!await(postgres, wants == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_us)) {
            postgres->first_host++;
            return give_up(postgres, DATABASE_SLOW);
        }
        wants = PQconnectPoll(postgres->connection);
    }
    return 0;
}

int postgres_revive(struct postgres *postgres, const char *setup)
{
    if (postgres->connection && PQstatus(postgres->connection) == CONNECTION_OK)
        return 0;
    postgres_drop(postgres);
    postgres->connection = postgres_hosts_begin(postgres->url, postgres->first_host);
    int error = postgres->connection ? settle(postgres) : DATABASE_UNREACHABLE;
    if (error)
        return error;
    PQsetnonblocking(postgres->connection, 1);
    error = setup ? postgres_run(postgres, setup) : 0;
    if (error)
        postgres_drop(postgres);
    return error;
}

/* --- asking --- */

static int send(struct postgres *postgres, const struct postgres_statement *statement)
{
    Oid types[POSTGRES_MAX_PARAMETERS] = {0};
    const char *values[POSTGRES_MAX_PARAMETERS] = {0};
    int sizes[POSTGRES_MAX_PARAMETERS] = {0}, formats[POSTGRES_MAX_PARAMETERS] = {0};
    assert(statement->count <= POSTGRES_MAX_PARAMETERS);
    for (int i = 0; i < statement->count; i++) {
        struct text bytes = statement->values[i].bytes;
        types[i] = statement->values[i].type;
        values[i] = bytes.data ? bytes.data : "";
        sizes[i] = (int)bytes.size;
        formats[i] = 1;
    }
    return PQsendQueryParams(postgres->connection, statement->sql, statement->count, types, values,
                             sizes, formats, 1)
               ? 0
               : give_up(postgres, DATABASE_UNREACHABLE);
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

int postgres_ask(struct postgres *postgres, const struct postgres_statement *statement,
                 PGresult **ret)
{
    PGresult *result = NULL, *more = NULL;
    if (!postgres->connection)
        return DATABASE_UNREACHABLE;
    uint64_t deadline_us = deadline_in(postgres->bounds.answer_ms);
    int error = send(postgres, statement);
    error = error ? error : flush(postgres, deadline_us);
    error = error ? error : next_result(postgres, deadline_us, &result);
    if (!error && !is_good(result)) {
        note(postgres, PQresultErrorMessage(result));
        error = DATABASE_REFUSED;
    }
    int ended = postgres->connection ? next_result(postgres, deadline_us, &more) : 0;
    PQclear(more); /* NULL: one statement has one result */
    if (!postgres->connection || PQstatus(postgres->connection) != CONNECTION_OK)
        error = error == DATABASE_REFUSED || !error ? DATABASE_UNREACHABLE : error;
    error = error ? error : ended;
    *ret = error ? NULL : result;
    if (error)
        PQclear(result);
    return error;
}

int postgres_run(struct postgres *postgres, const char *sql)
{
    PGresult *result = NULL;
    int error = postgres_ask(postgres, &(struct postgres_statement){.sql = sql}, &result);
    PQclear(result);
    return error;
}

/* --- a transaction in one round trip --- */

static int collect(struct postgres *postgres, uint64_t deadline_us, PGresult **ret)
{
    PGresult *result = NULL, *end = NULL;
    int error = next_result(postgres, deadline_us, &result);
    if (error)
        return error;
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        error = next_result(postgres, deadline_us, &end);
        PQclear(end);
    }
    if (!error && !is_good(result) && PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            note(postgres, PQresultErrorMessage(result));
        error = DATABASE_REFUSED;
    }
    if (error || !ret)
        PQclear(result);
    else
        *ret = result;
    return error;
}

int postgres_transact(struct postgres *postgres, const struct postgres_statement *statements,
                      size_t count, PGresult **ret_results)
{
    static const struct postgres_statement first = {.sql = "BEGIN"}, last = {.sql = "COMMIT"};
    uint64_t deadline_us = deadline_in(postgres->bounds.answer_ms);
    if (!postgres->connection || !PQenterPipelineMode(postgres->connection))
        return give_up(postgres, DATABASE_UNREACHABLE);
    int error = send(postgres, &first), verdict = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = send(postgres, &statements[i]);
    error = error ? error : send(postgres, &last);
    if (!error && !PQpipelineSync(postgres->connection))
        error = give_up(postgres, DATABASE_UNREACHABLE);
    error = error ? error : flush(postgres, deadline_us);
    for (size_t i = 0; i < count + 3 && !error; i++) { /* with BEGIN, COMMIT and the sync */
        bool is_asked = i > 0 && i <= count && ret_results;
        int result = collect(postgres, deadline_us, is_asked ? &ret_results[i - 1] : NULL);
        verdict = verdict ? verdict : result;
        error = result == DATABASE_REFUSED ? 0 : result;
    }
    if (!error && PQstatus(postgres->connection) != CONNECTION_OK)
        error = give_up(postgres, DATABASE_UNREACHABLE);
    if (!error && !PQexitPipelineMode(postgres->connection))
        error = give_up(postgres, DATABASE_UNREACHABLE);
    if (!error && verdict && PQtransactionStatus(postgres->connection) != PQTRANS_IDLE)
        error = postgres_run(postgres, "ROLLBACK");
    return error ? error : verdict;
}

/* Others' word; our own we know. */
static bool take_notices(PGconn *connection)
{
    bool is_notified = false;
    for (PGnotify *notice; (notice = PQnotifies(connection)); PQfreemem(notice))
        is_notified |= notice->be_pid != PQbackendPID(connection);
    return is_notified;
}

int postgres_listen(struct postgres *postgres, int wake_fd, int64_t wait_ms, bool *ret_is_notified)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN},
                           {.fd = PQsocket(postgres->connection), .events = POLLIN}};
    *ret_is_notified = take_notices(postgres->connection); /* what came with earlier answers */
    if (*ret_is_notified || poll(fds, 2, (int)wait_ms) < 0 || !fds[1].revents)
        return 0;
    if (!PQconsumeInput(postgres->connection))
        return give_up(postgres, DATABASE_UNREACHABLE);
    *ret_is_notified = take_notices(postgres->connection);
    return 0;
}

/* --- values --- */

struct postgres_value postgres_integer(uint64_t *storage, uint64_t value)
{
    *storage = htobe64(value);
    return (struct postgres_value){POSTGRES_INTEGER,
                                   text_make((const char *)storage, sizeof *storage)};
}

struct postgres_value postgres_bytes(struct text bytes)
{
    return (struct postgres_value){POSTGRES_BYTES, bytes};
}

uint64_t postgres_get_integer(const PGresult *result, int row, int column)
{
    uint64_t value = 0;
    if (!PQgetisnull(result, row, column) && PQgetlength(result, row, column) == sizeof value)
        memcpy(&value, PQgetvalue(result, row, column), sizeof value);
    return be64toh(value);
}

struct text postgres_get_bytes(const PGresult *result, int row, int column)
{
    return text_make(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}

/* --- URLs --- */

static const char *option_of(const PQconninfoOption *options, const char *name)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, name) == 0 && options->val)
            return options->val;
    return "";
}

void postgres_place(const char *url, char *ret, size_t capacity)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options)
        snprintf(ret, capacity, "PostgreSQL at %s/%s", option_of(options, "host"),
                 option_of(options, "dbname"));
    else
        snprintf(ret, capacity, "the database");
    PQconninfoFree(options);
}

bool postgres_has_password(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool has_password = option_of(options, "password")[0] != '\0';
    PQconninfoFree(options);
    return has_password;
}
