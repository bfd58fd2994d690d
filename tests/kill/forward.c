// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Two edges and their origin, written to at once, killed at random moments, again and again.
 *
 *   forward_campaign OPERATIONS [SEED]    TAP: none lost, none doubled, all three agree
 *
 * A client makes operations 1, 2, 3 … (odd: a play; even: a setting that says which), sends each to
 * one node or to several, and sends again what was not acknowledged.  The edges' journals go to the
 * origin as parcels (trust/parcel.h), and copies of the account come back, as edge/forwarder and
 * replica/ do it, but for the network, which is drawn: partitions, parcels and receipts that get
 * lost, parcels that come twice or long after, copies that come late.  Clocks of the edges are an
 * hour off; disks refuse writes and syncs.  A child does all that until it is killed; what is
 * written stays in it until it is synced (a power cut), as in campaign.c.
 */
#include "base/hash.h"
#include "edge/forwarded_mark.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/random.h"
#include "state/arrival.h"
#include "state/listener.h"
#include "state/state.h"
#include "store/disk.h"
#include "store/journal_tail.h"
#include "tap.h"
#include "trust/keys.h"
#include "trust/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODES = 3, ORIGIN = 0, SONGS = 5, SETTINGS = 3, BATCH = 40, KEPT = 8, QUIET_ROUNDS = 4000 };
#define NOW_MS 1795287000000LL
static const int64_t hour_ms = 3600 * 1000;

static uint64_t seed;
static uint64_t draw(uint64_t below)
{
    seed += 0x9e3779b97f4a7c15U;
    return hash_mix(seed) % below;
}

static int complain(const char *what, uint64_t a, uint64_t b)
{
    printf("wrong: %s (%llu, %llu)\n", what, (unsigned long long)a, (unsigned long long)b);
    fflush(stdout);
    return 3;
}

/* --- disks: a power cut, and faults --- */

struct power {
    struct disk disk;
    uint64_t seed; /* of the committer's own */
    unsigned fault_each;
    int fd;
    size_t size;
    char bytes[4 << 20];
};

static bool has_fault(struct power *power)
{
    power->seed += 0x9e3779b97f4a7c15U;
    return power->fault_each && hash_mix(power->seed) % power->fault_each == 0;
}

static int lazy_write(const struct disk *disk, int fd, const void *data, size_t size)
{
    struct power *power = (struct power *)((uintptr_t)disk - offsetof(struct power, disk));
    if (power->fd != fd)
        power->size = 0;
    if (has_fault(power) || power->size + size > sizeof power->bytes)
        return -ENOSPC;
    power->fd = fd;
    memcpy(power->bytes + power->size, data, size);
    power->size += size;
    return 0;
}

static int lazy_sync(const struct disk *disk, int fd)
{
    struct power *power = (struct power *)((uintptr_t)disk - offsetof(struct power, disk));
    if (has_fault(power)) {
        power->size = 0; /* the kernel forgot it */
        return -EIO;
    }
    int error = power->fd == fd ? disk_real.write(disk, fd, power->bytes, power->size) : 0;
    power->size = 0;
    return error ? error : disk_real.sync(disk, fd);
}

/* --- the nodes --- */

struct node {
    char folder[200];
    struct keys *keys;
    struct state *state;
    struct state_forwarded left;
    struct power power;
    int64_t skew_ms;
    bool is_cut_off;
};

struct old { /* parcels and copies that may come again */
    struct buffer bytes;
    int from;
};

struct child {
    struct loop *loop;
    struct node nodes[NODES];
    struct uid account;
    uint64_t next, limit;
    struct old parcels[KEPT], copies[KEPT];
    struct buffer scratch;
    enum outcome outcomes[BATCH_MAX_OPERATIONS], whole;
    bool is_durable;
};

static void open_node(struct child *child, int index, bool is_calm)
{
    struct node *node = &child->nodes[index];
    struct state_error error;
    node->keys = keys_ephemeral();
    node->power.disk = disk_real;
    node->power.disk.write = lazy_write;
    node->power.disk.sync = lazy_sync;
    node->power.seed = draw(UINT64_MAX);
    node->power.fault_each = is_calm ? 0 : 700;
    node->power.fd = -1;
    node->skew_ms = index == 1 ? -hour_ms : index == 2 ? hour_ms : 0;
    if (index != ORIGIN)
        forwarded_mark_read(node->folder, &node->left.journal, &node->left.lsn);
    const struct state_config config = {.folder = node->folder,
                                        .keys = node->keys,
                                        .loop = child->loop,
                                        .now_ms = NOW_MS,
                                        .forwarded = index == ORIGIN ? NULL : &node->left,
                                        .disk = &node->power.disk};
    if (state_open(&config, &node->state, &error) != 0)
        _exit(complain(error.words, 0, 0));
    if (index != ORIGIN) {
        struct uid id = state_outbox(node->state).journal_id;
        node->left.lsn = uid_equal(id, node->left.journal) ? node->left.lsn : 0;
        node->left.journal = id;
    }
    if (state_health(node->state).damaged_records)
        _exit(complain("a journal is damaged", state_health(node->state).damaged_records, 0));
}

static void answered(void *context, const struct batch_result *result)
{
    struct child *child = context;
    child->whole = result->whole;
    for (size_t i = 0; i < result->count; i++)
        child->outcomes[i] = result->outcomes[i].outcome;
    loop_stop(child->loop);
}

static void submit(struct child *child, struct batch *batch)
{
    batch_submit(&batch, answered, child);
    loop_run(child->loop);
}

/* --- copies, from the origin to an edge --- */

static void keep(struct old *old, struct text bytes, int from)
{
    buffer_reset(&old->bytes);
    buffer_text(&old->bytes, bytes);
    old->from = from;
}

static void learn(struct child *child, int to, struct text bytes)
{
    const char *why = "";
    if (state_copy_learn(child->nodes[to].state, child->account, bytes, NULL, &why) ==
        STATE_COPY_BAD)
        _exit(complain(why, 0, 0));
}

/* `at_ms` is the origin's clock, which goes on by itself here. */
static int64_t origin_clock_ms;

static void echo(struct child *child, int to, bool is_late)
{
    const struct old *old = &child->copies[draw(KEPT)];
    if (is_late && old->bytes.size) {
        learn(child, to, buffer_view(&old->bytes));
        return;
    }
    buffer_reset(&child->scratch);
    state_copy_write(child->nodes[ORIGIN].state, child->account, ++origin_clock_ms,
                     &child->scratch);
    keep(&child->copies[draw(KEPT)], buffer_view(&child->scratch), ORIGIN);
    learn(child, to, buffer_view(&child->scratch));
}

/* --- parcels, from an edge to the origin --- */

static bool gather(void *context, uint64_t lsn, struct text record)
{
    return parcel_add(context, lsn, record);
}

static bool gather_parcel(struct child *child, int from)
{
    struct node *node = &child->nodes[from];
    struct journal_tail tail;
    struct parcel parcel;
    const char *why;
    bool has_more = true;
    uint64_t before;
    buffer_reset(&child->scratch);
    parcel_begin(&child->scratch, node->left.journal);
    journal_tail_init(&tail, state_outbox(node->state).journal, node->left.lsn);
    do {
        before = tail.last_lsn;
        if (journal_tail_read(&tail, gather, &child->scratch, &has_more) != 0)
            break;
    } while (has_more && tail.last_lsn != before);
    journal_tail_release(&tail);
    return parcel_read(buffer_view(&child->scratch), &parcel, &why);
}

/* False: not now. */
static bool deliver(struct child *child, struct text bytes)
{
    struct parcel parcel;
    struct parcel_record record;
    struct operation operation;
    const char *why = "";
    size_t cursor = 0;
    struct batch *batch =
        batch_new(child->nodes[ORIGIN].state, &(struct batch_author){.now_ms = NOW_MS});
    if (!parcel_read(bytes, &parcel, &why))
        _exit(complain(why, 0, 0));
    while (parcel_next(&parcel, &cursor, &record)) {
        if (!operation_decode(record.bytes, &operation, &why))
            _exit(complain(why, record.lsn, 0));
        batch_forwarded(batch, &operation, OUTCOME_ACCEPTED, NULL);
    }
    submit(child, batch);
    return outcome_status(child->whole) != 503;
}

static void on_arrived(void *context, bool is_durable)
{
    struct child *child = context;
    child->is_durable = is_durable;
    loop_stop(child->loop);
}

static void write_mark(struct node *node)
{
    char path[256], line[80];
    struct uid_text id;
    (void)snprintf(path, sizeof path, "%s/forwarded", node->folder);
    int size =
        snprintf(line, sizeof line, "%.*s %llu\n", TEXT_ARGS(uid_text(&id, node->left.journal)),
                 (unsigned long long)node->left.lsn);
    if (file_write_atomic(AT_FDCWD, path, text_make(line, (size_t)size), 0600) != 0)
        _exit(complain("no mark", 0, 0));
}

/* The receipt: the outcomes of the parcel in scratch, which was delivered just now. */
static void take_receipt(struct child *child, int from)
{
    struct node *node = &child->nodes[from];
    struct arrival arrivals[PARCEL_MAX_OPERATIONS];
    struct parcel parcel;
    struct parcel_record record;
    const char *why;
    size_t cursor = 0, count = 0;
    if (!parcel_read(buffer_view(&child->scratch), &parcel, &why))
        _exit(complain(why, 0, 0));
    for (; parcel_next(&parcel, &cursor, &record); count++) {
        if (child->outcomes[count] > OUTCOME_DUPLICATE)
            _exit(complain("the origin refuses", record.lsn, child->outcomes[count]));
        arrivals[count] = (struct arrival){record.bytes, child->outcomes[count]};
    }
    state_arrived(node->state, arrivals, count, parcel.last_lsn, ++origin_clock_ms, on_arrived,
                  child);
    loop_run(child->loop);
    if (!child->is_durable)
        return;
    node->left.lsn = parcel.last_lsn;
    write_mark(node);
    journal_hold(state_outbox(node->state).journal, node->left.lsn);
}

static void forward(struct child *child, int from, bool is_calm)
{
    if (!gather_parcel(child, from) || (!is_calm && draw(8) == 0))
        return;
    keep(&child->parcels[draw(KEPT)], buffer_view(&child->scratch), from);
    bool is_there = deliver(child, buffer_view(&child->scratch));
    if (is_there && !is_calm && draw(6) == 0) /* by two ways */
        is_there = deliver(child, buffer_view(&child->scratch));
    if (is_there && (is_calm || draw(6) != 0))
        take_receipt(child, from);
}

/* --- the client --- */

static void write_operation(struct buffer *out, uint64_t number)
{
    unsigned long long n = number, hlc = ((unsigned long long)NOW_MS << 16) + number;
    if (number % 2)
        buffer_printf(out,
                      "{\"seq\":%llu,\"hlc\":%llu,\"kind\":\"play\",\"payload\":{\"track\":\"tr-"
                      "%cAAAAAAAAAAAAAAAAAAAAA\",\"at\":%llu}}",
                      n, hlc, (char)('A' + number / 2 % SONGS),
                      (unsigned long long)NOW_MS - 5000 * 1000 + n % 1000000);
    else
        buffer_printf(
            out,
            "{\"seq\":%llu,\"hlc\":%llu,\"kind\":\"setting\",\"payload\":{\"name\":\"s%u\","
            "\"value\":%llu}}",
            n, hlc, (unsigned)(number / 2 % SETTINGS), n);
}

/* Whether all of [first, last] is durable at the node. */
static bool send(struct child *child, int to, uint64_t first, uint64_t last)
{
    struct buffer body;
    const char *why = "";
    struct batch *batch =
        batch_new(child->nodes[to].state,
                  &(struct batch_author){.account = child->account,
                                         .now_ms = NOW_MS + child->nodes[to].skew_ms});
    buffer_init(&body, 1 << 20);
    buffer_printf(&body, "{\"device\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"operations\":[");
    for (uint64_t number = first; number <= last; number++) {
        if (number > first)
            buffer_byte(&body, ',');
        write_operation(&body, number);
    }
    buffer_printf(&body, "]}");
    if (!batch_json(batch, buffer_view(&body), &why))
        _exit(complain(why, first, last));
    submit(child, batch);
    buffer_release(&body);
    if (child->whole > OUTCOME_DUPLICATE && outcome_status(child->whole) != 503)
        _exit(complain("a node refuses", first, child->whole));
    return child->whole <= OUTCOME_DUPLICATE;
}

static void write_some(struct child *child)
{
    uint64_t first = child->next, last = first + draw(BATCH);
    int to = (int)draw(NODES);
    last = last < child->limit ? last : child->limit;
    if (first > last)
        return;
    while (!send(child, to, first, last))
        to = (int)draw(NODES);
    if (draw(5) == 0) /* as if the answer had been lost: again, elsewhere */
        (void)send(child, (int)draw(NODES), first, last);
    child->next = last + 1;
    printf("%llu\n", (unsigned long long)last);
    fflush(stdout);
}

/* --- what must hold --- */

static uint64_t plays(const struct child *child, int at, unsigned song)
{
    struct subject track = {{'t', 'r'}, {{0}}};
    track.uid.bytes[0] = (uint8_t)(song << 2); /* the first of 22 characters */
    return listener_plays(state_listener(child->nodes[at].state, child->account), track).count;
}

static uint64_t setting(const struct child *child, int at, unsigned which)
{
    char name[8];
    uint64_t value = 0;
    (void)snprintf(name, sizeof name, "s%u", which);
    struct text text =
        listener_setting(state_listener(child->nodes[at].state, child->account), text_of(name));
    (void)!(text.data && text_to_u64(text, &value));
    return value;
}

static bool has_arrived(const struct child *child)
{
    for (int i = 1; i < NODES; i++)
        if (child->nodes[i].left.lsn < state_health(child->nodes[i].state).durable_lsn)
            return false;
    return true;
}

static int check(struct child *child, uint64_t told, bool is_exact)
{
    uint64_t expected[SONGS] = {0};
    for (int tries = 0; !has_arrived(child); tries++) {
        if (tries == QUIET_ROUNDS)
            return complain("parcels do not end", child->nodes[1].left.lsn,
                            child->nodes[2].left.lsn);
        for (int from = 1; from < NODES; from++)
            forward(child, from, true);
    }
    for (int to = 1; to < NODES; to++)
        echo(child, to, false);
    for (uint64_t number = 1; number <= told; number += 2)
        expected[number / 2 % SONGS]++;
    for (unsigned song = 0; song < SONGS; song++) {
        uint64_t there = plays(child, ORIGIN, song);
        if (there < expected[song])
            return complain("acknowledged plays are lost", there, expected[song]);
        if (there > expected[song] + (is_exact ? 0 : BATCH))
            return complain("plays are counted twice", there, expected[song]);
        for (int at = 1; at < NODES; at++)
            if (plays(child, at, song) != there)
                return complain("an edge counts otherwise", plays(child, at, song), there);
    }
    for (unsigned which = 0; which < SETTINGS; which++)
        for (int at = 1; at < NODES; at++)
            if (setting(child, at, which) != setting(child, ORIGIN, which))
                return complain("a setting differs", setting(child, at, which),
                                setting(child, ORIGIN, which));
    return 0;
}

static void find_account(struct child *child)
{
    const struct account *account = state_account_by_name(child->nodes[ORIGIN].state, TEXT("anna"));
    for (int tries = 0; !account && tries < 100; tries++) {
        struct batch *batch =
            batch_new(child->nodes[ORIGIN].state,
                      &(struct batch_author){.now_ms = NOW_MS, .is_operator = true});
        (void)batch_account_create(batch, TEXT("anna"), TEXT("$"), false, ACCOUNT_ALL_LIBRARIES);
        submit(child, batch);
        account = state_account_by_name(child->nodes[ORIGIN].state, TEXT("anna"));
    }
    child->account = account->id;
    for (int to = 1; to < NODES; to++)
        echo(child, to, false);
}

static void step(struct child *child)
{
    int edge = 1 + (int)draw(NODES - 1);
    struct node *node = &child->nodes[edge];
    if (draw(40) == 0)
        node->is_cut_off = !node->is_cut_off;
    switch (draw(6)) {
    case 0:
        if (!node->is_cut_off)
            forward(child, edge, false);
        break;
    case 1:
        if (!node->is_cut_off)
            echo(child, edge, draw(4) == 0);
        break;
    case 2: { /* one from long ago comes by another way */
        const struct old *old = &child->parcels[draw(KEPT)];
        if (old->bytes.size && draw(4) == 0)
            (void)deliver(child, buffer_view(&old->bytes));
        break;
    }
    default:
        write_some(child);
    }
}

static int run_child(const char *folder, uint64_t told, uint64_t limit, bool is_last)
{
    static struct child child;
    child.loop = loop_new();
    child.next = told + 1;
    child.limit = limit;
    buffer_init(&child.scratch, 8 << 20);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* the origin's clock: later in each child */
    origin_clock_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    for (int i = 0; i < KEPT; i++) {
        buffer_init(&child.parcels[i].bytes, 2 << 20);
        buffer_init(&child.copies[i].bytes, 8 << 20);
    }
    for (int i = 0; i < NODES; i++) {
        (void)snprintf(child.nodes[i].folder, sizeof child.nodes[i].folder, "%s/%d", folder, i);
        (void)mkdir(child.nodes[i].folder, 0700);
        open_node(&child, i, is_last);
    }
    find_account(&child);
    int wrong = is_last || draw(4) == 0 ? check(&child, told, is_last) : 0;
    while (!wrong && !is_last) {
        if (child.next > child.limit) { /* until killed */
            printf("done\n");
            fflush(stdout);
            pause();
        }
        step(&child);
    }
    for (int i = 0; i < NODES; i++) {
        state_close(&child.nodes[i].state);
        keys_free(&child.nodes[i].keys);
    }
    for (int i = 0; i < KEPT; i++) {
        buffer_release(&child.parcels[i].bytes);
        buffer_release(&child.copies[i].bytes);
    }
    buffer_release(&child.scratch);
    loop_free(&child.loop);
    return wrong;
}

/* --- the parent --- */

struct campaign {
    const char *folder;
    uint64_t told, limit;
    char line[256];
    size_t line_size;
    bool is_wrong, is_done;
};

static pid_t start(const struct campaign *campaign, bool is_last, int *ret_fd)
{
    char told[32], limit[32], child_seed[32];
    int ends[2];
    snprintf(told, sizeof told, "%llu", (unsigned long long)campaign->told);
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)campaign->limit);
    snprintf(child_seed, sizeof child_seed, "%llu", (unsigned long long)draw(UINT64_MAX));
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "forward_campaign", "child", campaign->folder, told, limit,
              is_last ? "last" : "on", child_seed, (char *)NULL);
        _exit(4);
    }
    close(ends[1]);
    *ret_fd = ends[0];
    return pid;
}

static void take_line(struct campaign *campaign)
{
    uint64_t number;
    struct text line = text_make(campaign->line, campaign->line_size);
    campaign->line_size = 0;
    if (text_equal(line, TEXT("done"))) {
        campaign->is_done = true;
    } else if (!text_to_u64(line, &number)) {
        printf("# %.*s\n", TEXT_ARGS(line));
        campaign->is_wrong = true;
    } else if (number > campaign->told) {
        campaign->told = number;
    }
}

/* False at the end of the child's output. */
static bool take_output(struct campaign *campaign, int fd)
{
    char bytes[4096];
    ssize_t size = read(fd, bytes, sizeof bytes);
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            take_line(campaign);
        else if (campaign->line_size < sizeof campaign->line)
            campaign->line[campaign->line_size++] = bytes[i];
    }
    return size > 0;
}

/* A child writes some thousand, or is killed while it starts. */
static void run_round(struct campaign *campaign, bool is_last)
{
    int fd, status;
    pid_t pid = start(campaign, is_last, &fd);
    struct pollfd poll_fd = {fd, POLLIN, 0};
    uint64_t most = campaign->limit / 8 < 40000 ? campaign->limit / 8 + 1 : 40000;
    uint64_t until = is_last ? UINT64_MAX : campaign->told + (draw(6) ? 1 + draw(most) : 0);
    if (until == campaign->told)
        usleep((useconds_t)draw(100000));
    while (campaign->told < until && !campaign->is_done && !campaign->is_wrong &&
           poll(&poll_fd, 1, 300000) == 1 && take_output(campaign, fd))
        ;
    if (!is_last)
        kill(pid, SIGKILL);
    while (take_output(campaign, fd)) /* what it told before it died counts */
        ;
    campaign->line_size = 0; /* a number cut in two was not told */
    close(fd);
    waitpid(pid, &status, 0);
    if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
        !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        printf("# the child ended with status %d\n", status);
        campaign->is_wrong = true;
    }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    uint64_t told = 0, limit = 0, kills = 0;
    if (argc == 7 && strcmp(argv[1], "child") == 0 && text_to_u64(text_of(argv[3]), &told) &&
        text_to_u64(text_of(argv[4]), &limit) && text_to_u64(text_of(argv[6]), &seed))
        return run_child(argv[2], told, limit, strcmp(argv[5], "last") == 0);
    seed = random_u64();
    if (argc < 2 || !text_to_u64(text_of(argv[1]), &limit) ||
        (argc > 2 && !text_to_u64(text_of(argv[2]), &seed)))
        return 2;
    printf("# seed %llu\n", (unsigned long long)seed);
    char folder[] = "/tmp/forward_campaign.XXXXXX";
    struct campaign campaign = {.folder = mkdtemp(folder), .limit = limit};
    for (; !campaign.is_done && !campaign.is_wrong; kills++)
        run_round(&campaign, false);
    OK(!campaign.is_wrong, "whenever all are killed, nothing acknowledged is lost or doubled");
    campaign.is_done = false;
    if (!campaign.is_wrong)
        run_round(&campaign, true);
    OK(!campaign.is_wrong, "at the end all three have every operation once, and agree");
    OK(campaign.told == limit, "and all were acknowledged");
    printf("# %llu kills, %llu operations\n", (unsigned long long)kills,
           (unsigned long long)campaign.told);
    if (campaign.is_wrong)
        printf("# left for you to look at: %s\n", folder);
    else
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
