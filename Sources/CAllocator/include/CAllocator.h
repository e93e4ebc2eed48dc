#ifndef APUS_CALLOCATOR_H
#define APUS_CALLOCATOR_H

/// Gives what was freed back to the system, as far as it fills whole pages. Nothing but large blocks goes back otherwise.
void allocator_give_back(void);

#endif
