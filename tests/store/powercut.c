/* Preloaded into a program under test: keeps a journal of all that it does to the files below a folder.
 *
 * POWERCUT_FOLDER names the folder, POWERCUT_JOURNAL the file to append to. A record is one append, made
 * before the call returns, so that the records of several threads and processes stand in an order that
 * each of them has seen. A sync is noted and not done: the journal is the disk that matters. POWERCUT_FAILING
 * says that each so-manieth sync of a file fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Read by powercut.py: kind, inode, offset, then how long the two texts behind it are. */
struct head {
    uint64_t kind, inode, offset, first, second;
};

enum { HIGH_DESCRIPTOR = 900 }; /* out of the way of programs that count on low numbers */

static int journal = -1;
static long failing, syncs;
static char folder[PATH_MAX];

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("POWERCUT_JOURNAL"), *below = getenv("POWERCUT_FOLDER");
    if (!file || !below)
        return;
    snprintf(folder, sizeof folder, "%s", below);
    failing = getenv("POWERCUT_FAILING") ? atol(getenv("POWERCUT_FAILING")) : 0;
    int low = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    journal = fcntl(low, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    syscall(SYS_close, low);
    if (journal < 0) {
        perror("powercut: no journal");
        _exit(97);
    }
}

static void note(char kind, uint64_t inode, uint64_t offset, const void *a, size_t na, const void *b, size_t nb)
{
    int kept = errno;
    struct head head = {(uint64_t)kind, inode, offset, na, nb};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)a, na}, {(void *)b, nb}};
    if (syscall(SYS_writev, journal, parts, 3) != (long)(sizeof head + na + nb)) {
        perror("powercut: the journal is full");
        _exit(97);
    }
    errno = kept;
}

/* Whether a path is inside; SQLite's shared memory is not, for it is mapped and built anew at a start. */
static int inside(const char *path)
{
    size_t n = strlen(folder), length = strlen(path);
    if (journal < 0 || strncmp(path, folder, n) || (path[n] && path[n] != '/'))
        return 0;
    return length < 4 || strcmp(path + length - 4, "-shm");
}

/* The inode behind a descriptor when it is inside, else 0; `path` becomes its name. */
static uint64_t behind(int fd, char *path, mode_t *mode)
{
    int kept = errno;
    char link[64];
    struct stat found;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = 0;
    uint64_t inode = n > 0 && inside(path) && !fstat(fd, &found) ? found.st_ino : 0;
    if (inode && mode)
        *mode = found.st_mode;
    errno = kept;
    return inode;
}

/* The full name of a path that need not exist, its folder free of links. */
static void full(int at, const char *path, char *out)
{
    int kept = errno;
    char parent[PATH_MAX], real[PATH_MAX];
    if (path[0] == '/' || at == AT_FDCWD)
        snprintf(parent, sizeof parent, "%s", path);
    else
        snprintf(parent, sizeof parent, "/proc/self/fd/%d/%s", at, path);
    size_t end = strlen(parent);
    while (end > 1 && parent[end - 1] == '/')
        parent[--end] = 0;
    char *slash = strrchr(parent, '/'), *name = slash ? slash + 1 : parent;
    char last[NAME_MAX + 1] = "";
    strncat(last, name, NAME_MAX);
    *name = 0;
    if (!realpath(slash ? parent : ".", real))
        real[0] = 0;
    if (strlen(real) + strlen(last) + 2 < PATH_MAX)
        sprintf(out, "%s/%s", real, last);
    else
        out[0] = 0;
    errno = kept;
}

static int opened(int at, const char *path, int flags, mode_t mode)
{
    char name[PATH_MAX];
    int fd = syscall(SYS_openat, at, path, flags, mode);
    uint64_t inode;
    if (fd >= 0 && (flags & (O_CREAT | O_TRUNC)) && (inode = behind(fd, name, NULL))) {
        note('o', inode, 0, name, strlen(name), "", 0);
        if (flags & O_TRUNC)
            note('t', inode, 0, "", 0, "", 0);
    }
    return fd;
}

#include "opens.h"

ssize_t write(int fd, const void *data, size_t n)
{
    char path[PATH_MAX];
    ssize_t done = syscall(SYS_write, fd, data, n);
    if (done <= 0 || journal < 0)
        return done;
    uint64_t inode = behind(fd, path, NULL);
    if (inode)
        note('w', inode, lseek(fd, 0, SEEK_CUR) - done, data, done, "", 0);
    else if (fd == STDOUT_FILENO)
        note('s', 0, 0, data, done, "", 0);
    return done;
}

static ssize_t written(int fd, const void *data, size_t n, off_t at)
{
    char path[PATH_MAX];
    ssize_t done = syscall(SYS_pwrite64, fd, data, n, at);
    uint64_t inode = done > 0 ? behind(fd, path, NULL) : 0;
    if (inode)
        note('w', inode, at, data, done, "", 0);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return written(fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { return written(fd, data, n, at); }

static ssize_t sent(int to, int from, off_t *at, size_t n)
{
    char path[PATH_MAX], data[65536];
    off_t source = at ? *at : lseek(from, 0, SEEK_CUR), target = lseek(to, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_sendfile, to, from, at, n);
    uint64_t inode = done > 0 ? behind(to, path, NULL) : 0;
    for (ssize_t had = 0, got; inode && had < done; had += got) {
        size_t left = done - had;
        left = left < sizeof data ? left : sizeof data;
        if ((got = pread(from, data, left, source + had)) <= 0)
            break;
        note('w', inode, target + had, data, got, "", 0);
    }
    return done;
}

ssize_t sendfile(int to, int from, off_t *at, size_t n) { return sent(to, from, at, n); }
ssize_t sendfile64(int to, int from, off_t *at, size_t n) { return sent(to, from, at, n); }

static int cut(int fd, off_t size)
{
    char path[PATH_MAX];
    int failed = syscall(SYS_ftruncate, fd, size);
    uint64_t inode = failed ? 0 : behind(fd, path, NULL);
    if (inode)
        note('t', inode, size, "", 0, "", 0);
    return failed;
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int synced(int fd)
{
    char path[PATH_MAX];
    mode_t mode;
    uint64_t inode = behind(fd, path, &mode);
    if (!inode)
        return syscall(SYS_fsync, fd);
    int fails = !S_ISDIR(mode) && failing && ++syncs % failing == 0;
    note(S_ISDIR(mode) ? 'd' : fails ? 'e' : 'f', inode, 0, path, strlen(path), "", 0);
    if (fails)
        errno = EIO;
    return -fails;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];
    full(from_at, from, a);
    full(to_at, to, b);
    int failed = syscall(SYS_renameat2, from_at, from, to_at, to, 0);
    if (!failed && (inside(a) || inside(b)))
        note('r', 0, 0, a, strlen(a), b, strlen(b));
    return failed;
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int at, const char *path, int flags)
{
    char name[PATH_MAX];
    full(at, path, name);
    int failed = syscall(SYS_unlinkat, at, path, flags);
    if (!failed && inside(name))
        note('u', 0, 0, name, strlen(name), "", 0);
    return failed;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode)
{
    char name[PATH_MAX];
    int failed = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    full(AT_FDCWD, path, name);
    if (!failed && inside(name))
        note('m', 0, 0, name, strlen(name), "", 0);
    return failed;
}
