#ifndef APUS_CLINUX_SHIM_H
#define APUS_CLINUX_SHIM_H

#include <linux/mman.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

// mremap, which takes a variable number of arguments, as Swift calls none, and which the C library shows to GNU programs only.
static inline void *linux_remap(void *start, size_t octets, size_t wanted) {
    return (void *)syscall(SYS_mremap, start, octets, wanted, MREMAP_MAYMOVE);
}

// The processor fetches the line of memory of `place` while it goes on. Any address will do.
static inline void linux_prefetch(const void *place) { __builtin_prefetch(place); }

#endif
