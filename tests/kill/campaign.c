// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Kills a process that writes through the state, at random moments, again and again.
 *
 *   kill_campaign ROUNDS [SEED]      TAP: no acknowledged operation lost, none counted twice
 *
 * Each round starts a child on the same folder.  The child first checks what it finds against
 * what the parent knows, then sends pairs number n = 1, 2, 3 … (a play, and a setting that says
 * n), several at a time, and tells the parent each number that was acknowledged.  A client sends
 * again what it was not told about, so the child begins behind the last acknowledged number; what
 * was durable without being told must then be a duplicate.
 *
 * kill -9 alone does not lose what the kernel holds, so the child's disk is a power cut: what is
 * written stays in the process until it is synced, and then goes out in pieces.
 */
#include "base/hash.h"
#include "io/loop.h"
#include "io/random.h"
#include "state/listener.h"
#include "state/state.h"
#include "store/disk.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WINDOW = 16, MAX_DELAY_US = 60000, PAIRS_PER_CHILD = 100000 };
#define NOW_MS 1795287000000LL

static uint64_t seed;
static uint64_t draw(uint64_t below)
{
    seed += 0x9e3779b97f4a7c15U;
    return hash_mix(seed) % below;
}

/* --- the power cut --- */

static struct {
    int fd;
    size_t size;
    char bytes[1 << 20];
} unsynced = {.fd = -1};

static int lazy_write(const struct disk *disk, int fd, const void *data, size_t size)
{
    if (unsynced.fd != fd)
        unsynced.size = 0;
    if (unsynced.size + size > sizeof unsynced.bytes)
        return -ENOSPC;
    (void)disk;
    unsynced.fd = fd;
    memcpy(unsynced.bytes + unsynced.size, data, size);
    unsynced.size += size;
    return 0;
}

static int lazy_sync(const struct disk *disk, int fd)
{
    size_t at = 0;
    while (unsynced.fd == fd && at < unsynced.size) {
        size_t piece = 1 + (size_t)draw(unsynced.size - at);
        int error = disk_real.write(disk, fd, unsynced.bytes + at, piece);
        if (error)
            return error;
        at += piece;
    }
    unsynced.size = 0;
    return disk_real.sync(disk, fd);
}

/* --- the child --- */

struct child {
    struct loop *loop;
    struct state *state;
    struct uid account;
    uint64_t next, acknowledged;
    uint64_t found; /* pairs there when it started */
};

static int complain(const char *what, uint64_t a, uint64_t b)
{
    printf("wrong: %s (%llu, %llu)\n", what, (unsigned long long)a, (unsigned long long)b);
    fflush(stdout);
    return 3;
}

static void send_next(struct child *child);

static void answered(void *context, const struct batch_result *result)
{
    struct child *child = context;
    uint64_t number = result->outcomes[0].seq;
    bool was_there = number <= child->found;
    enum outcome play = result->outcomes[0].outcome;
    if (play != (was_there ? OUTCOME_DUPLICATE : OUTCOME_ACCEPTED) ||
        number != child->acknowledged + 1)
        _exit(complain(was_there ? "what was there is not a duplicate"
                                 : "what is new is not accepted",
                       number, play));
    child->acknowledged = number;
    printf("%llu\n", (unsigned long long)number);
    fflush(stdout);
    send_next(child);
}

static void send_next(struct child *child)
{
    static const char form[] = "{\"device\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"operations\":["
                               "{\"seq\":%llu,\"hlc\":%llu,\"kind\":\"play\",\"payload\":{"
                               "\"track\":\"tr-AAAAAAAAAAAAAAAAAAAAAA\",\"at\":%llu}}]}";
    static const char setting[] = "{\"device\":\"AAAAAAAAAAAAAAAAAAAAAg\",\"operations\":["
                                  "{\"seq\":%llu,\"hlc\":%llu,\"kind\":\"setting\",\"payload\":{"
                                  "\"name\":\"last\",\"value\":%llu}}]}";
    char body[512];
    const char *why;
    unsigned long long number = child->next++, hlc = ((unsigned long long)NOW_MS << 16) + number;
    struct batch *batch = batch_new(
        child->state, &(struct batch_author){.account = child->account, .now_ms = NOW_MS});
    int size = snprintf(body, sizeof body, form, number, hlc,
                        (unsigned long long)NOW_MS - 1000 + number % 1000);
    bool is_good = batch_json(batch, text_make(body, (size_t)size), &why);
    size = snprintf(body, sizeof body, setting, number, hlc, number);
    is_good = is_good && batch_json(batch, text_make(body, (size_t)size), &why);
    if (!is_good)
        _exit(complain(why, number, 0));
    batch_submit(&batch, answered, child);
}

static void made(void *context, const struct batch_result *result)
{
    struct child *child = context;
    if (result->whole != OUTCOME_ACCEPTED)
        _exit(complain("the account cannot be made", result->whole, 0));
    loop_stop(child->loop);
}

static void find_account(struct child *child)
{
    const struct account *account = state_account_by_name(child->state, TEXT("anna"));
    if (account) {
        child->account = account->id;
        return;
    }
    struct batch *batch =
        batch_new(child->state, &(struct batch_author){.now_ms = NOW_MS, .is_operator = true});
    child->account =
        batch_account_create(batch, TEXT("anna"), TEXT("$"), false, ACCOUNT_ALL_LIBRARIES);
    batch_submit(&batch, made, child);
    loop_run(child->loop);
}

/* Everything that was told is there; the setting is of the same pair, or of the one before when
 * that was cut in two. */
static int check(struct child *child, uint64_t told, uint64_t sent)
{
    const struct listener *listener = state_listener(child->state, child->account);
    struct subject track = {{'t', 'r'}, {{0}}};
    uint64_t last = 0;
    struct text setting = listener_setting(listener, TEXT("last"));
    child->found = listener_plays(listener, track).count;
    if (setting.data && !text_to_u64(setting, &last))
        return complain("the setting is no number", 0, 0);
    if (child->found < told)
        return complain("acknowledged plays are lost", child->found, told);
    if (child->found > sent)
        return complain("plays are counted twice", child->found, sent);
    if (last != child->found && last + 1 != child->found)
        return complain("the setting is of another time", last, child->found);
    if (state_health(child->state).damaged_records)
        return complain("the journal is damaged", state_health(child->state).damaged_records, 0);
    return 0;
}

static int run_child(const char *folder, uint64_t told, uint64_t sent, bool is_last)
{
    struct state_error error;
    struct keys *keys = keys_ephemeral();
    struct child child = {.loop = loop_new(), .next = told + 1, .acknowledged = told};
    struct disk disk = disk_real;
    disk.write = lazy_write;
    disk.sync = lazy_sync;
    struct state_config config = {
        .folder = folder, .keys = keys, .loop = child.loop, .now_ms = NOW_MS, .disk = &disk};
    if (state_open(&config, &child.state, &error) != 0) {
        printf("wrong: %s\n", error.words);
        return 3;
    }
    find_account(&child);
    int wrong = check(&child, told, sent);
    if (wrong || is_last) {
        state_close(&child.state);
        loop_free(&child.loop);
        keys_free(&keys);
        return wrong;
    }
    for (int i = 0; i < WINDOW; i++)
        send_next(&child);
    loop_run(child.loop); /* until killed */
    return 0;
}

/* --- the parent --- */

struct campaign {
    const char *program, *folder;
    uint64_t told;
    char line[256];
    size_t line_size;
    bool is_wrong;
};

static pid_t start(const struct campaign *campaign, bool is_last, int *ret_fd)
{
    char told[32], sent[32], child_seed[32];
    int ends[2];
    snprintf(told, sizeof told, "%llu", (unsigned long long)campaign->told);
    snprintf(sent, sizeof sent, "%llu", (unsigned long long)campaign->told + WINDOW);
    snprintf(child_seed, sizeof child_seed, "%llu", (unsigned long long)draw(UINT64_MAX));
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(campaign->program, campaign->program, "child", campaign->folder, told, sent,
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
    if (!text_to_u64(line, &number)) {
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

static void run_round(struct campaign *campaign, bool is_last)
{
    int fd, status;
    pid_t pid = start(campaign, is_last, &fd);
    struct pollfd poll_fd = {fd, POLLIN, 0};
    uint64_t lines = is_last ? UINT64_MAX : draw(3) ? 1 + draw(200) : 0; /* 0: while it starts */
    uint64_t until = campaign->told + lines;
    if (!lines)
        usleep((useconds_t)draw(MAX_DELAY_US));
    while (lines && campaign->told < until && poll(&poll_fd, 1, 20000) == 1 &&
           take_output(campaign, fd))
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
    uint64_t rounds = 0, told = 0, sent = 0;
    if (argc == 7 && strcmp(argv[1], "child") == 0 && text_to_u64(text_of(argv[3]), &told) &&
        text_to_u64(text_of(argv[4]), &sent) && text_to_u64(text_of(argv[6]), &seed))
        return run_child(argv[2], told, sent, strcmp(argv[5], "last") == 0);
    seed = random_u64();
    if (argc < 2 || !text_to_u64(text_of(argv[1]), &rounds) ||
        (argc > 2 && !text_to_u64(text_of(argv[2]), &seed)))
        return 2;
    printf("# seed %llu\n", (unsigned long long)seed);
    char folder[] = "/tmp/kill_campaign.XXXXXX";
    struct campaign campaign = {.program = "/proc/self/exe", .folder = mkdtemp(folder)};
    uint64_t done = 0;
    for (; done < rounds && !campaign.is_wrong; done++)
        run_round(&campaign, false);
    OK(!campaign.is_wrong,
       "whenever it is killed, everything acknowledged is there, and nothing twice");
    run_round(&campaign, true);
    OK(!campaign.is_wrong, "so it is at the end");
    OK(campaign.told > rounds, "and it did write in between");
    printf("# %llu kills, %llu pairs acknowledged\n", (unsigned long long)done,
           (unsigned long long)campaign.told);
    if (campaign.is_wrong)
        printf("# left for you to look at: %s\n", folder);
    else
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
