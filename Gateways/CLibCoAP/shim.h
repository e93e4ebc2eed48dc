#ifndef APUS_CLIBCOAP_SHIM_H
#define APUS_CLIBCOAP_SHIM_H

#include <coap3/coap.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One datagram of apus_peek_datagrams: the kernel's struct mmsghdr, which the C library shows only under _GNU_SOURCE,
   a setting a module cannot make for the modules it includes. */
struct apus_datagram {
    struct msghdr header;
    unsigned int length;
};

/* recvmmsg(2) with MSG_PEEK, without waiting: how many datagrams were seen, or -1. */
static inline long apus_peek_datagrams(int descriptor, struct apus_datagram *datagrams, unsigned int count) {
    return syscall(SYS_recvmmsg, descriptor, datagrams, count, MSG_PEEK | MSG_DONTWAIT, (void *)0);
}


#endif
