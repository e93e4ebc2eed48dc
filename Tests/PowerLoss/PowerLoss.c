/*
 * Simulates a loss of power for the files of one folder, preloaded into a program (LD_PRELOAD).
 *
 *     write ──▶ the file itself                what the program sees
 *        └──┬─▶ with luck, or a torn piece ──▶ its copy in the durable folder
 *     fsync ─▶ everything written before ────▶ what a loss of power leaves
 *
 * A disk may write back whatever it likes before it is asked to, whole or in part, so some writes reach the copy at once. Killing
 * the program at any moment, even in the middle of an fsync, leaves copies that a loss of power at that moment could have left.
 * Putting the copies in the place of the files is the test's business.
 *
 * The watched file is only ever read through the program's own descriptor: closing another one of the same file would
 * drop the locks the program holds on it (fcntl(2)).
 *
 * A new file is nowhere before its first fsync; a removed or renamed one stays what it was until its folder is synced. Both are
 * what a journaling file system may do at the latest.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "PowerLoss.h"

enum { descriptors = 4096, page = 4096, sector = 512 };

/* One watched file, shared by all descriptors of it. Never freed: a program has a handful of them. */
struct file {
    struct file *next;
    dev_t device;
    ino_t inode;
    char copy[PATH_MAX];
    /* No copy of this very file exists yet; there may be one of a file of the same name before it. */
    bool is_new;
    /* A bit for each page written since the last fsync. */
    uint8_t *dirty;
    size_t dirty_pages;
};

/* A removal or renaming that waits for its folder to be synced. */
struct pending {
    struct pending *next;
    char from[PATH_MAX];
    /* Empty for a removal. */
    char to[PATH_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static struct file *by_descriptor[descriptors];
static bool is_folder[descriptors];
static struct pending *pending;
static char folder[PATH_MAX];
static char durable[PATH_MAX];
static uint64_t seed;
static bool is_active;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

__attribute__((constructor)) static void start(void) {
    const char *watched = getenv(POWERLOSS_FOLDER), *copies = getenv(POWERLOSS_DURABLE);
    const char *number = getenv(POWERLOSS_SEED);
    if (!watched || !copies) return;
    snprintf(folder, sizeof folder, "%s", watched);
    snprintf(durable, sizeof durable, "%s", copies);
    seed = number ? strtoull(number, NULL, 10) : 1;
    is_active = true;
}

/* SplitMix64. */
static uint64_t chance(uint64_t below) {
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % below;
}

/* The name of a watched file within the folder; NULL for all others. */
static const char *watched_name(const char *path) {
    size_t length = strlen(folder);
    if (!is_active || strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
    const char *name = path + length + 1;
    size_t end = strlen(name);
    if (end == 0 || strchr(name, '/')) return NULL;
    if (end > 4 && strcmp(name + end - 4, "-shm") == 0) return NULL;
    if (end > 5 && strcmp(name + end - 5, ".lock") == 0) return NULL;
    return name;
}

static void copy_path(char *copy, const char *name) { snprintf(copy, PATH_MAX, "%s/%s", durable, name); }

/* ---- what is written and what has become of it ---- */

static void mark(struct file *file, off_t start, size_t length) {
    size_t last = (size_t)(start + (off_t)length - 1) / page;
    if (last >= file->dirty_pages) {
        size_t pages = (last / 8 + 128) * 16;
        file->dirty = realloc(file->dirty, pages / 8);
        if (!file->dirty) abort();
        memset(file->dirty + file->dirty_pages / 8, 0, (pages - file->dirty_pages) / 8);
        file->dirty_pages = pages;
    }
    for (size_t number = (size_t)start / page; number <= last; number++) file->dirty[number / 8] |= 1 << (number % 8);
}

static void put(int copy, const uint8_t *octets, size_t length, off_t start) {
    while (length > 0) {
        ssize_t count = REAL(pwrite64)(copy, octets, length, start);
        if (count <= 0) abort();
        octets += count, length -= (size_t)count, start += count;
    }
}

static int open_copy(struct file *file, int flags) {
    int copy = REAL(open64)(file->copy, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (copy < 0) abort();
    return copy;
}

/* The disk writes back early: nothing, everything or some sectors from the start. */
static void write_back_early(struct file *file, const uint8_t *octets, size_t length, off_t start) {
    if (file->is_new || chance(4) != 0) return;
    if (chance(2) == 0) length = chance(length / sector + 1) * sector;
    if (length == 0) return;
    int copy = open_copy(file, 0);
    put(copy, octets, length, start);
    REAL(close)(copy);
}

static void written(int descriptor, const void *octets, size_t length, off_t start) {
    pthread_mutex_lock(&lock);
    struct file *file = by_descriptor[descriptor];
    if (file && length > 0) {
        mark(file, start, length);
        write_back_early(file, octets, length, start);
    }
    pthread_mutex_unlock(&lock);
}

static void apply_next(void) {
    struct pending *change = pending;
    pending = change->next;
    if (change->to[0]) REAL(rename)(change->from, change->to);
    else REAL(unlink)(change->from);
    free(change);
}

/* A new file appears under a name that an earlier one had: what became of that is durable, too. */
static void apply_until_free(const char *copy) {
    for (struct pending *change = pending; change; change = change->next) {
        if (strcmp(change->from, copy) != 0) continue;
        while (pending != change) apply_next();
        return apply_next();
    }
}

/* Brings the copy up to the file. In the middle of it the copy is what an unfinished fsync may leave. */
static void synced(int descriptor) {
    pthread_mutex_lock(&lock);
    struct file *file = by_descriptor[descriptor];
    struct stat64 status;
    if (file && fstat64(descriptor, &status) == 0) {
        uint8_t octets[page];
        if (file->is_new) apply_until_free(file->copy);
        int copy = open_copy(file, file->is_new ? O_TRUNC : 0);
        file->is_new = false;
        for (size_t number = 0; number < file->dirty_pages; number++) {
            if (!(file->dirty[number / 8] >> (number % 8) & 1)) continue;
            ssize_t count = pread64(descriptor, octets, page, (off_t)(number * page));
            if (count > 0) put(copy, octets, (size_t)count, (off_t)(number * page));
        }
        if (file->dirty) memset(file->dirty, 0, file->dirty_pages / 8);
        if (REAL(ftruncate64)(copy, status.st_size) != 0) abort();
        REAL(close)(copy);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- names ---- */

static void opened(int descriptor, const char *path, bool creates) {
    if (!is_active || descriptor < 0 || descriptor >= descriptors) return;
    pthread_mutex_lock(&lock);
    by_descriptor[descriptor] = NULL;
    is_folder[descriptor] = strcmp(path, folder) == 0;
    const char *name = watched_name(path);
    struct stat64 status;
    if (name && fstat64(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
        struct file *file = files;
        while (file && (file->device != status.st_dev || file->inode != status.st_ino || !file->copy[0])) file = file->next;
        if (!file) {
            file = calloc(1, sizeof *file);
            if (!file) abort();
            file->device = status.st_dev, file->inode = status.st_ino;
            copy_path(file->copy, name);
            /* A file that was there before this program is as its last one left it: durable. */
            file->is_new = creates && status.st_size == 0;
            file->next = files, files = file;
        }
        by_descriptor[descriptor] = file;
    }
    pthread_mutex_unlock(&lock);
}

/* The inode may come back as another file. */
static void forget(const char *name) {
    char copy[PATH_MAX];
    copy_path(copy, name);
    for (struct file *file = files; file; file = file->next)
        if (strcmp(file->copy, copy) == 0) file->copy[0] = 0;
}

static void renamed(const char *from, const char *to) {
    const char *old = watched_name(from), *new = to ? watched_name(to) : NULL;
    if (!old) return;
    pthread_mutex_lock(&lock);
    struct pending *change = calloc(1, sizeof *change);
    if (!change) abort();
    copy_path(change->from, old);
    if (new) copy_path(change->to, new);
    struct pending **end = &pending;
    while (*end) end = &(*end)->next;
    *end = change;
    forget(old);
    pthread_mutex_unlock(&lock);
}

static void folder_synced(void) {
    pthread_mutex_lock(&lock);
    while (pending) apply_next();
    pthread_mutex_unlock(&lock);
}

/* ---- the functions of the C library that change files ---- */

#define OPEN(name)                                                   \
    int name(const char *path, int flags, ...) {                     \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                \
        int descriptor = REAL(name)(path, flags, mode);              \
        int error = errno;                                           \
        opened(descriptor, path, flags & O_CREAT);                   \
        errno = error;                                               \
        return descriptor;                                           \
    }

OPEN(open)
OPEN(open64)

static bool is_watched(int descriptor) { return descriptor >= 0 && descriptor < descriptors && by_descriptor[descriptor]; }

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < descriptors) {
        pthread_mutex_lock(&lock);
        by_descriptor[descriptor] = NULL;
        is_folder[descriptor] = false;
        pthread_mutex_unlock(&lock);
    }
    return REAL(close)(descriptor);
}

ssize_t pwrite64(int descriptor, const void *octets, size_t length, off64_t start) {
    ssize_t count = REAL(pwrite64)(descriptor, octets, length, start);
    if (count > 0 && is_watched(descriptor)) written(descriptor, octets, (size_t)count, start);
    return count;
}

ssize_t pwrite(int descriptor, const void *octets, size_t length, off_t start) {
    return pwrite64(descriptor, octets, length, start);
}

ssize_t write(int descriptor, const void *octets, size_t length) {
    if (!is_watched(descriptor)) return REAL(write)(descriptor, octets, length);
    off64_t start = lseek64(descriptor, 0, SEEK_CUR);
    ssize_t count = REAL(write)(descriptor, octets, length);
    if (count > 0) written(descriptor, octets, (size_t)count, start);
    return count;
}

int ftruncate64(int descriptor, off64_t length) { return REAL(ftruncate64)(descriptor, length); }

int ftruncate(int descriptor, off_t length) { return REAL(ftruncate64)(descriptor, length); }

/* The machine keeps its power, so the real call, which takes its time, is left out. */
int fdatasync(int descriptor) {
    if (is_watched(descriptor)) return synced(descriptor), 0;
    if (descriptor >= 0 && descriptor < descriptors && is_folder[descriptor]) return folder_synced(), 0;
    return REAL(fdatasync)(descriptor);
}

int fsync(int descriptor) {
    if (is_watched(descriptor)) return synced(descriptor), 0;
    if (descriptor >= 0 && descriptor < descriptors && is_folder[descriptor]) return folder_synced(), 0;
    return REAL(fsync)(descriptor);
}

int unlink(const char *path) {
    int result = REAL(unlink)(path);
    if (result == 0) renamed(path, NULL);
    return result;
}

int rename(const char *from, const char *to) {
    int result = REAL(rename)(from, to);
    if (result == 0) renamed(from, to);
    return result;
}
