#ifndef APUS_CLIBCOAP_SHIM_H
#define APUS_CLIBCOAP_SHIM_H

#include <coap3/coap.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#endif
