/*
 * For whom a chain of trusted proxies speaks, by X-Forwarded-For. Pure.
 */
#ifndef FF_PROTO_FORWARDED_H
#define FF_PROTO_FORWARDED_H

#include "base/address.h"
#include "proto/http.h"

/*
 * The client of a request that came from `peer`. A peer that is not trusted is the client itself,
 * whatever it says. A trusted one is believed about the last address of the header (all of that
 * name together), and as long as that is a trusted proxy's as well, about the one in front of it:
 * the first that is not trusted is the client, or else the leftmost. When an address that has to be
 * believed is none, or there is no header, it is the peer. A port behind an address is left out.
 */
struct address forwarded_for(const struct http_request *request, const struct networks *trusted,
                             const struct address *peer);

#endif
