#ifndef SVCKIT_H
#define SVCKIT_H

/* Made from the Rust sources by `cargo xtask header`. Do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * svckit: Kubernetes Services as a library.
 *
 * What holds for all functions:
 *
 * 1. `svckit_<noun>_<verb>`: the noun is the type of the first argument. The order is self, inputs, outputs.
 * 2. A call that takes its handle as `const` may run at the same time as other such calls on it; any other call
 *    needs the handle for itself. Handles may move between threads.
 * 3. Calls that can fail return `svckit_status`. Results go through trailing `*_out` pointers, which must not be NULL
 *    and are only written on SVCKIT_STATUS_OK, but for lengths: see 4.
 * 4. `_new` gives ownership, `_free` takes it back and accepts NULL. Nothing else allocates for the caller: texts and
 *    lists go into the caller's buffer (`buf, cap, len_out`). If it is too small, the answer is
 *    SVCKIT_STATUS_BUFFER_TOO_SMALL and `*len_out` is the capacity that it takes.
 * 5. Inputs are lent for the call. Texts are UTF-8 with a length and need no closing NUL; NULL with 0 is empty.
 * 6. Time is nanoseconds on a clock of the caller's, which should not run back.
 * 7. Nothing is global: no call sets anything up, there is no last error, and nothing is logged.
 * 8. A NULL handle is answered with SVCKIT_STATUS_NULL_POINTER. No input makes a call crash, but for pointers that
 *    don't point where this header says.
 */

#define SVCKIT_VERSION_MAJOR 0
#define SVCKIT_VERSION_MINOR 1
#define SVCKIT_VERSION_PATCH 0
#define SVCKIT_VERSION_TEXT "0.1.0"
/** Grows with each release; compare with svckit_version(). */
#define SVCKIT_VERSION \
  (SVCKIT_VERSION_MAJOR << 16 | SVCKIT_VERSION_MINOR << 8 | SVCKIT_VERSION_PATCH)


/**
 * How long a released address or port should rest, unless you know better: one minute, in nanoseconds.
 */
#define SVCKIT_QUARANTINE_NS 60000000000

/**
 * TCP, in a set of protocols.
 */
#define SVCKIT_PROTOCOLS_TCP 1

/**
 * UDP, in a set of protocols.
 */
#define SVCKIT_PROTOCOLS_UDP 2

/**
 * SCTP, in a set of protocols.
 */
#define SVCKIT_PROTOCOLS_SCTP 4

/**
 * Send nothing.
 */
#define SVCKIT_REPLY_DROP 0

/**
 * Send the octets of the buffer.
 */
#define SVCKIT_REPLY_SEND 1

/**
 * The name isn't ours. Ask somebody else and send what they say, or send the octets of the buffer, which refuse.
 */
#define SVCKIT_REPLY_FOREIGN 2

/**
 * The buffer holds an alias that leads to somebody else's name. Resolve what `svckit_zone_target` says and call
 * `svckit_zone_complete`, or send the octets as they are.
 */
#define SVCKIT_REPLY_UPSTREAM 3

/**
 * The octets of the largest answer of all; 512 are enough for any answer over UDP without EDNS.
 */
#define SVCKIT_ANSWER_MAX 65535

/**
 * It is none of a proxy's business.
 */
#define SVCKIT_VERDICT_PASS 0

/**
 * It goes to any one of the endpoints.
 */
#define SVCKIT_VERDICT_DNAT 1

/**
 * It is refused: ICMP port unreachable.
 */
#define SVCKIT_VERDICT_REJECT 2

/**
 * It vanishes.
 */
#define SVCKIT_VERDICT_DROP 3

/**
 * The source stays.
 */
#define SVCKIT_SNAT_NEVER 0

/**
 * The source becomes the node's if the packet goes back to its own sender.
 */
#define SVCKIT_SNAT_HAIRPIN 1

/**
 * The source becomes the node's.
 */
#define SVCKIT_SNAT_ALWAYS 2

/**
 * The header takes the place of what is there.
 */
#define SVCKIT_HEADER_SET 0

/**
 * The header stands beside what is there.
 */
#define SVCKIT_HEADER_ADD 1

/**
 * The header goes.
 */
#define SVCKIT_HEADER_REMOVE 2

/**
 * Answer with `status`; the text says why.
 */
#define SVCKIT_ANSWER_REFUSE 0

/**
 * Send it to the service port, with the text as its path; the query stays.
 */
#define SVCKIT_ANSWER_FORWARD 1

/**
 * Answer with `status` and the text as `Location`.
 */
#define SVCKIT_ANSWER_REDIRECT 2

/**
 * A browser asks what it may do: answer with 204 and the `cors_*` headers.
 */
#define SVCKIT_ANSWER_PREFLIGHT 3

/**
 * What is behind the route is no Service but an object that only you know: its group, kind and name stand in
 * `service_namespace`, `service_name` and `port_name`.
 */
#define SVCKIT_ANSWER_RESOURCE 4

/**
 * Nothing is asked, in limits of `svckit_answer`.
 */
#define SVCKIT_NO_LIMIT UINT64_MAX

/**
 * The size of a body that is not known.
 */
#define SVCKIT_BODY_UNKNOWN UINT64_MAX

/**
 * There is a table of ours for IPv4, in `svckit_cluster_plan_netlink`.
 */
#define SVCKIT_TABLES_IPV4 1

/**
 * There is a table of ours for IPv6, in `svckit_cluster_plan_netlink`.
 */
#define SVCKIT_TABLES_IPV6 2

/**
 * Clients with session affinity go on to be remembered when tables of ours are replaced; kernels before 6.3 may refuse
 * it. In `svckit_cluster_plan_netlink`.
 */
#define SVCKIT_TABLES_KEEP_CLIENTS 4

/**
 * The address isn't a service port's.
 */
#define SVCKIT_OUTCOME_NOT_A_SERVICE 0

/**
 * It goes to the endpoint.
 */
#define SVCKIT_OUTCOME_BACKEND 1

/**
 * Refuse it: no endpoint of the service port can be used anywhere.
 */
#define SVCKIT_OUTCOME_NO_ENDPOINTS 2

/**
 * Say nothing: there are endpoints, but not for this client here, which tries again, elsewhere.
 */
#define SVCKIT_OUTCOME_DROPPED 3

/**
 * How a call went.
 *
 * A number never changes its meaning and is never used again for another one. Later versions may answer numbers
 * that are not in this list; all but `SVCKIT_STATUS_OK` are failures.
 */
enum svckit_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The call did what it says.
   */
  SVCKIT_STATUS_OK = 0,
  /**
   * A required pointer was NULL. Nothing happened.
   */
  SVCKIT_STATUS_NULL_POINTER = 1,
  /**
   * An input does not parse, or is not one of the values it may have. Nothing happened.
   */
  SVCKIT_STATUS_INVALID_ARGUMENT = 2,
  /**
   * Somebody else holds the address or port. Nothing happened.
   */
  SVCKIT_STATUS_TAKEN = 3,
  /**
   * Nothing is left. Nothing happened.
   */
  SVCKIT_STATUS_EXHAUSTED = 4,
  /**
   * The address or port is in no range. Nothing happened.
   */
  SVCKIT_STATUS_OUT_OF_RANGE = 5,
  /**
   * The range has more addresses than can be counted. Nothing happened.
   */
  SVCKIT_STATUS_TOO_LARGE = 6,
  /**
   * It is there already. Nothing happened.
   */
  SVCKIT_STATUS_EXISTS = 7,
  /**
   * There is no such thing. Nothing happened.
   */
  SVCKIT_STATUS_NOT_FOUND = 8,
  /**
   * It is still in use. Nothing happened.
   */
  SVCKIT_STATUS_IN_USE = 9,
  /**
   * The buffer is too small; the length it needs was written. Nothing else happened.
   */
  SVCKIT_STATUS_BUFFER_TOO_SMALL = 10,
  /**
   * At least one of the objects was refused, and changes nothing; the others were taken in. The findings say why.
   */
  SVCKIT_STATUS_REFUSED = 11,
  /**
   * Refused for a reason this header has no number for. Nothing happened.
   */
  SVCKIT_STATUS_OTHER = 97,
  /**
   * A bug in svckit. This handle now answers `SVCKIT_STATUS_POISONED`; others are unharmed.
   */
  SVCKIT_STATUS_PANIC = 98,
  /**
   * An earlier call on this handle ended in `SVCKIT_STATUS_PANIC`. Only `_free` is left.
   */
  SVCKIT_STATUS_POISONED = 99,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum svckit_status svckit_status;
#else
typedef int32_t svckit_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kinds of findings; an API server's, and two of svckit's own. Later versions may have more.
 */
enum svckit_finding_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Of a kind this header has no number for.
   */
  SVCKIT_FINDING_KIND_OTHER = 0,
  /**
   * A value is missing.
   */
  SVCKIT_FINDING_KIND_REQUIRED = 1,
  /**
   * A value breaks its rule.
   */
  SVCKIT_FINDING_KIND_INVALID = 2,
  /**
   * A value is not one of a fixed list.
   */
  SVCKIT_FINDING_KIND_NOT_SUPPORTED = 3,
  /**
   * A value occurs twice where it must be unique.
   */
  SVCKIT_FINDING_KIND_DUPLICATE = 4,
  /**
   * A field may not be set here.
   */
  SVCKIT_FINDING_KIND_FORBIDDEN = 5,
  /**
   * A text is longer than allowed.
   */
  SVCKIT_FINDING_KIND_TOO_LONG = 6,
  /**
   * A list has more items than allowed.
   */
  SVCKIT_FINDING_KIND_TOO_MANY = 7,
  /**
   * There is no such field or object.
   */
  SVCKIT_FINDING_KIND_UNKNOWN = 8,
  /**
   * Another object holds what this one asks for.
   */
  SVCKIT_FINDING_KIND_CONFLICT = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum svckit_finding_kind svckit_finding_kind;
#else
typedef int32_t svckit_finding_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Remembers where clients went, for service ports with `sessionAffinity: ClientIP`.
 *
 * It outlives tables: keep one for all of them. May move between threads. Calls that take it as `const` may run side
 * by side; any other call runs alone. Threads that each take their own connections may each have one.
 */
typedef struct svckit_affinity svckit_affinity;

/**
 * A cluster as one node sees it: Services, EndpointSlices, Pods, Nodes, Ingresses and all that follows from them.
 *
 * It is fed with objects, and makes tables, zones, routes and plans of them: handles of their own, which never change
 * and may be used by any number of threads while the cluster is fed on. May move between threads. Calls that take it
 * as `const` may run side by side; any other call runs alone.
 */
typedef struct svckit_cluster svckit_cluster;

/**
 * The service ranges of a cluster, and which of their addresses are held.
 *
 * May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
 */
typedef struct svckit_cluster_ips svckit_cluster_ips;

/**
 * One open connection to an endpoint, which counts while it is there.
 *
 * May move between threads; all calls but `_free` may run side by side.
 */
typedef struct svckit_connection svckit_connection;

/**
 * What is wrong with an input, in its order. Nothing in it changes.
 *
 * May move between threads; all calls but `_free` may run side by side.
 */
typedef struct svckit_findings svckit_findings;

/**
 * Where requests to Gateways go, in one state. It never changes.
 *
 * May move between threads; all calls but `_free` may run side by side. Take a new one when something has changed.
 */
typedef struct svckit_gateway_routes svckit_gateway_routes;

/**
 * Gateways, HTTPRoutes, ReferenceGrants and the Services behind them.
 *
 * May move between threads; any call needs it for itself. The routes that are taken from it live on.
 */
typedef struct svckit_gateways svckit_gateways;

/**
 * The labels of one object. Nothing in it changes.
 *
 * May move between threads; all calls but `_free` may run side by side.
 */
typedef struct svckit_labels svckit_labels;

/**
 * The names of a cluster, with settings of their own. A `svckit_cluster` has names too; these are for DNS servers
 * that get their objects elsewhere, admitted and with addresses.
 *
 * May move between threads; any call needs it for itself. The zones that are taken from it live on.
 */
typedef struct svckit_names svckit_names;

/**
 * The node ports of a cluster, and which of them are held for which protocols.
 *
 * A port is free for each protocol by itself. May move between threads. Calls that take it as `const` may run side
 * by side; any other call runs alone.
 */
typedef struct svckit_node_ports svckit_node_ports;

/**
 * The steps from what the kernel holds to what it should hold. Nothing in it changes.
 *
 * May move between threads; all calls but `_free` may run side by side.
 */
typedef struct svckit_plan svckit_plan;

/**
 * Where requests go, in one state of a cluster. It never changes.
 *
 * May move between threads; all calls but `_free` may run side by side. Take a new one when the cluster has changed.
 */
typedef struct svckit_routes svckit_routes;

/**
 * What labels must be. Nothing in it changes.
 *
 * May move between threads; all calls but `_free` may run side by side.
 */
typedef struct svckit_selector svckit_selector;

/**
 * Selectors by numbers of yours, and which of them match.
 *
 * May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
 */
typedef struct svckit_selector_index svckit_selector_index;

/**
 * Names made of SkyDNS records.
 *
 * May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
 */
typedef struct svckit_skydns svckit_skydns;

/**
 * What an EndpointSlice controller knows: Services, Pods and Nodes, and the slices that follow from them.
 *
 * May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
 */
typedef struct svckit_slices svckit_slices;

/**
 * Where connections go, in one state of a cluster. It never changes, but for the turns of round robin.
 *
 * May move between threads; all calls but `_free` may run side by side. Take a new one when the cluster has changed.
 */
typedef struct svckit_table svckit_table;

/**
 * What becomes of one packet, and why. Nothing in it changes.
 *
 * May move between threads; all calls but `_free` may run side by side.
 */
typedef struct svckit_trace svckit_trace;

/**
 * What names answer, in one state of a cluster. It never changes.
 *
 * May move between threads; all calls but `_free` may run side by side. Take a new one when the cluster has changed.
 */
typedef struct svckit_zone svckit_zone;

/**
 * Randomness: keys hash tables and starts searches, never used for secrets.
 *
 * Take it from a good source such as `getrandom`: names and addresses are chosen by strangers, and a known key invites
 * collisions. Equal seeds and equal calls give equal results.
 */
typedef struct {
  /**
   * Any numbers.
   */
  uint64_t words[4];
} svckit_seed;

/**
 * An IP address: 16 bytes in network order. An IPv4 address is the IPv6 address `::ffff:a.b.c.d`.
 */
typedef struct {
  /**
   * In network order.
   */
  uint8_t bytes[16];
} svckit_ip;

/**
 * A port, and the protocols it is held for.
 */
typedef struct {
  /**
   * The port.
   */
  uint16_t port;
  /**
   * `SVCKIT_PROTOCOLS_*`, added.
   */
  uint8_t protocols;
} svckit_held_port;

/**
 * The figures of a range of service addresses.
 *
 * The dynamic band is drawn from first; the static band is left to people who choose themselves. If a band has no
 * address, both its ends are zero.
 */
typedef struct {
  /**
   * How many service addresses there are.
   */
  uint64_t usable;
  /**
   * How many of them are the static band.
   */
  uint64_t static_len;
  /**
   * The network address, never handed out.
   */
  svckit_ip network;
  /**
   * The last address of the range. In IPv4 that is the broadcast address, which is never handed out.
   */
  svckit_ip broadcast;
  /**
   * The ends of the static band.
   */
  svckit_ip static_first;
  /**
   * See `static_first`.
   */
  svckit_ip static_last;
  /**
   * The ends of the dynamic band; its last address is the last one of all.
   */
  svckit_ip dynamic_first;
  /**
   * See `dynamic_first`.
   */
  svckit_ip dynamic_last;
} svckit_address_range;

/**
 * The figures of a range of node ports. If there is no static band, both its ends are 0.
 */
typedef struct {
  /**
   * How many ports there are.
   */
  uint32_t size;
  /**
   * How many of them are the static band.
   */
  uint32_t static_len;
  /**
   * The lowest port.
   */
  uint16_t first;
  /**
   * The highest port.
   */
  uint16_t last;
  /**
   * The ends of the static band.
   */
  uint16_t static_first;
  /**
   * See `static_first`.
   */
  uint16_t static_last;
  /**
   * The ends of the dynamic band.
   */
  uint16_t dynamic_first;
  /**
   * See `dynamic_first`.
   */
  uint16_t dynamic_last;
} svckit_port_range;

/**
 * Who asks, and how.
 */
typedef struct {
  /**
   * The client's address; `::` when it is not known.
   */
  svckit_ip address;
  /**
   * Any number, another one each time: it turns the order of addresses, so that clients spread.
   */
  uint64_t entropy;
  /**
   * The reply goes over TCP, and may be as long as it likes.
   */
  bool tcp;
} svckit_peer;

/**
 * What is to be done about a message.
 */
typedef struct {
  /**
   * Octets of the buffer to send when nobody else is asked.
   */
  size_t len;
  /**
   * With `SVCKIT_REPLY_UPSTREAM`, the type to ask for.
   */
  uint16_t qtype;
  /**
   * One of `SVCKIT_REPLY_*`.
   */
  uint8_t action;
} svckit_reply;

/**
 * One of many messages.
 */
typedef struct {
  /**
   * The message as it came.
   */
  const uint8_t *message;
  /**
   * Its length.
   */
  size_t message_len;
  /**
   * Who asks.
   */
  svckit_peer peer;
  /**
   * Room for the answer; memory that has been written to before.
   */
  uint8_t *buf;
  /**
   * How much room there is.
   */
  size_t cap;
  /**
   * What is to be done; written by the call.
   */
  svckit_reply reply;
} svckit_query;

/**
 * A text that svckit lends: UTF-8, not closed by a NUL.
 *
 * It lives as long as what it was taken from; that text says how long. Do not free it.
 */
typedef struct {
  /**
   * The first byte; never NULL.
   */
  const uint8_t *data;
  /**
   * How many bytes.
   */
  size_t len;
} svckit_text;

/**
 * One thing that is wrong with one object. The texts live as long as the `svckit_findings`.
 */
typedef struct {
  /**
   * `Service shop/cart`: kind, namespace and name, as far as they are known.
   */
  svckit_text object;
  /**
   * Where in the object: `spec.ports[0].port`. Empty when it is about the object as a whole.
   */
  svckit_text path;
  /**
   * What stands there, printed; empty when nothing does.
   */
  svckit_text value;
  /**
   * What is wrong and what to do: one sentence, lower case, no full stop.
   */
  svckit_text message;
  /**
   * What kind of mistake it is.
   */
  svckit_finding_kind kind;
  /**
   * Whether the object was refused; else this is a warning.
   */
  bool refused;
} svckit_finding;

/**
 * A new connection, or the first datagram of a flow.
 */
typedef struct {
  /**
   * Who connects.
   */
  svckit_ip source;
  /**
   * The address connected to.
   */
  svckit_ip address;
  /**
   * The port of who connects.
   */
  uint16_t source_port;
  /**
   * The port connected to.
   */
  uint16_t port;
  /**
   * One of `SVCKIT_PROTOCOLS_*`. What is none of them, like port 0, belongs to no service.
   */
  uint8_t protocol;
} svckit_flow;

/**
 * What becomes of a packet. The texts live as long as the `svckit_trace`.
 */
typedef struct {
  /**
   * The namespace of the Service it was for; empty when it was for none.
   */
  svckit_text service_namespace;
  /**
   * The Service's name.
   */
  svckit_text service_name;
  /**
   * The port's name; empty for a Service's only port.
   */
  svckit_text port_name;
  /**
   * How many endpoints it may go to.
   */
  size_t endpoints;
  /**
   * How many steps led there.
   */
  size_t steps;
  /**
   * One of `SVCKIT_VERDICT_*`.
   */
  uint8_t verdict;
  /**
   * One of `SVCKIT_SNAT_*`.
   */
  uint8_t snat;
  /**
   * Whether the source is rewritten wherever it goes.
   */
  bool masquerades;
} svckit_decision;

/**
 * An address and a port.
 */
typedef struct {
  /**
   * The address.
   */
  svckit_ip ip;
  /**
   * The port.
   */
  uint16_t port;
} svckit_endpoint;

/**
 * One header of a request.
 */
typedef struct {
  /**
   * Its name in lower case, without a colon.
   */
  svckit_text name;
  /**
   * Its value.
   */
  svckit_text value;
} svckit_header;

/**
 * A request as it arrived. Zero all of it before you fill it in: later versions may have more fields.
 *
 * Its texts are lent for the call; NULL with 0 is empty.
 */
typedef struct {
  /**
   * `GET`.
   */
  svckit_text method;
  /**
   * `/path?query`, or one of the other forms.
   */
  svckit_text target;
  /**
   * Values of all `Host` headers; for HTTP/2 also `:authority`, when they differ.
   */
  const svckit_text *hosts;
  /**
   * How many there are.
   */
  size_t hosts_len;
  /**
   * Headers that options ask for: `origin`, `access-control-request-method`, `cookie`, those of canaries.
   */
  const svckit_header *headers;
  /**
   * How many there are.
   */
  size_t headers_len;
  /**
   * Who asks.
   */
  svckit_ip client;
  /**
   * The octets of its body, or `SVCKIT_BODY_UNKNOWN`.
   */
  uint64_t body_len;
  /**
   * A random number: chooses among versions.
   */
  uint64_t entropy;
  /**
   * It came encrypted, as far as that can be trusted.
   */
  bool https;
  /**
   * HTTP/1.0 may leave the host out.
   */
  bool http_1_0;
} svckit_request;

/**
 * What to do with a request to a Gateway. Texts that don't apply are empty.
 */
typedef struct {
  /**
   * The namespace of the Service it goes to.
   */
  svckit_text service_namespace;
  /**
   * The Service's name.
   */
  svckit_text service_name;
  /**
   * The name of the Service's port; empty for its only port.
   */
  svckit_text port_name;
  /**
   * The namespace of the HTTPRoute that takes the request.
   */
  svckit_text route_namespace;
  /**
   * The HTTPRoute's name.
   */
  svckit_text route_name;
  /**
   * The `Host` that pods see, if it is another one.
   */
  svckit_text upstream_host;
  /**
   * Which rule of the HTTPRoute, from 0.
   */
  size_t rule;
  /**
   * Nanoseconds that the whole may take, or `SVCKIT_NO_LIMIT`.
   */
  uint64_t timeout_ns;
  /**
   * Nanoseconds that one attempt may take, or `SVCKIT_NO_LIMIT`.
   */
  uint64_t backend_timeout_ns;
  /**
   * The status to answer with; 0 when the request is sent on.
   */
  uint16_t status;
  /**
   * `SVCKIT_ANSWER_REFUSE`, `SVCKIT_ANSWER_FORWARD` or `SVCKIT_ANSWER_REDIRECT`.
   */
  uint8_t action;
} svckit_gateway_answer;

/**
 * One change to a header.
 */
typedef struct {
  /**
   * The header's name, in any case.
   */
  svckit_text name;
  /**
   * Its value; empty when it goes.
   */
  svckit_text value;
  /**
   * One of `SVCKIT_HEADER_*`.
   */
  uint8_t operation;
  /**
   * It is about what the client gets; else about what the pod gets.
   */
  bool response;
} svckit_header_change;

/**
 * What to do with a request. Texts that don't apply are empty.
 */
typedef struct {
  /**
   * The namespace of the Service it goes to.
   */
  svckit_text service_namespace;
  /**
   * The Service's name.
   */
  svckit_text service_name;
  /**
   * The name of the Service's port; empty for its only port.
   */
  svckit_text port_name;
  /**
   * The namespace of the Ingress that takes the request; empty for a configured default backend.
   */
  svckit_text ingress_namespace;
  /**
   * The Ingress's name.
   */
  svckit_text ingress_name;
  /**
   * The path of the Ingress that takes the request; empty for a default backend.
   */
  svckit_text ingress_path;
  /**
   * The `Host` that pods see, if it is another one.
   */
  svckit_text upstream_host;
  /**
   * The value of `X-Forwarded-Prefix`.
   */
  svckit_text forwarded_prefix;
  /**
   * The value of `Access-Control-Allow-Origin`; empty: the site may not ask.
   */
  svckit_text cors_origin;
  /**
   * The value of `Access-Control-Allow-Methods`.
   */
  svckit_text cors_methods;
  /**
   * The value of `Access-Control-Allow-Headers`.
   */
  svckit_text cors_headers;
  /**
   * The value of `Access-Control-Expose-Headers`.
   */
  svckit_text cors_expose;
  /**
   * Octets of a request's body, or `SVCKIT_NO_LIMIT`.
   */
  uint64_t max_body;
  /**
   * Nanoseconds for a connection to a pod, or `SVCKIT_NO_LIMIT`.
   */
  uint64_t connect_ns;
  /**
   * Nanoseconds between two reads from a pod, or `SVCKIT_NO_LIMIT`.
   */
  uint64_t read_ns;
  /**
   * Nanoseconds between two writes to a pod, or `SVCKIT_NO_LIMIT`.
   */
  uint64_t send_ns;
  /**
   * Seconds for which an answer to a preflight request holds.
   */
  uint32_t cors_max_age;
  /**
   * The status to answer with; 0 when the request is sent on.
   */
  uint16_t status;
  /**
   * One of `SVCKIT_ANSWER_*`.
   */
  uint8_t action;
  /**
   * Whether browsers may send cookies along.
   */
  bool cors_credentials;
} svckit_answer;

/**
 * How often each kind of zone has changed; a server that restarts gives those that it had.
 */
typedef struct {
  /**
   * Of the cluster's zones.
   */
  uint32_t cluster;
  /**
   * Of external zones.
   */
  uint32_t external;
  /**
   * Of multicluster zones.
   */
  uint32_t multicluster;
} svckit_serials;

/**
 * What a plan is.
 */
typedef struct {
  /**
   * Hand this to `svckit_cluster_commit` when all of it is in place.
   */
  uint64_t generation;
  /**
   * How many pieces change: service ports, addresses, ports of the node.
   */
  size_t steps;
  /**
   * Whether the plan is the whole of what should be there, and everything else goes.
   */
  bool full;
} svckit_plan_info;

/**
 * A label. Its texts are lent for the call.
 */
typedef struct {
  /**
   * The key.
   */
  svckit_text key;
  /**
   * The value.
   */
  svckit_text value;
} svckit_label;

/**
 * Where a connection goes.
 */
typedef struct {
  /**
   * The endpoint's address; all fields but `outcome` are zero when there is no endpoint.
   */
  svckit_ip ip;
  /**
   * Whose endpoint it is: a number for `svckit_table_service_port`. Valid while the service port exists, then used
   * again.
   */
  uint32_t service_port;
  /**
   * Which endpoint of the service port.
   */
  uint32_t endpoint;
  /**
   * The endpoint's port.
   */
  uint16_t port;
  /**
   * One of `SVCKIT_OUTCOME_*`.
   */
  uint8_t outcome;
} svckit_pick;

/**
 * The name of a service port.
 */
typedef struct {
  /**
   * The Service's namespace.
   */
  svckit_text service_namespace;
  /**
   * The Service's name.
   */
  svckit_text service_name;
  /**
   * The port's name; empty for a Service's only port.
   */
  svckit_text port_name;
  /**
   * One of `SVCKIT_PROTOCOLS_*`.
   */
  uint8_t protocol;
} svckit_service_port;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Checks an object as its author wrote it: warnings, and everything that would refuse it once it has its defaults.
 *
 * Other objects are not known here; `svckit_cluster_apply` knows them. `gates` are Kubernetes' feature gates that
 * differ from their defaults, such as `StrictIPCIDRValidation=false`, separated by commas.
 *
 * `SVCKIT_STATUS_REFUSED`: the object is refused, and the findings say why. `SVCKIT_STATUS_INVALID_ARGUMENT`: the text
 * isn't JSON, holds more than one object, or there is no such gate. `findings_out` may be NULL. Else `*findings_out`
 * is set by every call: to NULL when there is nothing to tell, or to what must be given to `svckit_findings_free`.
 */
svckit_status svckit_object_check(const uint8_t *object,
                                  size_t object_len,
                                  const uint8_t *gates,
                                  size_t gates_len,
                                  svckit_findings **findings_out);

/**
 * Checks an object that has its defaults, without warnings. With `old`, which may be empty, the rules on changes hold
 * too. Otherwise as `svckit_object_check`.
 */
svckit_status svckit_object_validate(const uint8_t *object,
                                     size_t object_len,
                                     const uint8_t *old,
                                     size_t old_len,
                                     const uint8_t *gates,
                                     size_t gates_len,
                                     svckit_findings **findings_out);

/**
 * Checks what a controller writes to the status of an Ingress; `old` is the object as it was. Otherwise as
 * `svckit_object_check`.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT` also for objects whose status has no rules here.
 */
svckit_status svckit_object_validate_status(const uint8_t *object,
                                            size_t object_len,
                                            const uint8_t *old,
                                            size_t old_len,
                                            const uint8_t *gates,
                                            size_t gates_len,
                                            svckit_findings **findings_out);

/**
 * Writes an object with everything that its author left out, as JSON.
 *
 * `SVCKIT_STATUS_REFUSED`: the object can't be read; findings as with `svckit_object_check`.
 */
svckit_status svckit_object_default(const uint8_t *object,
                                    size_t object_len,
                                    svckit_findings **findings_out,
                                    uint8_t *buf,
                                    size_t cap,
                                    size_t *len_out);

/**
 * Checks a text by the rules of a form: `rfc1123-label`, `rfc1123-subdomain`, `rfc1035-label`, `wildcard-subdomain`,
 * `fully-qualified-domain`, `port-name`, `port-number`, `label-key`, `label-value`, `domain-prefixed-path`,
 * `ip-canonical`, `ip-strict`, `ip-lenient`, `cidr-canonical`, `cidr-strict`, `cidr-lenient`, `interface-address`.
 *
 * `SVCKIT_STATUS_REFUSED`: the text is not of this form; findings as with `svckit_object_check`.
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such form.
 */
svckit_status svckit_syntax_check(const uint8_t *form,
                                  size_t form_len,
                                  const uint8_t *value,
                                  size_t value_len,
                                  svckit_findings **findings_out);

/**
 * Creates an allocator without a range.
 *
 * An address that is released rests for `quarantine_ns` before it is drawn again, unless nothing else is free; see
 * `SVCKIT_QUARANTINE_NS`. On `SVCKIT_STATUS_OK` the caller owns `*ips_out` and must give it to
 * `svckit_cluster_ips_free`.
 */
svckit_status svckit_cluster_ips_new(const svckit_seed *seed,
                                     uint64_t quarantine_ns,
                                     svckit_cluster_ips **ips_out);

/**
 * Ends an allocator. NULL is fine; so is a poisoned one.
 */
void svckit_cluster_ips_free(svckit_cluster_ips *ips);

/**
 * Adds a range such as `10.96.0.0/12` or `fd00::/112`, behind the others of its family. The first range's family
 * is the cluster's default one. A range that is draining stops draining.
 *
 * `SVCKIT_STATUS_TOO_LARGE`: an IPv6 range may be a /64 at most. `SVCKIT_STATUS_EXISTS`: it is there already.
 */
svckit_status svckit_cluster_ips_add(svckit_cluster_ips *ips,
                                     const uint8_t *cidr,
                                     size_t cidr_len);

/**
 * Draws nothing from a range any more. What is held stays held.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: there is no such range.
 */
svckit_status svckit_cluster_ips_drain(svckit_cluster_ips *ips,
                                       const uint8_t *cidr,
                                       size_t cidr_len);

/**
 * Takes a draining range away.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: there is no such range. `SVCKIT_STATUS_IN_USE`: it isn't draining, or addresses are held
 * that no other range has.
 */
svckit_status svckit_cluster_ips_remove(svckit_cluster_ips *ips,
                                        const uint8_t *cidr,
                                        size_t cidr_len);

/**
 * Takes this very address.
 *
 * `SVCKIT_STATUS_TAKEN`: somebody holds it. `SVCKIT_STATUS_OUT_OF_RANGE`: it is no service address of any range.
 * `SVCKIT_STATUS_NOT_FOUND`: there is no range of its family.
 */
svckit_status svckit_cluster_ips_reserve(svckit_cluster_ips *ips,
                                         const svckit_ip *ip);

/**
 * Takes any free address of a family, 4 or 6: of the first range that has one, and there of the dynamic band first.
 *
 * `SVCKIT_STATUS_EXHAUSTED`: all are held. `SVCKIT_STATUS_NOT_FOUND`: there is no range to draw from.
 */
svckit_status svckit_cluster_ips_allocate(svckit_cluster_ips *ips,
                                          uint8_t family,
                                          uint64_t now_ns,
                                          svckit_ip *ip_out);

/**
 * Gives an address back, to rest. `*held_out` is whether it was held; releasing twice is harmless.
 */
svckit_status svckit_cluster_ips_release(svckit_cluster_ips *ips,
                                         const svckit_ip *ip,
                                         uint64_t now_ns,
                                         bool *held_out);

/**
 * Gives an address back that nobody has seen, as after a write that failed: it need not rest. `*held_out` is whether
 * it was held.
 */
svckit_status svckit_cluster_ips_cancel(svckit_cluster_ips *ips,
                                        const svckit_ip *ip,
                                        bool *held_out);

/**
 * Whether somebody holds this address.
 */
svckit_status svckit_cluster_ips_is_held(const svckit_cluster_ips *ips,
                                         const svckit_ip *ip,
                                         bool *held_out);

/**
 * Writes all addresses that are held, each once: what `svckit_cluster_ips_restore` takes.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are. NULL with 0 asks for that number.
 */
svckit_status svckit_cluster_ips_held(const svckit_cluster_ips *ips,
                                      svckit_ip *buf,
                                      size_t cap,
                                      size_t *len_out);

/**
 * Takes all of these addresses. `*refused_out` is how many of them could not be taken, because somebody holds them
 * or no range has them.
 */
svckit_status svckit_cluster_ips_restore(svckit_cluster_ips *ips,
                                         const svckit_ip *held,
                                         size_t held_len,
                                         size_t *refused_out);

/**
 * Creates an allocator for a range such as `30000-32767`.
 *
 * A port that is released rests for `quarantine_ns` before it is drawn again for the same protocol, unless nothing
 * else is free; see `SVCKIT_QUARANTINE_NS`. On `SVCKIT_STATUS_OK` the caller owns `*ports_out` and must give it to
 * `svckit_node_ports_free`.
 */
svckit_status svckit_node_ports_new(const uint8_t *range,
                                    size_t range_len,
                                    const svckit_seed *seed,
                                    uint64_t quarantine_ns,
                                    svckit_node_ports **ports_out);

/**
 * Ends an allocator. NULL is fine; so is a poisoned one.
 */
void svckit_node_ports_free(svckit_node_ports *ports);

/**
 * Takes this very port for all of these protocols, or for none.
 *
 * `SVCKIT_STATUS_TAKEN`: somebody holds it for one of them. `SVCKIT_STATUS_OUT_OF_RANGE`: it is not in the range.
 */
svckit_status svckit_node_ports_reserve(svckit_node_ports *ports,
                                        uint16_t port,
                                        uint8_t protocols);

/**
 * Takes any port that is free for all of these protocols, of the dynamic band first.
 *
 * `SVCKIT_STATUS_EXHAUSTED`: there is none.
 */
svckit_status svckit_node_ports_allocate(svckit_node_ports *ports,
                                         uint8_t protocols,
                                         uint64_t now_ns,
                                         uint16_t *port_out);

/**
 * Gives a port back, to rest. `*held_out` are those of the protocols that it was held for; releasing twice is
 * harmless.
 */
svckit_status svckit_node_ports_release(svckit_node_ports *ports,
                                        uint16_t port,
                                        uint8_t protocols,
                                        uint64_t now_ns,
                                        uint8_t *held_out);

/**
 * Gives a port back that nobody has seen, as after a write that failed: it need not rest. `*held_out` are those of
 * the protocols that it was held for.
 */
svckit_status svckit_node_ports_cancel(svckit_node_ports *ports,
                                       uint16_t port,
                                       uint8_t protocols,
                                       uint8_t *held_out);

/**
 * The protocols that somebody holds a port for; 0 for none and for ports outside the range.
 */
svckit_status svckit_node_ports_holds(const svckit_node_ports *ports,
                                      uint16_t port,
                                      uint8_t *held_out);

/**
 * Writes all ports that are held, in order: what `svckit_node_ports_restore` takes.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are. NULL with 0 asks for that number.
 */
svckit_status svckit_node_ports_held(const svckit_node_ports *ports,
                                     svckit_held_port *buf,
                                     size_t cap,
                                     size_t *len_out);

/**
 * Takes all of these ports. `*refused_out` is how many of them could not be taken, because somebody holds them or the
 * range doesn't have them.
 */
svckit_status svckit_node_ports_restore(svckit_node_ports *ports,
                                        const svckit_held_port *held,
                                        size_t held_len,
                                        size_t *refused_out);

/**
 * Works out the figures of a range such as `10.96.0.0/12`.
 *
 * With `bitmap_mode`, only the first 65,536 addresses of an IPv6 range count, as in API servers without the
 * `IPAddress` API. `SVCKIT_STATUS_TOO_LARGE`: else an IPv6 range may be a /64 at most.
 */
svckit_status svckit_address_range_parse(const uint8_t *cidr,
                                         size_t cidr_len,
                                         bool bitmap_mode,
                                         svckit_address_range *range_out);

/**
 * Works out the figures of a range of ports: `30000-32767`, or `30000+2767` for the same.
 */
svckit_status svckit_port_range_parse(const uint8_t *range,
                                      size_t range_len,
                                      svckit_port_range *range_out);

/**
 * Creates a cluster without objects.
 *
 * `settings` are JSON with the keys of a settings file, such as `{"serviceCIDRs": "10.96.0.0/12", "node": "n1"}`;
 * empty for the defaults. On `SVCKIT_STATUS_OK` the caller owns `*cluster_out` and must give it to
 * `svckit_cluster_free`. `SVCKIT_STATUS_REFUSED`: a setting can't be used, and there is no cluster.
 *
 * `findings_out` may be NULL. Else `*findings_out` is set by every call: to NULL when there is nothing to tell, or to
 * what must be given to `svckit_findings_free`.
 */
svckit_status svckit_cluster_new(const uint8_t *settings,
                                 size_t settings_len,
                                 const svckit_seed *seed,
                                 svckit_findings **findings_out,
                                 svckit_cluster **cluster_out);

/**
 * Ends a cluster. NULL is fine; so is a poisoned one. Tables, zones, routes and plans that were taken from it live on.
 */
void svckit_cluster_free(svckit_cluster *cluster);

/**
 * Takes in objects that are new or have changed; the others stay. Costs what these objects cost.
 *
 * `objects` are JSON as the API server sends it: one object, a List, or several documents that follow one another.
 * Kinds: Service, EndpointSlice, Endpoints, Pod, Node, Namespace, Secret, Ingress, IngressClass, Gateway, GatewayClass,
 * HTTPRoute, ReferenceGrant, ServiceCIDR, IPAddress, ReplicationController, ReplicaSet, Deployment, StatefulSet. A
 * namespaced object without a namespace is in `default`.
 * Feed all objects that there are with the first call: after it the cluster counts as complete.
 *
 * `SVCKIT_STATUS_REFUSED`: some objects were refused and changed nothing; the others were taken in.
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the text isn't JSON; nothing happened. Findings as with `svckit_cluster_new`.
 */
svckit_status svckit_cluster_apply(svckit_cluster *cluster,
                                   const uint8_t *objects,
                                   size_t objects_len,
                                   uint64_t now_ns,
                                   svckit_findings **findings_out);

/**
 * Makes the cluster hold these objects and no others. Costs a comparison for each object, and the work for those
 * that differ. Otherwise as `svckit_cluster_apply`.
 *
 * An object that is refused by its rules keeps its earlier form; one that can't be read counts as not there.
 */
svckit_status svckit_cluster_replace(svckit_cluster *cluster,
                                     const uint8_t *objects,
                                     size_t objects_len,
                                     uint64_t now_ns,
                                     svckit_findings **findings_out);

/**
 * Takes an object away; the namespace is empty for kinds that have none.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: there is no such object. `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such kind.
 */
svckit_status svckit_cluster_delete(svckit_cluster *cluster,
                                    const uint8_t *kind,
                                    size_t kind_len,
                                    const uint8_t *namespace_,
                                    size_t namespace_len,
                                    const uint8_t *name,
                                    size_t name_len,
                                    uint64_t now_ns);

/**
 * How many objects the cluster holds, as they were fed.
 */
svckit_status svckit_cluster_len(const svckit_cluster *cluster,
                                 size_t *len_out);

/**
 * Writes one object as JSON: a Service as it was admitted, with addresses and node ports; a Pod with its addresses,
 * those of workloads included; an EndpointSlice of a controller or of your own; other kinds as they were fed.
 *
 * What was written of a Service may be fed to the cluster of a later run: that is how allocations survive a restart.
 * `SVCKIT_STATUS_NOT_FOUND`: there is no such object. `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such kind.
 */
svckit_status svckit_cluster_get(const svckit_cluster *cluster,
                                 const uint8_t *kind,
                                 size_t kind_len,
                                 const uint8_t *namespace_,
                                 size_t namespace_len,
                                 const uint8_t *name,
                                 size_t name_len,
                                 uint8_t *buf,
                                 size_t cap,
                                 size_t *len_out);

/**
 * Writes all objects of a kind, in the order of their namespaces and names, as a JSON list of what
 * `svckit_cluster_get` writes.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such kind.
 */
svckit_status svckit_cluster_list(const svckit_cluster *cluster,
                                  const uint8_t *kind,
                                  size_t kind_len,
                                  uint8_t *buf,
                                  size_t cap,
                                  size_t *len_out);

/**
 * Takes the zone of what the cluster holds now; costs what has changed.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*zone_out` and must give it to `svckit_zone_free`; it lives on when the
 * cluster ends.
 */
svckit_status svckit_cluster_zone(svckit_cluster *cluster,
                                  svckit_zone **zone_out);

/**
 * Ends a zone. NULL is fine; so is a poisoned one.
 */
void svckit_zone_free(svckit_zone *zone);

/**
 * Answers one DNS message.
 *
 * Never fails for what a stranger sent: what can't be read gets FORMERR, what isn't ours REFUSED. `buf` is memory
 * that has been written to before, whatever stands in it; room for less than an answer takes cuts the answer short,
 * as DNS has it. Nothing is allocated.
 */
svckit_status svckit_zone_answer(const svckit_zone *zone,
                                 const uint8_t *message,
                                 size_t message_len,
                                 const svckit_peer *peer,
                                 uint8_t *buf,
                                 size_t cap,
                                 svckit_reply *reply_out);

/**
 * Answers `count` DNS messages: the same as so many calls of `svckit_zone_answer`, for less.
 *
 * `SVCKIT_STATUS_NULL_POINTER`: one of the messages or buffers is missing; those before it have been answered.
 */
svckit_status svckit_zone_answer_many(const svckit_zone *zone,
                                      svckit_query *queries,
                                      size_t count);

/**
 * Writes the name that has to be resolved elsewhere before the reply to a message is whole, without a final dot.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: there is none, because the answer is not `SVCKIT_REPLY_UPSTREAM`.
 */
svckit_status svckit_zone_target(const svckit_zone *zone,
                                 const uint8_t *message,
                                 size_t message_len,
                                 uint8_t *buf,
                                 size_t cap,
                                 size_t *len_out);

/**
 * Answers a message whose reply was left at `SVCKIT_REPLY_UPSTREAM`, with the message that somebody else sent about
 * the target; NULL with 0 when nobody could be asked. Otherwise as `svckit_zone_answer`, with the same `peer`.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: nobody has to be asked for this message.
 */
svckit_status svckit_zone_complete(const svckit_zone *zone,
                                   const uint8_t *message,
                                   size_t message_len,
                                   const svckit_peer *peer,
                                   const uint8_t *upstream,
                                   size_t upstream_len,
                                   uint8_t *buf,
                                   size_t cap,
                                   svckit_reply *reply_out);

/**
 * Answers a message whose answer may lead through several names that are somebody else's, one after the other, as with
 * `autopath`. `replies` are what was said of those so far, in the order in which they were asked for; NULL with 0 stands
 * for nobody. While `action` is `SVCKIT_REPLY_UPSTREAM`, `target` gets the next name to ask for, without a final dot, and
 * `qtype` is the type; add what is said of it and call again. Else the target is empty. Otherwise as
 * `svckit_zone_answer`, with the same `peer` each time.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*target_len_out` is what the target takes; 255 bytes are always enough.
 */
svckit_status svckit_zone_continue(const svckit_zone *zone,
                                   const uint8_t *message,
                                   size_t message_len,
                                   const svckit_peer *peer,
                                   const svckit_text *replies,
                                   size_t replies_len,
                                   uint8_t *buf,
                                   size_t cap,
                                   svckit_reply *reply_out,
                                   uint8_t *target,
                                   size_t target_cap,
                                   size_t *target_len_out);

/**
 * Writes the records that name this server in a zone, those of the Services behind which its addresses stand, as a JSON
 * list of `[owner, type, data]`.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the zone is no name.
 */
svckit_status svckit_zone_nameservers(const svckit_zone *zone,
                                      const uint8_t *name,
                                      size_t name_len,
                                      uint8_t *buf,
                                      size_t cap,
                                      size_t *len_out);

/**
 * Answers a message that asks for a whole zone (AXFR, or IXFR with the serial that the client has): writes all
 * messages of the transfer, each behind its length in two octets, as they go over TCP.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: the zone isn't served here, or the message asks for something else.
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how long they are. It is up to the caller who may ask.
 */
svckit_status svckit_zone_transfer(const svckit_zone *zone,
                                   const uint8_t *message,
                                   size_t message_len,
                                   uint8_t *buf,
                                   size_t cap,
                                   size_t *len_out);

/**
 * Ends findings. NULL is fine: it is what calls give that have found nothing.
 */
void svckit_findings_free(svckit_findings *findings);

/**
 * How many there are; 0 for NULL.
 */
size_t svckit_findings_len(const svckit_findings *findings);

/**
 * One of them, from 0.
 *
 * `SVCKIT_STATUS_OUT_OF_RANGE`: there are not so many.
 */
svckit_status svckit_findings_get(const svckit_findings *findings,
                                  size_t number,
                                  svckit_finding *finding_out);

/**
 * What the node does with the first packet of a connection, and why. The port of who connects doesn't matter.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*trace_out` and must give it to `svckit_trace_free`.
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: port 0, or no protocol.
 */
svckit_status svckit_cluster_trace(const svckit_cluster *cluster,
                                   const svckit_flow *flow,
                                   svckit_trace **trace_out);

/**
 * Ends a trace. NULL is fine.
 */
void svckit_trace_free(svckit_trace *trace);

/**
 * What becomes of the packet.
 */
svckit_status svckit_trace_decision(const svckit_trace *trace,
                                    svckit_decision *decision_out);

/**
 * Writes where it may go.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many endpoints there are.
 */
svckit_status svckit_trace_endpoints(const svckit_trace *trace,
                                     svckit_endpoint *buf,
                                     size_t cap,
                                     size_t *len_out);

/**
 * One of the steps that led there, from 0, for people: `cluster IP of shop/cart:http`.
 *
 * `SVCKIT_STATUS_OUT_OF_RANGE`: there are not so many.
 */
svckit_status svckit_trace_step(const svckit_trace *trace,
                                size_t number,
                                svckit_text *step_out);

/**
 * Creates Gateways without objects.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*gateways_out` and must give it to `svckit_gateways_free`.
 */
svckit_status svckit_gateways_new(const svckit_seed *seed,
                                  svckit_gateways **gateways_out);

/**
 * Ends Gateways. NULL is fine; so are poisoned ones.
 */
void svckit_gateways_free(svckit_gateways *gateways);

/**
 * Takes in objects that are new or have changed: Gateways, HTTPRoutes, ReferenceGrants, and Services that have their
 * addresses. Other kinds are passed over.
 *
 * `SVCKIT_STATUS_REFUSED`: some objects can't be read and change nothing; the findings say which. `findings_out` may
 * be NULL; else `*findings_out` is set by every call.
 */
svckit_status svckit_gateways_apply(svckit_gateways *gateways,
                                    const uint8_t *objects,
                                    size_t objects_len,
                                    svckit_findings **findings_out);

/**
 * Takes an object away. What isn't there is no failure.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the kind has nothing to do with Gateways.
 */
svckit_status svckit_gateways_delete(svckit_gateways *gateways,
                                     const uint8_t *kind,
                                     size_t kind_len,
                                     const uint8_t *namespace_,
                                     size_t namespace_len,
                                     const uint8_t *name,
                                     size_t name_len);

/**
 * Takes the routes of what there is now.
 *
 * Findings are what is wrong with routes, none of which keeps another one out; `findings_out` may be NULL, else
 * `*findings_out` is set by every call. On `SVCKIT_STATUS_OK` the caller owns `*routes_out` and must give it to
 * `svckit_gateway_routes_free`.
 */
svckit_status svckit_gateways_routes(svckit_gateways *gateways,
                                     svckit_findings **findings_out,
                                     svckit_gateway_routes **routes_out);

/**
 * Takes the routes of the Gateways that a cluster holds; otherwise as `svckit_gateways_routes`.
 */
svckit_status svckit_cluster_gateway_routes(svckit_cluster *cluster,
                                            svckit_findings **findings_out,
                                            svckit_gateway_routes **routes_out);

/**
 * Ends routes. NULL is fine; so are poisoned ones.
 */
void svckit_gateway_routes_free(svckit_gateway_routes *routes);

/**
 * What to do with a request that comes to a port of a Gateway.
 *
 * `server_name` is the name that the client asked for in its TLS handshake, in lower case; empty without TLS. `changes`
 * gets the changes to headers, in the order in which they are to be made; `buf` a text that depends on the action: the
 * path for the pod, the value of `Location`, or why the request is refused. Both have the capacity that is said, and
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL` tells what both take. The texts of `*answer_out` and of the changes live as long as
 * the routes.
 */
svckit_status svckit_gateway_routes_answer(const svckit_gateway_routes *routes,
                                           const uint8_t *namespace_,
                                           size_t namespace_len,
                                           const uint8_t *name,
                                           size_t name_len,
                                           uint16_t port,
                                           const svckit_request *request,
                                           svckit_text server_name,
                                           svckit_gateway_answer *answer_out,
                                           svckit_header_change *changes,
                                           size_t changes_cap,
                                           size_t *changes_len_out,
                                           uint8_t *buf,
                                           size_t cap,
                                           size_t *len_out);

/**
 * Takes the routes of what the cluster holds now; costs what has changed.
 *
 * Findings are what is wrong with Ingresses, none of which keeps another one out; `findings_out` may be NULL, else
 * `*findings_out` is set by every call, to NULL when there is nothing to tell. They never make the call fail. On
 * `SVCKIT_STATUS_OK` the caller owns `*routes_out` and must give it to `svckit_routes_free`; it lives on when the
 * cluster ends.
 */
svckit_status svckit_cluster_routes(svckit_cluster *cluster,
                                    svckit_findings **findings_out,
                                    svckit_routes **routes_out);

/**
 * Ends routes. NULL is fine; so are poisoned ones.
 */
void svckit_routes_free(svckit_routes *routes);

/**
 * How many routes there are.
 */
svckit_status svckit_routes_len(const svckit_routes *routes,
                                size_t *len_out);

/**
 * What to do with a request, options and all.
 *
 * What can't be read in one way only is refused with 400: two hosts, bad paths, bytes that can't stand there. `buf`
 * gets a text that depends on the action: the path for the pod, the value of `Location`, or why the request is
 * refused. The texts of `*answer_out` live as long as the routes; `cors_origin` may also be the request's own. Costs a
 * few hash probes; allocates only for what has to be rewritten.
 */
svckit_status svckit_routes_answer(const svckit_routes *routes,
                                   const svckit_request *request,
                                   svckit_answer *answer_out,
                                   uint8_t *buf,
                                   size_t cap,
                                   size_t *len_out);

/**
 * Writes who takes a request and who else might have, as JSON for people:
 * `{"outcome": "route", "candidates": [{"host": …, "path": …, "pathType": …, "ingress": "shop/web", "verdict": "takes"}]}`.
 *
 * `outcome` is `route`, `default`, `none`, or `refused` for what can't be read in one way only. A host is empty when it
 * stands for all. The first candidate of a route takes the request; the verdicts of others are `less-specific`,
 * `shadowed`, `other-host` and `no-match`. Costs all routes of the hosts that fit.
 */
svckit_status svckit_routes_explain(const svckit_routes *routes,
                                    const svckit_request *request,
                                    uint8_t *buf,
                                    size_t cap,
                                    size_t *len_out);

/**
 * Reads an address such as `10.96.0.1` or `fd00::1`.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the text is no address.
 */
svckit_status svckit_ip_parse(const uint8_t *text_utf8,
                              size_t text_len,
                              svckit_ip *ip_out);

/**
 * Writes an address as text, without a closing NUL; 39 bytes are always enough.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is the capacity it takes.
 */
svckit_status svckit_ip_print(const svckit_ip *ip,
                              uint8_t *buf,
                              size_t cap,
                              size_t *len_out);

/**
 * Creates names without objects.
 *
 * `options` are JSON, all of it optional: `zones` (the cluster's domain first; default `["cluster.local"]`),
 * `multiclusterZones`, `externalZones`, `fallthrough`, `hostSearch` and `namespaces` are lists; `serverAddresses` is a
 * list of addresses; `ttl`, `negativeTTL` and `externalTTL` are seconds; `udpCeiling` octets; `pods` is `disabled`,
 * `insecure` or `verified`, `pointers` `all`, `one` or `hostname`, `mode` `strict` or `coredns`; `endpointPodNames`,
 * `ignoreEmptyService`, `zonal`, `minimal`, `autopath` and `externalHeadless` are true or false; `apexLabel` and
 * `searchZone` are texts.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*names_out` and must give it to `svckit_names_free`.
 * `SVCKIT_STATUS_REFUSED`: an option can't be used. `findings_out` may be NULL; else `*findings_out` is set by every
 * call.
 */
svckit_status svckit_names_new(const uint8_t *options,
                               size_t options_len,
                               const svckit_seed *seed,
                               svckit_findings **findings_out,
                               svckit_names **names_out);

/**
 * Ends names. NULL is fine; so are poisoned ones.
 */
void svckit_names_free(svckit_names *names);

/**
 * Takes in objects that are new or have changed: Services that have their addresses, EndpointSlices, Pods, Namespaces,
 * and ServiceImports of `multicluster.x-k8s.io`, whose slices have the label `multicluster.kubernetes.io/source-cluster`.
 * Others have no names and are passed over.
 *
 * `SVCKIT_STATUS_REFUSED`: some objects can't be read and change nothing; the findings say which.
 */
svckit_status svckit_names_apply(svckit_names *names,
                                 const uint8_t *objects,
                                 size_t objects_len,
                                 svckit_findings **findings_out);

/**
 * Takes an object away; the namespace is empty for kinds that have none. What isn't there is no failure.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: nothing of this kind has names.
 */
svckit_status svckit_names_delete(svckit_names *names,
                                  const uint8_t *kind,
                                  size_t kind_len,
                                  const uint8_t *namespace_,
                                  size_t namespace_len,
                                  const uint8_t *name,
                                  size_t name_len);

/**
 * Says that everything there is has been told once: until then missing names answer SERVFAIL.
 */
svckit_status svckit_names_sync(svckit_names *names);

/**
 * Sets the serials that the next change counts on from.
 */
svckit_status svckit_names_set_serials(svckit_names *names,
                                       const svckit_serials *serials);

/**
 * Takes the zone of what the names are now; costs what has changed. The caller owns it as with `svckit_cluster_zone`.
 */
svckit_status svckit_names_zone(svckit_names *names,
                                svckit_zone **zone_out);

/**
 * The serials of a zone.
 */
svckit_status svckit_zone_serials(const svckit_zone *zone,
                                  svckit_serials *serials_out);

/**
 * Takes the steps that the kernel of the node lacks.
 *
 * `*plan_out` is NULL when nothing is left to do; else the caller owns it and must give it to `svckit_plan_free`. The
 * first plan is full, because nobody knows what an earlier run has left behind. Carry a plan out as a whole, then call
 * `svckit_cluster_commit`; what was not committed is planned again. If a plan fails, call `svckit_cluster_reset`.
 */
svckit_status svckit_cluster_plan(svckit_cluster *cluster,
                                  svckit_plan **plan_out);

/**
 * The same as messages for a netlink socket (`NETLINK_NETFILTER`), without the nft program; `svckit_plan_netlink` has
 * them. `tables` are `SVCKIT_TABLES_*` of those that are there, added: a full plan takes their place in one
 * transaction. With 0 none may be there, and a large one comes in several transactions, of which the last one takes
 * effect.
 */
svckit_status svckit_cluster_plan_netlink(svckit_cluster *cluster,
                                          uint8_t tables,
                                          svckit_plan **plan_out);

/**
 * Says that all steps of a plan are in place.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: a later plan was taken since, or none; what it brings is planned again.
 */
svckit_status svckit_cluster_commit(svckit_cluster *cluster,
                                    uint64_t generation);

/**
 * Says that what the kernel holds is no longer known, as after a plan that failed: the next plan is a full one.
 */
svckit_status svckit_cluster_reset(svckit_cluster *cluster);

/**
 * Writes everything that the node forwards, as input for other programs: `nft` for `nft -f -`, `iptables` for
 * `iptables-restore --noflush`, `ip6tables` for `ip6tables-restore --noflush`, `ipvs` for `ipvsadm --restore`, `ipset`
 * for `ipset restore -exist`, and `ipvs-addresses`, one a line, for the dummy device of IPVS; `ipvs6`, `ipset6` and
 * `ipvs6-addresses` for IPv6.
 *
 * Equal states give equal texts. The text is made anew by each call, so guess the size well: 300 bytes an endpoint.
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such form.
 */
svckit_status svckit_cluster_render(const svckit_cluster *cluster,
                                    const uint8_t *form,
                                    size_t form_len,
                                    uint8_t *buf,
                                    size_t cap,
                                    size_t *len_out);

/**
 * Ends a plan. NULL is fine.
 */
void svckit_plan_free(svckit_plan *plan);

/**
 * What the plan is.
 */
svckit_status svckit_plan_describe(const svckit_plan *plan,
                                   svckit_plan_info *info_out);

/**
 * Writes the plan as input for `nft -f -`: one transaction, all or nothing.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how long the text is. NULL with 0 asks for that.
 * `SVCKIT_STATUS_NOT_FOUND`: the plan was taken as messages.
 */
svckit_status svckit_plan_nft(const svckit_plan *plan,
                              uint8_t *buf,
                              size_t cap,
                              size_t *len_out);

/**
 * Writes one transaction of a plan that was taken as messages, from 0: send it as one datagram, and read the kernel's
 * answers before the next one.
 *
 * `SVCKIT_STATUS_OUT_OF_RANGE`: there are not so many. `SVCKIT_STATUS_NOT_FOUND`: the plan was taken as text.
 */
svckit_status svckit_plan_netlink(const svckit_plan *plan,
                                  size_t number,
                                  uint8_t *buf,
                                  size_t cap,
                                  size_t *len_out);

/**
 * Answers a question that needs no handle, for callers that ask seldom: `input` and the answer are JSON.
 *
 * - `service-families`, what an API server fills into a new Service:
 *   `{"families": ["IPv4", "IPv6"], "service": {…}}` → `{"service": {…}, "errors": []}`.
 * - `topology`, which endpoints a node may use for a service port: `{"node": "n1", "zone": "a", "nodeHints": true,
 *   "internal": "Cluster", "external": "Local", "exposed": true, "endpoints": [{"addr": "10.1.2.3:80", "local": false,
 *   "ready": true, "serving": true, "terminating": false, "zoneHints": [], "nodeHints": []}]}` → `{"cluster": […],
 *   "local": […], "reachable": […], "hasAny": true, "hints": "zone"}`.
 * - `nginx-uri`, what nginx matches: `{"target": "//a/../b"}` → `{"uri": "/b"}`, or `{"uri": null}` for 400.
 * - `selector`: one of `{"selector": "a=b"}`, `{"labelSelector": {…}}`, `{"set": {"a": "b"}}` and
 *   `{"requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}`, with `"add": [requirement]`,
 *   `"labels": {"a": "b"}` and `"exact": "a"` if you like; `"compat": true` reads texts as the reference does,
 *   `"checked": true` checks a set's pairs → `{"errors": [], "text": "a=b", "requirements": […], "nothing": false,
 *   "everything": false, "matches": true, "exact": "b"}`.
 * - `selector-tokens`: `{"text": "a in (b)"}` → `{"tokens": [{"kind": "Identifier", "text": "a"}, …], "operator": false}`;
 *   `operator` says whether the whole text is one.
 * - `requirement`: a requirement → `{"errors": [], "text": "a in (b)", "values": ["b"]}`; `"with": {…}` is another one,
 *   and `"equal"` says whether they are the same.
 * - `labels`: `{"labels": {"a": "b"}, "other": {"a": "c"}}` → `{"text": "a=b", "conflicts": true, "merged": {"a": "c"},
 *   "errors": {"keys": 0, "values": 0}}`. `labels-parse`: `{"text": "a=b"}` → `{"labels": {"a": "b"}}`, or null in place
 *   of the map. `label-selector`: `{"labelSelector": {…}}` → `{"map": {…}, "valid": true, "errors": []}`; `map` is as
 *   much of it as equals a map.
 * - `dns-shape`, what the labels left of a cluster's domain mean: `{"name": "_http._tcp.web.shop.svc",
 *   "multicluster": false, "zonal": false}` → `{"kind": "svc", "namespace": "shop", "service": "web", "port": "http",
 *   "protocol": "tcp"}`, or null.
 * - `dns-endpoint-label`: `{"ip": "10.1.2.3", "hostname": "", "pod": "", "podNames": false}` → `{"label": "10-1-2-3"}`.
 *   `dns-etcd-labels`: `{"ip": "10.0.0.1"}` → `{"kube2sky": …, "kubeDNS": …}`.
 * - `dns-walk`, a search list walked on a client's behalf: `{"name": "a.x.example.", "search": ["x.example.", ""],
 *   "answers": {"a.x.example.": "<message in hexadecimal>"}}` → `{"tries": […], "found": true, "answer": [[owner, ttl,
 *   type, data]]}`, or null for what is no search.
 * - `resolv-conf`: one of `{"text": "…"}`, `{"policy": "ClusterFirst", "hostNetwork": false}`,
 *   `{"conf": conf, "merge": conf}` and `{"conf": conf, "limit": "now"}` (or `"legacy"`), where `conf` is
 *   `{"nameservers": […], "searches": […], "options": […]}` → `conf`, `{"base": "cluster"}`, `conf`, and
 *   `{"conf": conf, "cut": false}`; null for what can't be read.
 *
 * Errors are `{"kind": "Invalid", "path": "spec.ipFamilies[0]", "message": …}`.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: there is no such question. `SVCKIT_STATUS_INVALID_ARGUMENT`: its input can't be read.
 */
svckit_status svckit_question_answer(const uint8_t *question,
                                     size_t question_len,
                                     const uint8_t *input,
                                     size_t input_len,
                                     uint8_t *buf,
                                     size_t cap,
                                     size_t *len_out);

/**
 * Puts labels together; of two with one key, the later counts. They are taken as they are.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*labels_out` and must give it to `svckit_labels_free`.
 */
svckit_status svckit_labels_new(const svckit_label *labels,
                                size_t count,
                                svckit_labels **labels_out);

/**
 * Ends labels. NULL is fine.
 */
void svckit_labels_free(svckit_labels *labels);

/**
 * Reads a selector such as `app=web,tier in (front,back),!beta`. The empty text matches everything.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the text is no selector; the findings say where. `findings_out` may be NULL. Else
 * `*findings_out` is set by every call. On `SVCKIT_STATUS_OK` the caller owns `*selector_out` and must give it to
 * `svckit_selector_free`.
 */
svckit_status svckit_selector_parse(const uint8_t *selector,
                                    size_t selector_len,
                                    svckit_findings **findings_out,
                                    svckit_selector **selector_out);

/**
 * Reads a LabelSelector: `{"matchLabels": {…}, "matchExpressions": […]}`. An empty text stands for no selector at all,
 * which matches nothing; `{}` matches everything. Otherwise as `svckit_selector_parse`.
 */
svckit_status svckit_selector_from_json(const uint8_t *selector,
                                        size_t selector_len,
                                        svckit_findings **findings_out,
                                        svckit_selector **selector_out);

/**
 * Ends a selector. NULL is fine.
 */
void svckit_selector_free(svckit_selector *selector);

/**
 * Whether labels are what the selector asks for.
 */
svckit_status svckit_selector_matches(const svckit_selector *selector,
                                      const svckit_labels *labels,
                                      bool *matches_out);

/**
 * Writes the selector in its canonical form, which can be read again.
 */
svckit_status svckit_selector_print(const svckit_selector *selector,
                                    uint8_t *buf,
                                    size_t cap,
                                    size_t *len_out);

/**
 * Creates an index without selectors.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*index_out` and must give it to `svckit_selector_index_free`.
 */
svckit_status svckit_selector_index_new(const svckit_seed *seed,
                                        svckit_selector_index **index_out);

/**
 * Ends an index. NULL is fine; so is a poisoned one.
 */
void svckit_selector_index_free(svckit_selector_index *index);

/**
 * Puts a selector in, in place of the one that was under this number. The selector may be freed afterwards.
 */
svckit_status svckit_selector_index_insert(svckit_selector_index *index,
                                           uint64_t number,
                                           const svckit_selector *selector);

/**
 * Takes the selector under this number away, if there is one.
 */
svckit_status svckit_selector_index_remove(svckit_selector_index *index,
                                           uint64_t number);

/**
 * Writes the numbers of the selectors that labels match, in order. Costs what matches, however many selectors there
 * are.
 *
 * `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are.
 */
svckit_status svckit_selector_index_matching(const svckit_selector_index *index,
                                             const svckit_labels *labels,
                                             uint64_t *buf,
                                             size_t cap,
                                             size_t *len_out);

/**
 * Creates names without records.
 *
 * `options` are JSON: `zones` and `fallthrough` are lists of names; `prefix` is what all keys start with (default
 * `/skydns`); `ttl`, `negativeTTL`, `priority` and `udpCeiling` are numbers; `shallow` is true or false; `mode` is
 * `strict` or `coredns`; `serverAddresses` is a list of addresses. On `SVCKIT_STATUS_OK` the caller owns
 * `*skydns_out` and must give it to `svckit_skydns_free`. `SVCKIT_STATUS_INVALID_ARGUMENT`: an option can't be used.
 */
svckit_status svckit_skydns_new(const uint8_t *options,
                                size_t options_len,
                                svckit_skydns **skydns_out);

/**
 * Ends names. NULL is fine; so are poisoned ones.
 */
void svckit_skydns_free(svckit_skydns *skydns);

/**
 * Puts a record under a key such as `/skydns/local/cluster/svc/shop/web`, in place of what was there. `value` is its
 * JSON, such as `{"host": "10.0.0.1", "port": 80}`; `lease_seconds` is what its lease has left, 0 for none.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the value can't be read. `SVCKIT_STATUS_OUT_OF_RANGE`: the key is no name's.
 */
svckit_status svckit_skydns_put(svckit_skydns *skydns,
                                const uint8_t *key,
                                size_t key_len,
                                const uint8_t *value,
                                size_t value_len,
                                uint32_t lease_seconds);

/**
 * Takes the record under a key away. `SVCKIT_STATUS_NOT_FOUND`: there is none.
 */
svckit_status svckit_skydns_remove(svckit_skydns *skydns,
                                   const uint8_t *key,
                                   size_t key_len);

/**
 * Says that all records have been put once: until then missing names answer SERVFAIL.
 */
svckit_status svckit_skydns_sync(svckit_skydns *skydns);

/**
 * Answers one DNS message, as `svckit_zone_answer`. Names that lead elsewhere are not followed: the alias is the
 * answer.
 */
svckit_status svckit_skydns_answer(const svckit_skydns *skydns,
                                   const uint8_t *message,
                                   size_t message_len,
                                   const svckit_peer *peer,
                                   uint8_t *buf,
                                   size_t cap,
                                   svckit_reply *reply_out);

/**
 * Creates a controller that knows nothing.
 *
 * `options` are JSON, all of it optional: `maxEndpoints` (100) is how many endpoints a slice gets, `requireNodes`
 * leaves pods out whose node is unknown, `repack` moves endpoints together whenever they fit into fewer slices. On
 * `SVCKIT_STATUS_OK` the caller owns `*slices_out` and must give it to `svckit_slices_free`.
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: an option can't be used.
 */
svckit_status svckit_slices_new(const uint8_t *options,
                                size_t options_len,
                                const svckit_seed *seed,
                                svckit_slices **slices_out);

/**
 * Ends a controller. NULL is fine; so is a poisoned one.
 */
void svckit_slices_free(svckit_slices *slices);

/**
 * Takes in objects that are new or have changed: Services, Pods and Nodes. An EndpointSlice is one that an earlier run
 * has written: feed those before anything is taken. Other kinds are passed over. Costs what the objects touch.
 *
 * `SVCKIT_STATUS_REFUSED`: some objects can't be read and change nothing; the findings say which. `findings_out` may
 * be NULL; else `*findings_out` is set by every call.
 */
svckit_status svckit_slices_apply(svckit_slices *slices,
                                  const uint8_t *json,
                                  size_t json_len,
                                  svckit_findings **findings_out);

/**
 * Takes an object away; the namespace is empty for a Node. What isn't there is no failure.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: the kind has nothing to do with slices.
 */
svckit_status svckit_slices_delete(svckit_slices *slices,
                                   const uint8_t *kind,
                                   size_t kind_len,
                                   const uint8_t *namespace_,
                                   size_t namespace_len,
                                   const uint8_t *name,
                                   size_t name_len);

/**
 * Takes the writes that bring all touched Services to what they should have, as a JSON list in their order:
 * `{"write": "create", "slice": {…}}`, `update` likewise, `{"write": "delete", "namespace": …, "name": …}`.
 *
 * What was taken is not told again. `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how long the list is, and nothing
 * was taken. Costs O(n log n) in the endpoints of the touched Services.
 */
svckit_status svckit_slices_take(svckit_slices *slices,
                                 uint8_t *buf,
                                 size_t cap,
                                 size_t *len_out);

/**
 * Writes all slices as a JSON list, those of writes that nobody has taken yet left out.
 */
svckit_status svckit_slices_list(const svckit_slices *slices,
                                 uint8_t *buf,
                                 size_t cap,
                                 size_t *len_out);

/**
 * What a status means, in English: lower case, no full stop, closed by a NUL.
 *
 * Never NULL, even for numbers of later versions. The text lives as long as the process; do not free it.
 */
const char *svckit_status_text(int32_t status);

/**
 * Takes the table of what the cluster holds now.
 *
 * Costs what has changed since the last one. On `SVCKIT_STATUS_OK` the caller owns `*table_out` and must give it to
 * `svckit_table_free`; it lives on when the cluster ends.
 */
svckit_status svckit_cluster_table(svckit_cluster *cluster,
                                   svckit_table **table_out);

/**
 * How connections to a Service are balanced, in tables that are taken from now on: `round-robin` (the default),
 * `random`, `least-connections`, `two-choices`, `maglev` or `rendezvous`. Session affinity comes before it.
 *
 * `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such way. The Service need not be there yet.
 */
svckit_status svckit_cluster_balance(svckit_cluster *cluster,
                                     const uint8_t *namespace_,
                                     size_t namespace_len,
                                     const uint8_t *name,
                                     size_t name_len,
                                     const uint8_t *method,
                                     size_t method_len);

/**
 * Ends a table. NULL is fine; so is a poisoned one.
 */
void svckit_table_free(svckit_table *table);

/**
 * Where a connection goes. Session affinity is not asked; see `svckit_affinity_pick`.
 *
 * `entropy` is a random number, a new one for each call. O(1), nobody waits, and nothing is allocated unless the
 * service port has session affinity. What `*pick_out` holds tells every outcome; the status is `SVCKIT_STATUS_OK` for
 * each of them.
 */
svckit_status svckit_table_pick(const svckit_table *table,
                                const svckit_flow *flow,
                                uint64_t entropy,
                                svckit_pick *pick_out);

/**
 * Where `count` connections go: as so many calls of `svckit_table_pick`, at a fraction of the price, because their
 * waits for memory run side by side.
 *
 * `picks` has room for `count` picks. One random number is enough for all of them. A client that is in the batch
 * several times, at a service port with session affinity, is sent to one endpoint.
 */
svckit_status svckit_table_pick_many(const svckit_table *table,
                                     const svckit_flow *flows,
                                     size_t count,
                                     uint64_t entropy,
                                     svckit_pick *picks);

/**
 * Writes the endpoints that a connection may reach, in the order in which round robin visits them.
 *
 * `*outcome_out` is what the table says of the connection, and written whenever there is a list: no endpoint unless
 * it is `SVCKIT_OUTCOME_BACKEND`. `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are.
 */
svckit_status svckit_table_endpoints(const svckit_table *table,
                                     const svckit_flow *flow,
                                     uint8_t *outcome_out,
                                     svckit_endpoint *buf,
                                     size_t cap,
                                     size_t *len_out);

/**
 * Where a connection to a service port goes, by name: as one to its cluster IP. `port` is empty for a Service's only
 * port; `protocol` is one of `SVCKIT_PROTOCOLS_*`. Otherwise as `svckit_table_pick`.
 */
svckit_status svckit_table_pick_by_name(const svckit_table *table,
                                        const uint8_t *namespace_,
                                        size_t namespace_len,
                                        const uint8_t *name,
                                        size_t name_len,
                                        const uint8_t *port,
                                        size_t port_len,
                                        uint8_t protocol,
                                        const svckit_endpoint *source,
                                        uint64_t entropy,
                                        svckit_pick *pick_out);

/**
 * Which service port a number in a pick stands for. The texts live as long as the table.
 *
 * `SVCKIT_STATUS_NOT_FOUND`: none of this table.
 */
svckit_status svckit_table_service_port(const svckit_table *table,
                                        uint32_t service_port,
                                        svckit_service_port *name_out);

/**
 * Counts the states of a cluster: two tables of one number are the same.
 */
svckit_status svckit_table_generation(const svckit_table *table,
                                      uint64_t *generation_out);

/**
 * Creates a memory for at most `limit` clients; the one idle longest makes room.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*affinity_out` and must give it to `svckit_affinity_free`.
 */
svckit_status svckit_affinity_new(size_t limit,
                                  const svckit_seed *seed,
                                  svckit_affinity **affinity_out);

/**
 * Ends a memory. NULL is fine; so is a poisoned one.
 */
void svckit_affinity_free(svckit_affinity *affinity);

/**
 * How many clients are remembered.
 */
svckit_status svckit_affinity_len(const svckit_affinity *affinity,
                                  uint64_t now_ns,
                                  size_t *len_out);

/**
 * Where a connection goes: to the endpoint that its client is remembered with, or else one by the Service's method,
 * which is then remembered. Otherwise as `svckit_table_pick`.
 */
svckit_status svckit_affinity_pick(svckit_affinity *affinity,
                                   const svckit_table *table,
                                   const svckit_flow *flow,
                                   uint64_t now_ns,
                                   uint64_t entropy,
                                   svckit_pick *pick_out);

/**
 * Where `count` connections go: the same as so many calls of `svckit_affinity_pick`, for less.
 */
svckit_status svckit_affinity_pick_many(svckit_affinity *affinity,
                                        const svckit_table *table,
                                        const svckit_flow *flows,
                                        size_t count,
                                        uint64_t now_ns,
                                        uint64_t entropy,
                                        svckit_pick *picks);

/**
 * Counts a connection that a pick has led to; `endpoint` is that of the pick, and `flow` what was picked for.
 *
 * On `SVCKIT_STATUS_OK` the caller owns `*connection_out` and must give it to `svckit_connection_free` when the
 * connection ends; later tables count it too, as long as they have the endpoint. `SVCKIT_STATUS_NOT_FOUND`: there is
 * no such endpoint, or the Service's method doesn't count; then nothing has to be done.
 */
svckit_status svckit_table_connect(const svckit_table *table,
                                   const svckit_flow *flow,
                                   uint32_t endpoint,
                                   svckit_connection **connection_out);

/**
 * How many connections are open to an endpoint; otherwise as `svckit_table_connect`.
 */
svckit_status svckit_table_connections(const svckit_table *table,
                                       const svckit_flow *flow,
                                       uint32_t endpoint,
                                       uint32_t *count_out);

/**
 * Notes how long the endpoint took to answer on this connection.
 */
svckit_status svckit_connection_observe(const svckit_connection *connection,
                                        uint64_t took_ns,
                                        uint64_t now_ns);

/**
 * The connection has ended. NULL is fine.
 */
void svckit_connection_free(svckit_connection *connection);

/**
 * The version that this program runs with, in the form of `SVCKIT_VERSION`, which is the one it was compiled with.
 */
uint32_t svckit_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SVCKIT_H */
