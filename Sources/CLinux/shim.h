#ifndef APUS_CLINUX_SHIM_H
#define APUS_CLINUX_SHIM_H

#include <sys/epoll.h>

#endif
