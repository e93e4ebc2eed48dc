#ifndef APUS_CLINUX_SHIM_H
#define APUS_CLINUX_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/epoll.h>
#include <sys/mman.h>

// mremap takes a variable number of arguments, which Swift does not call.
static inline void *linux_remap(void *start, size_t octets, size_t wanted) {
    return mremap(start, octets, wanted, MREMAP_MAYMOVE);
}

// The processor fetches the line of memory of `place` while it goes on. Any address will do.
static inline void linux_prefetch(const void *place) { __builtin_prefetch(place); }

#endif
