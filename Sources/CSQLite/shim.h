#include <sqlite3.h>

/* sqlite3_config takes a variable list of arguments, which Swift cannot pass. Without memory statistics SQLite takes no
   lock for each allocation. Has an effect before the first connection only. */
static inline int csqlite_end_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
