// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/adopt_state.h"

#include "adopt/ended.h"
#include "adopt/foreign.h"
#include "adopt/pauses.h"
#include "adopt/refresh.h"
#include "adopt/replay.h"
#include "adopt/walk.h"
#include "api/throttle.h"
#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* adopt: the threads, and opening and closing all of it. */
enum {
    PROBE_ISLAND_MS = 1000,
    PROBE_LINKED_MS = 5000,
    WALK_RETRY_MS = 3000,
    ANSWER_MAX_BYTES = 16 << 20,
    READER_QUEUE = 256,
    PROVER_QUEUE = 64,
};

/* --- waiting and waking --- */

/* True when it is time to stop. */
static bool rest(struct adopt *adopt, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&adopt->lock);
    if (!adopt->is_stopping && !adopt->has_writes && !adopt->refresh_count && !adopt->is_doubted)
        (void)pthread_cond_timedwait(&adopt->work, &adopt->lock, &until);
    bool is_stopping = adopt->is_stopping;
    pthread_mutex_unlock(&adopt->lock);
    return is_stopping;
}

void adopt_doubt(struct adopt *adopt, bool is_sure)
{
    if (is_sure && atomic_exchange(&adopt->is_linked, false))
        LOG(adopt->config.logger, LOG_WARNING, "the server is away: its listeners are on an island",
            {"server", text_of(adopt->config.url)});
    pthread_mutex_lock(&adopt->lock);
    adopt->is_doubted = true;
    pthread_cond_broadcast(&adopt->work);
    pthread_mutex_unlock(&adopt->lock);
}

void adopt_has_writes(struct adopt *adopt)
{
    pthread_mutex_lock(&adopt->lock);
    adopt->has_writes = true;
    pthread_cond_broadcast(&adopt->work);
    pthread_mutex_unlock(&adopt->lock);
}

/* The listener's own place, or a new one; NULL: there is none. */
static struct adopt_refresh *place_for(struct adopt *adopt, const char *listener)
{
    for (size_t i = 0; i < adopt->refresh_count; i++)
        if (strcmp(adopt->refreshes[i].listener, listener) == 0)
            return &adopt->refreshes[i];
    return adopt->refresh_count < ADOPT_REFRESHES_MAX ? &adopt->refreshes[adopt->refresh_count++]
                                                      : NULL;
}

bool adopt_wants_refresh(struct adopt *adopt, const struct credentials *credentials)
{
    pthread_mutex_lock(&adopt->lock);
    struct adopt_refresh *refresh = place_for(adopt, credentials->listener);
    if (refresh) {
        (void)snprintf(refresh->listener, sizeof refresh->listener, "%s", credentials->listener);
        (void)snprintf(refresh->query, sizeof refresh->query, "%s", credentials->query);
    }
    pthread_cond_broadcast(&adopt->work);
    pthread_mutex_unlock(&adopt->lock);
    return refresh;
}

/* --- the teller --- */

static void set_link(struct adopt *adopt, bool is_linked)
{
    if (atomic_exchange(&adopt->is_linked, is_linked) != is_linked)
        LOG(adopt->config.logger, is_linked ? LOG_INFO : LOG_WARNING,
            is_linked ? "the server answers" : "the server is away: its listeners are on an island",
            {"server", text_of(adopt->config.url)});
}

/* The envelope of its answers is how the island's look too. */
static void keep_envelope(struct book *book, json_t *response)
{
    json_t *kept = json_object();
    static const char *const names[] = {"version", "type", "serverVersion", "openSubsonic"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (json_object_get(response, names[i]))
            (void)json_object_set(kept, names[i], json_object_get(response, names[i]));
    (void)book_do(book, "REPLACE INTO value VALUES('envelope', ?)", "j", kept);
    json_decref(kept);
}

static void probe(struct adopt_thread *teller)
{
    struct adopt *adopt = teller->adopt;
    json_t *response = NULL;
    int code;
    pthread_mutex_lock(&adopt->lock);
    adopt->is_doubted = false;
    pthread_mutex_unlock(&adopt->lock);
    enum foreign_end end =
        foreign_ask(teller->foreign, "ping", TEXT_NONE, text_of(adopt->operator_credentials.query),
                    &response, &code);
    if (end == FOREIGN_OK)
        keep_envelope(&teller->book, response);
    if (end == FOREIGN_ERROR)
        LOG(adopt->config.logger, LOG_ERROR,
            "the server refuses the operator's credentials: see subsonic_user",
            {"server", text_of(adopt->config.url)});
    json_decref(response);
    if (!foreign_is_stopped(teller->foreign))
        set_link(adopt, end == FOREIGN_OK || end == FOREIGN_ERROR);
}

static void on_told(void *context, const struct replay_told *told)
{
    struct adopt *adopt = context;
    struct gate_told *news = MEM_NEW(struct gate_told);
    *news = (struct gate_told){adopt, told->number, told->is_refused, told->code,
                               json_deep_copy(told->response)};
    loop_post(adopt->config.loop, gate_on_told, news);
}

static void count_writes(struct adopt *adopt, struct book *book)
{
    atomic_store(&adopt->writes, book_one_number(book, 0, "SELECT count(*) FROM write", ""));
    atomic_store(&adopt->refused, ended_count(book, false));
    atomic_store(&adopt->in_doubt, ended_count(book, true));
}

static void replay(struct adopt_thread *teller)
{
    struct adopt *adopt = teller->adopt;
    const struct replay_config config = {.book = &teller->book,
                                         .foreign = teller->foreign,
                                         .pauses = adopt->pauses,
                                         .now_ms = clock_unix_ms(),
                                         .up_ms = (int64_t)(clock_monotonic_us() / 1000),
                                         .keys = adopt->config.keys,
                                         .logger = adopt->config.logger,
                                         .told = on_told,
                                         .context = adopt};
    pthread_mutex_lock(&adopt->lock);
    adopt->has_writes = false;
    pthread_mutex_unlock(&adopt->lock);
    if (!replay_all(&config)) /* of one write: whether the server lives, a ping says */
        adopt_doubt(adopt, false);
    count_writes(adopt, &teller->book);
}

static bool take_refresh(struct adopt *adopt, struct adopt_refresh *ret)
{
    pthread_mutex_lock(&adopt->lock);
    bool is_there = adopt->refresh_count > 0;
    if (is_there) {
        *ret = adopt->refreshes[0];
        memmove(adopt->refreshes, adopt->refreshes + 1,
                --adopt->refresh_count * sizeof adopt->refreshes[0]);
        memset(&adopt->refreshes[adopt->refresh_count], 0, sizeof adopt->refreshes[0]);
    }
    pthread_mutex_unlock(&adopt->lock);
    return is_there;
}

static void refresh(struct adopt_thread *teller)
{
    struct adopt_refresh wanted;
    while (!foreign_is_stopped(teller->foreign) && take_refresh(teller->adopt, &wanted))
        (void)refresh_listener(&teller->book, teller->foreign, text_of(wanted.listener),
                               text_of(wanted.query));
    memset(&wanted, 0, sizeof wanted);
}

static bool is_doubted(struct adopt *adopt)
{
    pthread_mutex_lock(&adopt->lock);
    bool doubted = adopt->is_doubted;
    pthread_mutex_unlock(&adopt->lock);
    return doubted;
}

static void *run_teller(void *context)
{
    struct adopt_thread *teller = context;
    struct adopt *adopt = teller->adopt;
    int64_t probed_ms = 0;
    bool is_stopping = false;
    while (!is_stopping) {
        int64_t now_ms = (int64_t)(clock_monotonic_us() / 1000);
        bool was_linked = adopt_is_linked(adopt);
        if (is_doubted(adopt) || !probed_ms ||
            now_ms - probed_ms >= (was_linked ? PROBE_LINKED_MS : PROBE_ISLAND_MS)) {
            probe(teller);
            probed_ms = now_ms;
        }
        if (adopt_is_linked(adopt)) {
            replay(teller);
            refresh(teller);
            is_stopping = rest(adopt, PROBE_LINKED_MS);
        } else {
            /* what waits must not keep us from resting */
            struct timespec pause = {.tv_nsec = 200 * 1000000};
            (void)nanosleep(&pause, NULL);
            pthread_mutex_lock(&adopt->lock);
            is_stopping = adopt->is_stopping;
            pthread_mutex_unlock(&adopt->lock);
        }
    }
    return NULL;
}

/* --- the walker --- */

static int64_t walk(struct adopt_thread *walker)
{
    struct adopt *adopt = walker->adopt;
    const struct walk_config config = {
        .book = &walker->book,
        .foreign = walker->foreign,
        .credentials = text_of(adopt->operator_credentials.query),
        .logger = adopt->config.logger,
        .now_ms = clock_unix_ms(),
    };
    enum walk_end end = walk_library(&config);
    if (end == WALK_BROKEN)
        return WALK_RETRY_MS;
    atomic_store(&adopt->songs, book_one_number(&walker->book, 0, "SELECT count(*) FROM song", ""));
    atomic_store(&adopt->walked_ms, config.now_ms);
    return (int64_t)adopt->config.walk_minutes * 60000;
}

static void *run_walker(void *context)
{
    struct adopt_thread *walker = context;
    struct adopt *adopt = walker->adopt;
    int64_t due_ms = 0;
    atomic_store(&adopt->songs, book_one_number(&walker->book, 0, "SELECT count(*) FROM song", ""));
    atomic_store(&adopt->walked_ms, book_value_number(&walker->book, "walked"));
    while (!foreign_is_stopped(walker->foreign)) {
        struct timespec pause = {.tv_nsec = 200 * 1000000};
        if (adopt_is_linked(adopt) && (int64_t)(clock_monotonic_us() / 1000) >= due_ms)
            due_ms = (int64_t)(clock_monotonic_us() / 1000) + walk(walker);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

/* --- opening --- */

bool adopt_operator_query(struct text user, struct text password, char *ret, size_t room)
{
    struct credentials credentials;
    bool is_good = credentials_of_operator(user, password, &credentials) &&
                   (size_t)snprintf(ret, room, "%s&c=sostenuto&v=1.13.0", credentials.query) < room;
    credentials_wipe(&credentials);
    return is_good;
}

static bool start_thread(struct adopt *adopt, struct adopt_thread *thread, void *(*run)(void *),
                         char *why, size_t why_size)
{
    const struct adopt_config *config = &adopt->config;
    const struct foreign_config line = {.url = config->url,
                                        .ca_file = config->ca_file,
                                        .answer_ms = 4 * config->patience_ms,
                                        .requests_s = config->requests_s,
                                        .max_answer_bytes = ANSWER_MAX_BYTES};
    thread->adopt = adopt;
    thread->foreign = foreign_new(&line, why, why_size);
    if (!thread->foreign)
        return false;
    if (book_open(config->folder, &thread->book) != SQLITE_OK) {
        (void)snprintf(why, why_size, "adopt.db: %s", book_why(&thread->book));
        return false;
    }
    thread->is_running = pthread_create(&thread->thread, NULL, run, thread) == 0;
    if (!thread->is_running)
        (void)snprintf(why, why_size, "no thread can be started");
    return thread->is_running;
}

static bool open_line(struct adopt *adopt, char *why, size_t why_size)
{
    const struct adopt_config *config = &adopt->config;
    struct client_limits limits = client_limits_default();
    adopt->client = client_new(config->loop, config->ca_file, why, why_size);
    if (!adopt->client)
        return false;
    adopt->origin =
        client_origin_named(adopt->client, text_of(config->url), config->resolvers, &limits);
    if (adopt->origin)
        adopt->pool = client_pool_new(adopt->origin, NULL);
    else
        (void)snprintf(why, why_size, "%s is no URL of a server", config->url);
    return adopt->origin;
}

static bool open_books(struct adopt *adopt, char *why, size_t why_size)
{
    if (book_open(adopt->config.folder, &adopt->reading) == SQLITE_OK &&
        book_open(adopt->config.folder, &adopt->proving) == SQLITE_OK) {
        count_writes(adopt, &adopt->reading);
        return true;
    }
    (void)snprintf(why, why_size, "adopt.db in %s: %s", adopt->config.folder,
                   book_why(&adopt->reading));
    return false;
}

struct adopt *adopt_start(const struct adopt_config *config, char *why, size_t why_size)
{
    struct adopt *adopt = MEM_NEW(struct adopt);
    struct hash_key seed = {random_u64(), random_u64()};
    *adopt = (struct adopt){.config = *config, .has_writes = true};
    (void)pthread_mutex_init(&adopt->lock, NULL);
    (void)pthread_cond_init(&adopt->work, NULL);
    atomic_store(&adopt->is_linked, true);
    adopt->proofs = proofs_new();
    adopt->pauses = pauses_new();
    adopt->throttle = throttle_new(seed, config->signin);
    adopt->reader = workers_start("adopt-reader", 1, READER_QUEUE);
    adopt->prover = workers_start("adopt-prover", 1, PROVER_QUEUE);
    if (!credentials_of_operator(config->user, config->password, &adopt->operator_credentials)) {
        (void)snprintf(why, why_size, "the operator's name or password is too long");
    } else if (open_books(adopt, why, why_size) && open_line(adopt, why, why_size) &&
               start_thread(adopt, &adopt->teller, run_teller, why, why_size) &&
               start_thread(adopt, &adopt->walker, run_walker, why, why_size)) {
        return adopt;
    }
    adopt_stop(adopt);
    adopt_free(&adopt);
    return NULL;
}

void adopt_routes(struct adopt *adopt, struct server *server) { gate_routes(adopt, server); }

/* --- ending --- */

static void stop_thread(struct adopt_thread *thread)
{
    if (thread->foreign)
        foreign_stop(thread->foreign);
    if (thread->is_running)
        (void)pthread_join(thread->thread, NULL);
    foreign_free(&thread->foreign);
    book_close(&thread->book);
    thread->is_running = false;
}

void adopt_stop(struct adopt *adopt)
{
    if (!adopt || adopt->has_stopped)
        return;
    adopt->has_stopped = true;
    pthread_mutex_lock(&adopt->lock);
    adopt->is_stopping = true;
    pthread_cond_broadcast(&adopt->work);
    pthread_mutex_unlock(&adopt->lock);
    stop_thread(&adopt->teller);
    stop_thread(&adopt->walker);
    workers_finish(adopt->reader);
    workers_finish(adopt->prover);
    gate_stop(adopt);
    client_pool_free(&adopt->pool);
}

void adopt_free(struct adopt **at)
{
    struct adopt *adopt = *at;
    if (!adopt)
        return;
    workers_stop(&adopt->reader);
    workers_stop(&adopt->prover);
    client_origin_free(&adopt->origin);
    client_free(&adopt->client);
    book_close(&adopt->reading);
    book_close(&adopt->proving);
    proofs_free(&adopt->proofs);
    pauses_free(&adopt->pauses);
    throttle_free(&adopt->throttle);
    credentials_wipe(&adopt->operator_credentials);
    (void)pthread_mutex_destroy(&adopt->lock);
    (void)pthread_cond_destroy(&adopt->work);
    mem_free(adopt);
    *at = NULL;
}
