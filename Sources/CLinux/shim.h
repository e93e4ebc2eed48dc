#ifndef APUS_CLINUX_SHIM_H
#define APUS_CLINUX_SHIM_H

#include <malloc.h>
#include <sys/epoll.h>

#endif
