#ifndef APUS_CSSL_SHIM_H
#define APUS_CSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* Options are macros with casts, which Swift does not see. No renegotiation and no resumption: each session is to prove its
   identity with the keys that are valid now. The packet size is ours to set. */
static const uint64_t dtls_options = SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET
    | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION;

#endif
