#ifndef APUS_CRUNTIME_SHIM_H
#define APUS_CRUNTIME_SHIM_H

#include <stdint.h>

// Counts `count` references to an object of Swift's, or gives them back, in one step.
extern void *swift_retain_n(void *object, uint32_t count);
extern void swift_release_n(void *object, uint32_t count);

#endif
