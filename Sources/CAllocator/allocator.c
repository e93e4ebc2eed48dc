#include "CAllocator.h"

#include <jemalloc/jemalloc.h>
#include <stddef.h>

#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number

// Read by jemalloc when the process starts (jemalloc(3), "TUNING").
// - oversize_threshold: blocks of more octets, as tables that grow leave behind, go back to the system at once.
// - narenas: threads share a few arenas; by default there are four for each processor.
const char *malloc_conf = "oversize_threshold:131072,narenas:4";

void allocator_give_back(void) {
    mallctl("arena." TEXT_OF(MALLCTL_ARENAS_ALL) ".purge", NULL, NULL, NULL, 0);
}
