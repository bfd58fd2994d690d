// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What becomes of encodes: coalesced, queued, refused, failed, evicted.  usage:
 * test_packager WORKER DRILL_WORKER
 *
 * A drill worker says nothing, and ends when its file is emptied.
 */
#include "media/packager.h"
#include "twin.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RATE = 44100, SECONDS = 10, WAV_HEADER = 44 };

static const char *worker, *drill_worker;
static char folder[64];

/* --- a file that can be encoded --- */

static int make_wav(void)
{
    uint32_t state = 1, data = RATE * SECONDS * 2;
    struct buffer out;
    char path[] = "/tmp/packager-wav-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    buffer_init(&out, WAV_HEADER + data);
    buffer_text(&out, TEXT("RIFF"));
    buffer_u32(&out, WAV_HEADER - 8 + data);
    buffer_text(&out, TEXT("WAVEfmt "));
    buffer_u32(&out, 16);
    buffer_u16(&out, 1);
    buffer_u16(&out, 1);
    buffer_u32(&out, RATE);
    buffer_u32(&out, RATE * 2);
    buffer_u16(&out, 2);
    buffer_u16(&out, 16);
    buffer_text(&out, TEXT("data"));
    buffer_u32(&out, data);
    for (uint32_t i = 0; i < RATE * SECONDS; i++) {
        state = state * 1664525 + 1013904223;
        buffer_u16(&out, (uint16_t)(state >> 20));
    }
    bool is_written = write(fd, out.data, out.size) == (ssize_t)out.size;
    unlink(path);
    buffer_release(&out);
    return is_written ? fd : -1;
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder));)
        count += entry->d_name[0] != '.';
    closedir(open_folder);
    return count;
}

static void empty_folder(void)
{
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder));)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(open_folder), entry->d_name, 0);
    closedir(open_folder);
}

/* --- asking --- */

static struct packager *start_like(const struct packager_config *config)
{
    struct packager *packager = NULL;
    return packager_start(config, &packager) ? NULL : packager;
}

static struct packager *start(const char *program, uint64_t max_bytes, unsigned queued)
{
    const struct packager_config config = {.worker_path = program,
                                           .folder = folder,
                                           .max_bytes = max_bytes,
                                           .max_encodes = 1,
                                           .max_queued = queued};
    return start_like(&config);
}

static struct package_request plan(struct packager *packager, uint8_t track,
                                   enum rendition rendition)
{
    struct package_request request = {.name = {.track = {track}, .rendition = rendition}};
    struct package_view view;
    if (packager_view(packager, request.name.track, rendition, &view))
        request.name.generation = view.generation;
    package_view_release(&view);
    return request;
}

static enum media_outcome begin(struct packager *packager, const struct package_request *request,
                                int source, uint64_t listener)
{
    return packager_begin(packager, &request->name, dup(source), listener, false);
}

static void stop_loop(void *context)
{
    struct packager_wait *wait = context;
    loop_stop(wait->loop);
}

/* Until it is no longer coming. */
static enum package_found await(struct packager *packager, const struct package_request *request,
                                enum media_outcome *ret_why)
{
    struct loop *loop = loop_new();
    struct package_loan loan;
    enum package_found found;
    while ((found = packager_lend(packager, request, &loan, ret_why)) == PACKAGE_COMING) {
        struct packager_wait wait = {.request = *request, .loop = loop, .on_ready = stop_loop};
        if (packager_wait(packager, &wait))
            loop_run(loop);
    }
    if (found == PACKAGE_HERE)
        packager_give_back(&loan);
    loop_free(&loop);
    return found;
}

static bool make(struct packager *packager, uint8_t track, enum rendition rendition, int source)
{
    enum media_outcome why = MEDIA_OK;
    struct package_request request = plan(packager, track, rendition);
    struct package_view view = {.state = PACKAGE_ENCODING};
    request.kind = SEGMENTER_SEGMENT;
    request.number = SEGMENTER_MAX_SEGMENTS; /* behind the end: told when all is done */
    if (begin(packager, &request, source, 1) != MEDIA_OK)
        return false;
    (void)!await(packager, &request, &why);
    bool is_there = packager_view(packager, request.name.track, rendition, &view) &&
                    view.state == PACKAGE_COMPLETE;
    package_view_release(&view);
    return is_there;
}

/* --- claims --- */

static void test_life(int wav)
{
    enum media_outcome why = MEDIA_OK;
    struct package_loan loan;
    struct packager *packager = start(worker, 1 << 30, 0);
    struct package_request request = plan(packager, 1, RENDITION_AAC_128);
    struct package_request again = plan(packager, 1, RENDITION_AAC_128);
    OK(request.name.generation == again.name.generation, "a generation stays as it was planned");
    OK(packager_lend(packager, &request, &loan, &why) == PACKAGE_UNBEGUN,
       "nothing is encoded before somebody begins it");
    OK(begin(packager, &request, wav, 1) == MEDIA_OK &&
           begin(packager, &request, wav, 2) == MEDIA_OK,
       "who begins it second is fine too");
    OK(await(packager, &request, &why) == PACKAGE_HERE, "its init comes");
    request.kind = SEGMENTER_SEGMENT;
    request.number = 1;
    OK(await(packager, &request, &why) == PACKAGE_HERE, "its second segment comes");
    request.number = 100;
    OK(await(packager, &request, &why) == PACKAGE_NOT_THERE, "one behind the end does not");
    again.name.generation++;
    OK(packager_lend(packager, &again, &loan, &why) == PACKAGE_NOT_THERE,
       "another generation is nobody's");
    packager_stop(&packager);
    OK(files_in_folder() == 1, "one file was made");

    packager = start(worker, 1 << 30, 0);
    request.number = 1;
    OK(packager_lend(packager, &request, &loan, &why) == PACKAGE_COLD,
       "after a restart it is on the disk");
    OK(packager_load(packager, request.name.track, RENDITION_AAC_128) == 0 &&
           packager_lend(packager, &request, &loan, &why) == PACKAGE_HERE,
       "and read from there");
    packager_give_back(&loan);
    packager_stop(&packager);
}

static void test_room(int wav)
{
    enum media_outcome why = MEDIA_OK;
    struct packager *packager = start(worker, 1 << 30, 0);
    OK(make(packager, 2, RENDITION_FLAC, wav) && make(packager, 3, RENDITION_AAC_64, wav),
       "a FLAC and an AAC are made");
    packager_stop(&packager);
    packager = start(worker, 500 * 1000, 0); /* the FLAC alone is larger */
    struct package_view view;
    (void)!packager_view(packager, (const uint8_t[16]){2}, RENDITION_FLAC, &view);
    OK_GUARDED(GUARD_RENDITIONS_ROOM, view.state == PACKAGE_PLANNED,
               "with less room the FLAC goes: a byte of it costs least");
    (void)!packager_view(packager, (const uint8_t[16]){3}, RENDITION_AAC_64, &view);
    OK(view.state == PACKAGE_COMPLETE, "the AAC stays");
    packager_stop(&packager);

    packager = start(worker, 1000, 0);
    struct package_request request = plan(packager, 4, RENDITION_FLAC);
    request.kind = SEGMENTER_SEGMENT;
    (void)!begin(packager, &request, wav, 1);
    OK_GUARDED(GUARD_RENDITIONS_ROOM,
               await(packager, &request, &why) == PACKAGE_BROKEN && why == MEDIA_NO_ROOM,
               "a disk without room ends the encode and says so");
    packager_stop(&packager);
    OK_GUARDED(GUARD_RENDITIONS_ROOM, files_in_folder() == 0, "it leaves nothing behind");
}

/* The real thing: a small file system of our own, full long before our share of it.  Skipped where
 * no one may be made. */
static void test_full_disk(int wav)
{
    enum media_outcome why = MEDIA_OK;
    char *usual = strdup(folder);
    snprintf(folder, sizeof folder, "%s/small", usual);
    bool is_mounted = mkdir(folder, 0700) == 0 && unshare(CLONE_NEWNS) == 0 &&
                      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                      mount("tmpfs", folder, "tmpfs", 0, "size=180k") == 0;
    if (is_mounted) {
        struct packager *packager = start(worker, 1 << 30, 0);
        OK(make(packager, 30, RENDITION_AAC_64, wav) && make(packager, 31, RENDITION_AAC_128, wav),
           "two renditions fill the disk");
        OK(make(packager, 32, RENDITION_AAC_128, wav),
           "a third plays on: the least valuable has left in the middle of it");
        OK(files_in_folder() < 3, "a disk cannot hold all three");
        struct package_request large = plan(packager, 33, RENDITION_FLAC);
        large.kind = SEGMENTER_SEGMENT;
        large.number = 2;
        (void)!begin(packager, &large, wav, 1);
        OK(await(packager, &large, &why) == PACKAGE_BROKEN && why == MEDIA_NO_ROOM,
           "what no disk of this size can hold ends in words");
        OK(files_in_folder() == 0, "and leaves nothing behind");
        OK(make(packager, 34, RENDITION_AAC_128, wav), "the next song is encoded all the same");
        packager_stop(&packager);
        packager = start(worker, 1 << 30, 0);
        OK(packager_load(packager, (const uint8_t[16]){34}, RENDITION_AAC_128) == 0,
           "and is whole after a restart");
        packager_stop(&packager);
        (void)umount(folder);
    } else {
        printf("# no file system may be mounted here: a full disk was not tested\n");
    }
    (void)rmdir(folder);
    snprintf(folder, sizeof folder, "%s", usual);
    free(usual);
}

static int text_file(void)
{
    static const char line[] = "This is a text, which no reader of sound may take for one.\n";
    int fd = memfd_create("text", MFD_CLOEXEC);
    for (unsigned i = 0; i < 200; i++)
        if (write(fd, line, sizeof line - 1) < 0)
            break;
    return fd;
}

static void test_failures(int wav)
{
    enum media_outcome why = MEDIA_OK;
    struct packager *packager = start("/bin/false", 1 << 30, 0);
    struct package_request request = plan(packager, 5, RENDITION_AAC_64);
    (void)!begin(packager, &request, wav, 1);
    OK(await(packager, &request, &why) == PACKAGE_BROKEN &&
           (why == MEDIA_CRASHED || why == MEDIA_NO_WORKER),
       "a worker that dies breaks its encode");
    packager_stop(&packager);

    packager = start(worker, 1 << 30, 0);
    int text = text_file();
    request = plan(packager, 6, RENDITION_AAC_64);
    (void)!begin(packager, &request, text, 1);
    OK(await(packager, &request, &why) == PACKAGE_BROKEN && why == MEDIA_NOT_AUDIO,
       "a file that is no sound is named so");
    OK(make(packager, 7, RENDITION_AAC_64, wav), "and the next one is encoded all the same");
    close(text);
    packager_stop(&packager);
}

/* A file whose encode lasts until it is emptied. */
static int endless_file(void)
{
    int fd = memfd_create("endless", MFD_CLOEXEC);
    return write(fd, "DRILL", 5) == 5 ? fd : -1;
}

static enum package_state state_of(struct packager *packager, const struct package_request *request)
{
    struct package_view view = {.state = PACKAGE_FAILED};
    (void)!packager_view(packager, request->name.track, request->name.rendition, &view);
    enum package_state state = view.state;
    package_view_release(&view);
    return state;
}

static bool becomes(struct packager *packager, const struct package_request *request,
                    enum package_state state, unsigned within_ms)
{
    for (unsigned waited = 0; state_of(packager, request) != state && waited < within_ms; waited++)
        usleep(1000);
    return state_of(packager, request) == state;
}

static struct package_request begin_endless(struct packager *packager, uint8_t track, int file,
                                            uint64_t listener)
{
    struct package_request request = plan(packager, track, RENDITION_AAC_64);
    (void)!begin(packager, &request, file, listener);
    return request;
}

static void test_stall(void)
{
    int file = endless_file();
    struct packager *packager = start_like(&(struct packager_config){.worker_path = drill_worker,
                                                                     .folder = folder,
                                                                     .max_bytes = 1 << 30,
                                                                     .max_encodes = 1,
                                                                     .max_silence_ms = 200});
    struct package_request request = begin_endless(packager, 50, file, 1);
    OK(becomes(packager, &request, PACKAGE_ENCODING, 10000), "a worker has it and says nothing");
    OK_GUARDED(GUARD_ENCODE_STALL, becomes(packager, &request, PACKAGE_FAILED, 2000),
               "a worker that hangs is ended, and its place is free");
    packager_stop(&packager);
    close(file);
}

/* One listener has both places and two songs more in the queue, in front of another's. */
static void test_fairness(void)
{
    int files[] = {endless_file(), endless_file()};
    struct packager *packager = start_like(&(struct packager_config){
        .worker_path = drill_worker, .folder = folder, .max_bytes = 1 << 30, .max_encodes = 2});
    struct package_request first = begin_endless(packager, 60, files[0], 1);
    struct package_request second = begin_endless(packager, 61, files[1], 1);
    OK(becomes(packager, &first, PACKAGE_ENCODING, 10000) &&
           becomes(packager, &second, PACKAGE_ENCODING, 10000),
       "one listener's songs take both places");
    struct package_request third = begin_endless(packager, 62, files[1], 1);
    struct package_request other = begin_endless(packager, 63, files[1], 2);
    OK(ftruncate(files[0], 0) == 0 && becomes(packager, &first, PACKAGE_FAILED, 10000),
       "one of them ends");
    OK_GUARDED(GUARD_ENCODE_FAIRNESS,
               becomes(packager, &other, PACKAGE_ENCODING, 3000) &&
                   state_of(packager, &third) == PACKAGE_PLANNED,
               "another listener's song goes before the third of the first");
    packager_stop(&packager);
    close(files[0]);
    close(files[1]);
}

static void test_queue(int wav)
{
    int file = endless_file();
    struct packager *packager = start(drill_worker, 1 << 30, 20);
    struct package_request request = begin_endless(packager, 100, file, 1);
    (void)becomes(packager, &request, PACKAGE_ENCODING, 10000); /* and will not end */
    bool is_taken = true;
    for (uint8_t i = 0; i < 16; i++) {
        request = plan(packager, (uint8_t)(101 + i), RENDITION_AAC_64);
        is_taken = is_taken && begin(packager, &request, wav, 1) == MEDIA_OK;
    }
    OK(is_taken, "sixteen of one listener wait");
    request = plan(packager, 130, RENDITION_AAC_64);
    OK_GUARDED(GUARD_ENCODE_QUEUE, begin(packager, &request, wav, 1) == MEDIA_BUSY,
               "a seventeenth does not");
    OK(begin(packager, &request, wav, 2) == MEDIA_OK, "another listener's does");
    for (uint8_t i = 0; i < 3; i++) {
        request = plan(packager, (uint8_t)(140 + i), RENDITION_AAC_64);
        (void)!begin(packager, &request, wav, 2);
    }
    request = plan(packager, 150, RENDITION_AAC_64);
    OK_GUARDED(GUARD_ENCODE_QUEUE, begin(packager, &request, wav, 3) == MEDIA_BUSY,
               "for all together there is a limit too");
    packager_stop(&packager);
    close(file);
    OK(packager == NULL, "a server that ends does not wait for a worker that hangs");
}

int main(int argc, char **argv)
{
    twin_begin();
    worker = argc > 2 ? argv[1] : "";
    drill_worker = argc > 2 ? argv[2] : "";
    snprintf(folder, sizeof folder, "/tmp/packager-XXXXXX");
    int wav = mkdtemp(folder) ? make_wav() : -1;
    OK(wav >= 0, "there is a sound to encode");
    test_life(wav);
    test_room(wav);
    test_full_disk(wav);
    test_failures(wav);
    test_stall();
    test_fairness();
    test_queue(wav);
    close(wav);
    struct packager *sweeper = start(worker, 1, 0); /* room for nothing */
    packager_stop(&sweeper);
    OK_GUARDED(GUARD_RENDITIONS_ROOM, files_in_folder() == 0, "without room all goes");
    empty_folder();
    rmdir(folder);
    return tap_done();
}
