#include "CAllocator.h"

#include <jemalloc/jemalloc.h>
#include <stddef.h>

#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number

// Read by jemalloc when the process starts (jemalloc(3), "TUNING").
// - oversize_threshold: blocks of more octets, as tables that grow leave behind, go back to the system at once.
// - narenas: threads share a few arenas; by default there are four for each processor.
// - dirty_decay_ms: what is freed is kept until `allocator_give_back`. By itself jemalloc would give back twenty times a second what the next
//   messages ask for again: with payloads of 1 KB a tenth of all time went into that.
const char *malloc_conf = "oversize_threshold:131072,narenas:4,dirty_decay_ms:-1";

void allocator_give_back(void) {
    mallctl("arena." TEXT_OF(MALLCTL_ARENAS_ALL) ".purge", NULL, NULL, NULL, 0);
}
