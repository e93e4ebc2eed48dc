#ifndef APUS_CALLOCATOR_H
#define APUS_CALLOCATOR_H

/// Gives what was freed back to the system, as far as it fills whole pages.
void allocator_give_back(void);

#endif
