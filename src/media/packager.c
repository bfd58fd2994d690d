// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/packager_state.h"

#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED_US = 60 * 1000 * 1000, NO_ROOM_US = 5 * 1000 * 1000, CRASHED_US = 1500 * 1000 };
enum { DEFAULT_ENCODES = 6, DEFAULT_QUEUED = 64, DEFAULT_QUEUED_PER_LISTENER = 16 };
enum { DEFAULT_SILENCE_MS = 30 * 1000 };

/* --- the table --- */

struct text package_key(const uint8_t track[16], enum rendition rendition, char storage[17])
{
    memcpy(storage, track, 16);
    storage[16] = (char)rendition;
    return text_make(storage, 17);
}

struct package *package_find(struct packager *packager, const uint8_t track[16],
                             enum rendition rendition)
{
    char storage[17];
    return map_get(packager->packages, package_key(track, rendition, storage));
}

static void make_cold(struct package *package)
{
    package_index_release(&package->index);
    package->has_index = false;
    if (package->fd >= 0)
        close(package->fd);
    package->fd = -1;
}

/* Frees what nobody can reach any more; lets a file go that nobody reads. */
static void settle(struct package *package)
{
    if (package->users)
        return;
    if (package->is_gone && !package->waits) {
        make_cold(package);
        if (package->source >= 0)
            close(package->source);
        mem_free(package);
    } else if ((package->state == PACKAGE_COMPLETE && !package->is_warm) ||
               package->state == PACKAGE_FAILED) {
        make_cold(package);
    }
}

void package_let_go(struct packager *packager, struct package *package)
{
    (void)packager;
    assert(package->users > 0);
    package->users--;
    settle(package);
}

void package_keep_warm(struct packager *packager, struct package *package)
{
    if (package->is_warm)
        return;
    struct package **place = &packager->warm[packager->warm_at++ % WARM_MAX], *displaced = *place;
    *place = package;
    package->is_warm = true;
    if (!displaced)
        return;
    displaced->is_warm = false;
    settle(displaced);
}

void package_leave_plan(struct packager *packager, struct package *package)
{
    if (!package->previous_planned)
        return;
    *package->previous_planned = package->next_planned;
    if (package->next_planned)
        package->next_planned->previous_planned = package->previous_planned;
    else
        packager->last_planned = package->previous_planned;
    package->previous_planned = NULL;
    packager->planned_count--;
}

void package_forget(struct packager *packager, struct package *package)
{
    char storage[17];
    struct text key = package_key(package->name.track, package->name.rendition, storage);
    if (map_get(packager->packages, key) == package)
        (void)map_remove(packager->packages, key);
    package_leave_plan(packager, package);
    for (size_t i = 0; package->is_warm && i < WARM_MAX; i++)
        if (packager->warm[i] == package)
            packager->warm[i] = NULL;
    package->is_warm = false;
    package->is_gone = true;
    settle(package);
}

/* NULL when there are too many. */
static struct package *plan(struct packager *packager, const uint8_t track[16],
                            enum rendition rendition)
{
    char storage[17];
    if (packager->planned_count >= PLANNED_MAX)
        package_forget(packager, packager->planned);
    struct package *package = MEM_NEW(struct package);
    package->name = (struct package_name){.rendition = rendition, .generation = random_u64()};
    memcpy(package->name.track, track, sizeof package->name.track);
    package->state = PACKAGE_PLANNED;
    package->fd = package->source = -1;
    if (!map_put(packager->packages, package_key(track, rendition, storage), package)) {
        mem_free(package);
        return NULL;
    }
    package->previous_planned = packager->last_planned;
    *packager->last_planned = package;
    packager->last_planned = &package->next_planned;
    packager->planned_count++;
    return package;
}

/* A failure is remembered for a while, so that a broken file is not encoded for each request; a
 * worker that died, only until whoever waited asks again. */
static uint64_t keep_us(enum media_outcome why)
{
    switch (why) {
    case MEDIA_NO_ROOM:
        return NO_ROOM_US;
    case MEDIA_CRASHED:
    case MEDIA_NO_WORKER:
        return CRASHED_US;
    default:
        return FAILED_US;
    }
}

static bool is_over(const struct package *package, uint64_t now_us)
{
    return package->state == PACKAGE_FAILED && now_us - package->failed_us > keep_us(package->why);
}

/* --- start and stop --- */

int packager_start(const struct packager_config *config, struct packager **ret)
{
    struct packager *packager = MEM_NEW(struct packager);
    packager->config = *config;
    packager->config.worker_path = mem_strdup(config->worker_path);
    packager->config.folder = mem_strdup(config->folder);
    if (!packager->config.max_queued)
        packager->config.max_queued = DEFAULT_QUEUED;
    if (!packager->config.max_queued_per_listener)
        packager->config.max_queued_per_listener = DEFAULT_QUEUED_PER_LISTENER;
    if (!packager->config.max_silence_ms)
        packager->config.max_silence_ms = DEFAULT_SILENCE_MS;
    if (!packager->config.worker_memory_bytes)
        packager->config.worker_memory_bytes = 512U << 20;
    pthread_mutex_init(&packager->lock, NULL);
    pthread_cond_init(&packager->work, NULL);
    packager->packages = map_new(random_u64(), PACKAGES_MAX);
    packager->last_planned = &packager->planned;
    packager->last_queued = &packager->queue;
    packager->folder = -1;
    int error = packager_open_folder(packager);
    unsigned threads = config->max_encodes ? config->max_encodes : DEFAULT_ENCODES;
    for (unsigned i = 0; !error && i < threads && i < ENCODES_MAX; i++) {
        error = -pthread_create(&packager->threads[i], NULL, packager_run, packager);
        packager->thread_count += !error;
    }
    if (error)
        packager_stop(&packager);
    *ret = packager;
    return error;
}

static void free_all(struct packager *packager)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    for (size_t i = 0; i < WARM_MAX; i++)
        if (packager->warm[i])
            packager->warm[i]->is_warm = false;
    while (map_next(packager->packages, &cursor, &key, &value)) {
        struct package *package = value;
        package->is_gone = true;
        settle(package);
    }
    map_free(&packager->packages);
}

void packager_stop(struct packager **packager_p)
{
    struct packager *packager = *packager_p;
    if (!packager)
        return;
    pthread_mutex_lock(&packager->lock);
    packager->is_stopping = true;
    for (unsigned i = 0; i < ENCODES_MAX; i++)
        if (packager->running[i].package)
            process_kill(&packager->running[i].process);
    pthread_cond_broadcast(&packager->work);
    pthread_mutex_unlock(&packager->lock);
    for (unsigned i = 0; i < packager->thread_count; i++)
        pthread_join(packager->threads[i], NULL);
    if (packager->has_spare) {
        process_end(&packager->spare);
    }
    free_all(packager);
    if (packager->folder >= 0)
        close(packager->folder);
    pthread_cond_destroy(&packager->work);
    pthread_mutex_destroy(&packager->lock);
    mem_free((char *)(uintptr_t)packager->config.worker_path);
    mem_free((char *)(uintptr_t)packager->config.folder);
    mem_free_p(packager_p);
}

/* --- views --- */

bool packager_view(struct packager *packager, const uint8_t track[16], enum rendition rendition,
                   struct package_view *ret)
{
    *ret = (struct package_view){0};
    pthread_mutex_lock(&packager->lock);
    struct package *package = package_find(packager, track, rendition);
    if (package && is_over(package, clock_monotonic_us())) {
        package_forget(packager, package);
        package = NULL;
    }
    if (!package)
        package = plan(packager, track, rendition);
    if (package) {
        ret->state = package->state;
        ret->generation = package->name.generation;
        ret->why = package->why;
        ret->has_index = package->has_index;
        if (package->has_index)
            package_index_copy(&package->index, &ret->index);
    }
    if (package && package->state == PACKAGE_PLANNED && !packager->wants_spare) {
        packager->wants_spare = true; /* whoever looks at a manifest plays it soon */
        pthread_cond_signal(&packager->work);
    }
    pthread_mutex_unlock(&packager->lock);
    return package != NULL;
}

void packager_expect(struct packager *packager)
{
    pthread_mutex_lock(&packager->lock);
    if (!packager->has_spare && !packager->wants_spare) {
        packager->wants_spare = true;
        pthread_cond_signal(&packager->work);
    }
    pthread_mutex_unlock(&packager->lock);
}

void package_view_release(struct package_view *view)
{
    package_index_release(&view->index);
    *view = (struct package_view){0};
}

/* --- objects --- */

static enum package_found look(struct package *package, const struct package_request *request,
                               struct package_loan *ret_loan, enum media_outcome *ret_why)
{
    const struct package_object *object;
    switch (package->state) {
    case PACKAGE_PLANNED:
        return package->is_queued ? PACKAGE_COMING : PACKAGE_UNBEGUN;
    case PACKAGE_FAILED:
        *ret_why = package->why;
        return PACKAGE_BROKEN;
    case PACKAGE_ENCODING:
    case PACKAGE_COMPLETE:
        break;
    }
    if (!package->has_index)
        return package->state == PACKAGE_COMPLETE ? PACKAGE_COLD : PACKAGE_COMING;
    object = package_index_find(&package->index, request->kind, request->number);
    if (!object) /* a segment without a lead has none for ever */
        return package->state == PACKAGE_COMPLETE || request->number < package->index.count
                   ? PACKAGE_NOT_THERE
                   : PACKAGE_COMING;
    package->users++;
    package->used_ms = clock_unix_ms();
    ret_loan->package = package;
    ret_loan->fd = package->fd;
    ret_loan->object = *object;
    return PACKAGE_HERE;
}

enum package_found packager_lend(struct packager *packager, const struct package_request *request,
                                 struct package_loan *ret_loan, enum media_outcome *ret_why)
{
    pthread_mutex_lock(&packager->lock);
    struct package *package = package_find(packager, request->name.track, request->name.rendition);
    enum package_found found = PACKAGE_NOT_THERE;
    ret_loan->packager = packager;
    if (package && is_over(package, clock_monotonic_us())) {
        package_forget(packager, package);
        package = NULL;
    }
    if (package && package->name.generation == request->name.generation)
        found = look(package, request, ret_loan, ret_why);
    pthread_mutex_unlock(&packager->lock);
    return found;
}

void packager_give_back(struct package_loan *loan)
{
    pthread_mutex_lock(&loan->packager->lock);
    package_let_go(loan->packager, loan->package);
    pthread_mutex_unlock(&loan->packager->lock);
    loan->package = NULL;
}

/* Puts what was read where it belongs, unless it is there already or gone. */
static void install(struct packager *packager, const struct package_name *name, int *fd,
                    struct package_index *index, int error)
{
    struct package *package = package_find(packager, name->track, name->rendition);
    if (!package || package->name.generation != name->generation ||
        package->state != PACKAGE_COMPLETE || package->has_index)
        return;
    if (error) {
        packager->disk_bytes -= package->bytes;
        package_forget(packager, package);
        return;
    }
    package->fd = *fd;
    package->index = *index;
    package->has_index = true;
    *fd = -1;
    *index = (struct package_index){0};
    package_keep_warm(packager, package);
}

int packager_load(struct packager *packager, const uint8_t track[16], enum rendition rendition)
{
    char file[PACKAGE_NAME_BYTES];
    struct package_index index = {0};
    struct package_name name;
    pthread_mutex_lock(&packager->lock);
    struct package *package = package_find(packager, track, rendition);
    bool is_cold = package && package->state == PACKAGE_COMPLETE && !package->has_index;
    if (is_cold)
        name = package->name;
    pthread_mutex_unlock(&packager->lock);
    if (!is_cold)
        return package ? 0 : -ENOENT;
    package_file_name(&name, file);
    int fd = openat(packager->folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int error = fd < 0 ? -errno : package_index_read(fd, &index);
    if (!error)
        (void)futimens(fd, NULL); /* last used, for the next start */
    else
        (void)unlinkat(packager->folder, file, 0);
    pthread_mutex_lock(&packager->lock);
    install(packager, &name, &fd, &index, error);
    pthread_mutex_unlock(&packager->lock);
    package_index_release(&index);
    if (fd >= 0)
        close(fd);
    return error;
}

/* --- waiting --- */

bool packager_wait(struct packager *packager, struct packager_wait *wait)
{
    struct package_loan loan = {.packager = packager};
    enum media_outcome why;
    pthread_mutex_lock(&packager->lock);
    struct package *package =
        package_find(packager, wait->request.name.track, wait->request.name.rendition);
    bool is_coming = package && package->name.generation == wait->request.name.generation &&
                     !packager->is_stopping;
    enum package_found found =
        is_coming ? look(package, &wait->request, &loan, &why) : PACKAGE_NOT_THERE;
    if (found == PACKAGE_HERE)
        package_let_go(packager, package);
    if (found == PACKAGE_COMING) {
        wait->next = package->waits;
        wait->previous_next = &package->waits;
        if (wait->next)
            wait->next->previous_next = &wait->next;
        package->waits = wait;
        counter_add(COUNTER_RENDITION_WAITS, 1);
    }
    pthread_mutex_unlock(&packager->lock);
    return found == PACKAGE_COMING;
}

static void unlink_wait(struct packager_wait *wait)
{
    *wait->previous_next = wait->next;
    if (wait->next)
        wait->next->previous_next = wait->previous_next;
    wait->previous_next = NULL;
}

bool packager_forget(struct packager *packager, struct packager_wait *wait)
{
    pthread_mutex_lock(&packager->lock);
    bool is_waiting = wait->previous_next != NULL;
    if (is_waiting)
        unlink_wait(wait);
    pthread_mutex_unlock(&packager->lock);
    return is_waiting;
}

void package_wake(struct package *package)
{
    for (struct packager_wait *at = package->waits, *next; at; at = next) {
        next = at->next;
        bool is_answered =
            package->state == PACKAGE_COMPLETE || package->state == PACKAGE_FAILED ||
            package->is_gone || at->request.number < package->index.count ||
            package_index_find(&package->index, at->request.kind, at->request.number);
        if (!is_answered)
            continue;
        struct loop *loop = at->loop; /* `at` is its loop's as soon as it is posted */
        loop_call *on_ready = at->on_ready;
        unlink_wait(at);
        loop_post(loop, on_ready, at);
    }
}
