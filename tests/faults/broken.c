/* Preloaded into a program under test: a disk that is full, read-only or failing below a folder, as told.
 *
 * BROKEN_FOLDER names the folder, BROKEN_STATE a file of numbers (broken.py) that is mapped, so that whoever
 * tests may change them while the program runs. A full disk takes no byte that makes a file longer; what lies
 * there may be overwritten. A read-only one is what the kernel makes of a disk after an error: open files stay
 * open, and every change is refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in broken.py. */
struct state {
    int64_t room;      /* bytes that files may still grow; -1 is no end */
    int64_t changes; /* so many more changes, then the disk is read-only; -1 is no end */
    int64_t syncs;     /* so many syncs fail ... */
    int64_t syncs_after; /* ... after so many that work */
    int64_t reads;     /* so many reads fail ... */
    int64_t reads_after;
    int64_t grown; /* bytes that files have grown so far */
    int64_t changed; /* changes so far */
    int64_t synced; /* syncs so far */
    int64_t read; /* reads so far */
};

static struct state *state;
static char folder[PATH_MAX];

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("BROKEN_STATE"), *below = getenv("BROKEN_FOLDER");
    if (!file || !below)
        return;
    snprintf(folder, sizeof folder, "%s", below);
    int fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
    void *found = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (found == MAP_FAILED) {
        perror("broken: no state");
        _exit(97);
    }
    state = found;
}

static int inside(const char *path)
{
    size_t n = strlen(folder);
    return state && !strncmp(path, folder, n) && (!path[n] || path[n] == '/');
}

/* Whether a descriptor is a file or folder inside. */
static int behind(int fd)
{
    int kept = errno;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = state ? readlink(link, path, sizeof path - 1) : -1;
    path[n > 0 ? n : 0] = 0;
    errno = kept;
    return n > 0 && inside(path);
}

/* Whether a name is inside; the folder above it must be there. */
static int named(int at, const char *path)
{
    int kept = errno;
    char parent[PATH_MAX], real[PATH_MAX];
    if (!state)
        return 0;
    if (path[0] == '/' || at == AT_FDCWD)
        snprintf(parent, sizeof parent, "%s", path);
    else
        snprintf(parent, sizeof parent, "/proc/self/fd/%d/%s", at, path);
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = 0;
    int found = realpath(slash ? parent : ".", real) && inside(real);
    errno = kept;
    return found;
}

static int refused(int why)
{
    errno = why;
    return -1;
}

/* Whether the disk is read-only by now; else one more change is done. */
static int read_only(void)
{
    state->changed++;
    if (state->changes > 0)
        state->changes--;
    else
        return !state->changes;
    return 0;
}

/* Whether one of the next `count` is to fail, once `after` have worked. */
static int fails(int64_t *count, int64_t *after, int64_t *done)
{
    (*done)++;
    if (*count <= 0)
        return 0;
    if (*after > 0) {
        (*after)--;
        return 0;
    }
    (*count)--;
    return 1;
}

static int opened(int at, const char *path, int flags, mode_t mode)
{
    if (named(at, path)) {
        int there = !faccessat(at, path, F_OK, 0);
        int makes = (flags & O_CREAT) && !there;
        if ((makes && read_only()) || ((flags & O_ACCMODE) != O_RDONLY && !state->changes))
            return refused(EROFS);
        if (makes && !state->room)
            return refused(ENOSPC);
    }
    return syscall(SYS_openat, at, path, flags, mode);
}

#include "../store/opens.h"

/* How many of `n` bytes at an offset the disk takes; -1 with errno when it takes none. */
static ssize_t room(int fd, off_t at, size_t n)
{
    struct stat found;
    if (!n || !behind(fd) || fstat(fd, &found) || !S_ISREG(found.st_mode))
        return n;
    if (read_only())
        return refused(EROFS);
    int64_t grows = at + (int64_t)n - found.st_size;
    if (grows <= 0)
        return n;
    if (state->room >= 0 && grows > state->room) {
        n -= grows - state->room;
        grows = state->room;
        if ((ssize_t)n <= 0)
            return refused(ENOSPC);
    }
    state->room -= state->room >= 0 ? grows : 0;
    state->grown += grows;
    return n;
}

ssize_t write(int fd, const void *data, size_t n)
{
    int kept = errno;
    off_t at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    errno = kept;
    ssize_t most = at < 0 ? (ssize_t)n : room(fd, at, n);
    return most < 0 ? -1 : syscall(SYS_write, fd, data, most);
}

static ssize_t written(int fd, const void *data, size_t n, off_t at)
{
    ssize_t most = room(fd, at, n);
    return most < 0 ? -1 : syscall(SYS_pwrite64, fd, data, most, at);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return written(fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { return written(fd, data, n, at); }

static ssize_t got(int fd, void *data, size_t n, off_t at)
{
    if (state && behind(fd) && fails(&state->reads, &state->reads_after, &state->read))
        return refused(EIO);
    return syscall(SYS_pread64, fd, data, n, at);
}

ssize_t pread(int fd, void *data, size_t n, off_t at) { return got(fd, data, n, at); }
ssize_t pread64(int fd, void *data, size_t n, off_t at) { return got(fd, data, n, at); }

static int cut(int fd, off_t size)
{
    if (behind(fd) && read_only())
        return refused(EROFS);
    return syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

/* No real sync: a test of a program that goes on needs none, and a slow disk would make it slow. */
static int synced(int fd)
{
    if (!behind(fd))
        return syscall(SYS_fsync, fd);
    return fails(&state->syncs, &state->syncs_after, &state->synced) ? refused(EIO) : 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

static int changed(int at, const char *path)
{
    return named(at, path) && read_only() ? refused(EROFS) : 0;
}

int unlinkat(int at, const char *path, int flags)
{
    return changed(at, path) ? -1 : syscall(SYS_unlinkat, at, path, flags);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return changed(from_at, from) || changed(to_at, to) ? -1 : syscall(SYS_renameat2, from_at, from, to_at, to, 0);
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int mkdir(const char *path, mode_t mode)
{
    if (named(AT_FDCWD, path) && state->changes && !state->room)
        return refused(ENOSPC);
    return changed(AT_FDCWD, path) ? -1 : syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int utimensat(int at, const char *path, const struct timespec times[2], int flags)
{
    return changed(at, path) ? -1 : syscall(SYS_utimensat, at, path, times, flags);
}

/* On 64-bit Linux both names mean the same structure. */
static int told(const char *name, const char *path, void *found)
{
    int (*real)(const char *, void *) = dlsym(RTLD_NEXT, name);
    int failed = real(path, found);
    if (!failed && named(AT_FDCWD, path) && !state->changes)
        ((struct statvfs *)found)->f_flag |= ST_RDONLY;
    return failed;
}

int statvfs(const char *path, struct statvfs *found) { return told("statvfs", path, found); }
int statvfs64(const char *path, struct statvfs64 *found) { return told("statvfs64", path, found); }

int chmod(const char *path, mode_t mode) { return changed(AT_FDCWD, path) ? -1 : syscall(SYS_chmod, path, mode); }
