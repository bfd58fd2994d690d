// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/file.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sostenuto-file-XXXXXX";
static int root;

static int remove_one(const char *path, const struct stat *status UNUSED, int kind UNUSED,
                      struct FTW *at UNUSED)
{
    return remove(path);
}

static struct text read_back(struct buffer *out, const char *path)
{
    buffer_reset(out);
    return file_read(root, path, out) ? TEXT_NONE : buffer_view(out);
}

static void test_write_and_read(void)
{
    struct buffer out;
    buffer_init(&out, 5);
    OK(file_write_atomic(root, "a", TEXT("first"), 0600) == 0, "a file is written whole");
    OK_TEXT(read_back(&out, "a"), TEXT("first"), "and read back, at the ceiling exactly");
    OK(file_write_atomic(root, "a", TEXT("second"), 0640) == 0, "and replaced");
    OK(file_read(root, "a", &out) == -EFBIG && out.size == 5,
       "a file past the ceiling is refused and adds nothing");
    struct stat status;
    OK(fstatat(root, "a", &status, 0) == 0 && (status.st_mode & 0777) == 0640,
       "with the mode that was asked for");
    OK(file_write_atomic(root, "missing/a", TEXT("x"), 0600) == -ENOENT,
       "a missing folder is an error");
    OK(file_read(root, "missing", &out) == -ENOENT, "a missing file is an error");
    buffer_release(&out);
}

static void test_no_leftovers(void)
{
    OK(file_make_dirs(root, "in/the/deep", 0700) == 0, "folders are made with those above them");
    OK(file_make_dirs(root, "in/the/deep", 0700) == 0, "and may be there already");
    OK(file_make_dirs(root, "a/b", 0700) == -ENOTDIR, "a file in the way is an error");
    OK(file_make_dirs(root, "a", 0700) == -ENOTDIR, "also at the end");
    OK(file_write_atomic(root, "in", TEXT("x"), 0600) < 0, "a folder is not replaced by a file");
    int count = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        count += text_ends(text_of(entry->d_name), TEXT(".tmp"));
    closedir(listing);
    OK(count == 0, "and no temporary file stays behind");
}

static void test_beneath(void)
{
    OK(symlinkat("/etc", root, "out") == 0, "a link leads out");
    int fd = file_open_beneath(root, "a", O_RDONLY);
    OK(fd >= 0, "a file beneath the root opens");
    close(fd);
    OK(file_open_beneath(root, "../etc/passwd", O_RDONLY) == -EXDEV, "dots may not leave the root");
    OK(file_open_beneath(root, "in/../../x", O_RDONLY) == -EXDEV, "nor later ones");
    OK(file_open_beneath(root, "/etc/passwd", O_RDONLY) == -EXDEV, "an absolute path is refused");
    OK(file_open_beneath(root, "out/passwd", O_RDONLY) == -EXDEV,
       "a link that leads out is refused");
    OK(symlinkat("../a", root, "in/inside") == 0, "a link may stay inside");
    fd = file_open_beneath(root, "in/inside", O_RDONLY);
    OK(fd >= 0, "and is then followed");
    char bytes[8];
    OK(file_read_at(fd, bytes, 4, 2) == 0 && !memcmp(bytes, "cond", 4),
       "bytes are read at their offset");
    OK(file_read_at(fd, bytes, 5, 2) == -ENODATA, "a file that ends before is told from an error");
    close(fd);
    fd = file_open_beneath(root, "in/new", O_WRONLY | O_CREAT);
    OK(fd >= 0 && file_write_all(fd, "abc", 3) == 0, "a file may be made beneath the root");
    close(fd);
}

static void test_map(void)
{
    struct file_map map;
    OK(file_map_open(&map, root, "in/new") == 0, "a file is mapped");
    OK_TEXT(map.bytes, TEXT("abc"), "with its bytes");
    file_map_close(&map);
    file_map_close(&map);
    OK(file_write_atomic(root, "empty", TEXT(""), 0600) == 0 &&
           file_map_open(&map, root, "empty") == 0 && map.bytes.size == 0,
       "an empty file maps to the empty text");
    OK(file_map_open(&map, root, "in") == -EINVAL, "a folder does not map");
    OK(file_map_open(&map, root, "missing") == -ENOENT, "nor does a missing file");
    file_map_close(&map);
}

static void test_lock(void)
{
    int fd = file_lock(root, "lock", NULL);
    OK(fd >= 0, "the first takes the lock");
    pid_t holder = 0;
    OK(file_lock(root, "lock", &holder) == -EWOULDBLOCK, "the second does not");
    OK(holder == getpid(), "and learns who holds it");
    close(fd);
    fd = file_lock(root, "lock", NULL);
    OK(fd >= 0, "closing releases it");
    close(fd);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    root = file_open_dir(AT_FDCWD, folder);
    OK(root >= 0 && file_open_dir(AT_FDCWD, "/etc/passwd") == -ENOTDIR,
       "only a folder opens as a folder");
    test_write_and_read();
    test_no_leftovers();
    test_beneath();
    test_map();
    test_lock();
    close(root);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
