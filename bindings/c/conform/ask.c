/*
 * Answers questions about the library, one a line, in JSON: what the tests of vectors talk to, so that one runner drives
 * the C face and the Go face. `{"call": "syntax", "form": "port-name", "value": "http"}` is answered with
 * `{"status": 0, "findings": []}`. What was made last (a cluster, names, Gateways) is what later questions are about.
 *
 * Every call of svckit.h that the answer takes stands in one function here; nothing is decided.
 */
#include "ask.h"

/* A range of addresses in bitmap mode. */
static void address_range(const char *line, out *to) {
  text cidr = text_of(line, "value");
  svckit_address_range range;
  svckit_status status = svckit_address_range_parse(SPAN(cidr), true, &range);
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    print(to, ",\"numbers\":{\"usable\":%llu,\"static\":%llu},\"addresses\":{", (unsigned long long)range.usable,
          (unsigned long long)range.static_len);
    const struct {
      const char *name;
      const svckit_ip *ip;
    } ends[] = {{"network", &range.network},           {"broadcast", &range.broadcast},
                {"staticFirst", &range.static_first},  {"staticLast", &range.static_last},
                {"dynamicFirst", &range.dynamic_first}, {"dynamicLast", &range.dynamic_last}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
      print(to, "%s\"%s\":\"", i ? "," : "", ends[i].name);
      address(to, ends[i].ip);
      print(to, "\"");
    }
    print(to, "}");
  }
  free(cidr.data);
}

static void port_range(const char *line, out *to) {
  text given = text_of(line, "value");
  svckit_port_range range = {0};
  answer(to, svckit_port_range_parse(SPAN(given), &range));
  print(to,
        ",\"numbers\":{\"size\":%u,\"static\":%u,\"first\":%u,\"last\":%u,\"staticFirst\":%u,\"staticLast\":%u,"
        "\"dynamicFirst\":%u,\"dynamicLast\":%u}",
        range.size, range.static_len, range.first, range.last, range.static_first, range.static_last,
        range.dynamic_first, range.dynamic_last);
  free(given.data);
}

/* Draws from a range until there are enough, or nothing is left. */
static void draw_addresses(const char *line, out *to) {
  text cidr = text_of(line, "value");
  svckit_seed seed = {{1, 2, 3, 4}};
  svckit_cluster_ips *ips = NULL;
  CHECK(svckit_cluster_ips_new(&seed, 0, &ips) == SVCKIT_STATUS_OK);
  svckit_status status = svckit_cluster_ips_add(ips, SPAN(cidr));
  bool v6 = cidr.data && strchr(cidr.data, ':');
  print(to, "{\"endpoints\":[");
  uint64_t wanted = json_number(json_get(line, "cap"));
  for (uint64_t n = 0; status == SVCKIT_STATUS_OK && n < wanted; n++) {
    svckit_ip ip;
    status = svckit_cluster_ips_allocate(ips, v6 ? 6 : 4, 0, &ip);
    if (status == SVCKIT_STATUS_OK) {
      print(to, n ? ",\"" : "\"");
      address(to, &ip);
      print(to, "\"");
    }
  }
  print(to, "],\"status\":%d", (int)status);
  svckit_cluster_ips_free(ips);
  free(cidr.data);
}

static void draw_ports(const char *line, out *to) {
  text given = text_of(line, "value");
  svckit_seed seed = {{1, 2, 3, 4}};
  svckit_node_ports *ports = NULL;
  svckit_status status = svckit_node_ports_new(SPAN(given), &seed, 0, &ports);
  print(to, "{\"counts\":[");
  uint64_t wanted = json_number(json_get(line, "cap"));
  for (uint64_t n = 0; status == SVCKIT_STATUS_OK && n < wanted; n++) {
    uint16_t port;
    status = svckit_node_ports_allocate(ports, SVCKIT_PROTOCOLS_TCP, 0, &port);
    if (status == SVCKIT_STATUS_OK) {
      print(to, "%s%u", n ? "," : "", port);
    }
  }
  print(to, "],\"status\":%d", (int)status);
  svckit_node_ports_free(ports);
  free(given.data);
}

static void syntax(const char *line, out *to) {
  text form = text_of(line, "form"), value = text_of(line, "value");
  svckit_findings *findings = NULL;
  svckit_status status = svckit_syntax_check(SPAN(form), SPAN(value), &findings);
  findings_of(to, status, findings);
  free(form.data);
  free(value.data);
}

static void validate(const char *line, out *to) {
  text gates = text_of(line, "gates");
  svckit_findings *findings = NULL;
  svckit_status status = svckit_object_validate(JSON(line, "object"), JSON(line, "old"), SPAN(gates), &findings);
  findings_of(to, status, findings);
  free(gates.data);
}

static void validate_status(const char *line, out *to) {
  svckit_findings *findings = NULL;
  svckit_status status =
      svckit_object_validate_status(JSON(line, "object"), JSON(line, "old"), NULL, 0, &findings);
  findings_of(to, status, findings);
}

static void question(const char *line, out *to) {
  text form = text_of(line, "form");
  size_t length = 0;
  svckit_status status;
  do {
    status = svckit_question_answer(SPAN(form), JSON(line, "input"), room.data, room.cap, &length);
  } while (status == SVCKIT_STATUS_BUFFER_TOO_SMALL && grow(length));
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    print(to, ",\"answer\":");
    bytes(to, room.data, length);
  }
  free(form.data);
}

static svckit_cluster *cluster = NULL;
static svckit_routes *routes = NULL;

static void make_cluster(const char *line, out *to) {
  svckit_seed seed = {{1, 2, 3, 4}};
  svckit_findings *findings = NULL;
  svckit_cluster_free(cluster);
  svckit_routes_free(routes);
  cluster = NULL;
  routes = NULL;
  svckit_status status = svckit_cluster_new(JSON(line, "settings"), &seed, &findings, &cluster);
  if (status == SVCKIT_STATUS_OK) {
    svckit_findings_free(findings);
    status = svckit_cluster_apply(cluster, JSON(line, "objects"), 0, &findings);
    CHECK(svckit_cluster_routes(cluster, NULL, &routes) == SVCKIT_STATUS_OK);
  }
  findings_of(to, status, findings);
}

static void trace(const char *line, out *to) {
  svckit_flow flow = {0};
  svckit_trace *traced = NULL;
  flow.source = ip_of(line, "source");
  flow.address = ip_of(line, "address");
  flow.source_port = 40000;
  flow.port = (uint16_t)json_number(json_get(line, "port"));
  flow.protocol = (uint8_t)json_number(json_get(line, "protocol"));
  svckit_status status = svckit_cluster_trace(cluster, &flow, &traced);
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    svckit_decision decision;
    svckit_endpoint endpoints[64];
    size_t count = 0;
    CHECK(svckit_trace_decision(traced, &decision) == SVCKIT_STATUS_OK);
    CHECK(svckit_trace_endpoints(traced, endpoints, 64, &count) == SVCKIT_STATUS_OK);
    print(to, ",\"verdict\":%d,\"masquerades\":%s,\"endpoints\":[", decision.verdict,
          decision.masquerades ? "true" : "false");
    for (size_t i = 0; i < count; i++) {
      print(to, i ? ",\"" : "\"");
      endpoint(to, &endpoints[i]);
      print(to, "\"");
    }
    print(to, "]");
  }
  svckit_trace_free(traced);
}

static void route(const char *line, out *to) {
  request asked;
  svckit_answer told;
  size_t length = 0;
  request_of(line, &asked);
  svckit_status status;
  do {
    status = svckit_routes_answer(routes, &asked.request, &told, room.data, room.cap, &length);
  } while (status == SVCKIT_STATUS_BUFFER_TOO_SMALL && grow(length));
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    print(to, ",\"action\":%d,\"code\":%d,\"text\":", told.action, told.status);
    string(to, room.data, length);
    service(to, told.service_namespace, told.service_name);
    print(to, ",\"host\":");
    string(to, told.upstream_host.data, told.upstream_host.len);
  }
  request_free(&asked);
}

static void explain(const char *line, out *to) {
  request asked;
  size_t length = 0;
  request_of(line, &asked);
  svckit_status status;
  do {
    status = svckit_routes_explain(routes, &asked.request, room.data, room.cap, &length);
  } while (status == SVCKIT_STATUS_BUFFER_TOO_SMALL && grow(length));
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    print(to, ",\"answer\":");
    bytes(to, room.data, length);
  }
  request_free(&asked);
}

static svckit_gateways *gateways = NULL;
static svckit_gateway_routes *gateway_routes = NULL;

static void make_gateways(const char *line, out *to) {
  svckit_seed seed = {{1, 2, 3, 4}};
  svckit_findings *findings = NULL;
  svckit_gateways_free(gateways);
  svckit_gateway_routes_free(gateway_routes);
  gateways = NULL;
  gateway_routes = NULL;
  CHECK(svckit_gateways_new(&seed, &gateways) == SVCKIT_STATUS_OK);
  svckit_status status = svckit_gateways_apply(gateways, JSON(line, "objects"), &findings);
  CHECK(svckit_gateways_routes(gateways, NULL, &gateway_routes) == SVCKIT_STATUS_OK);
  findings_of(to, status, findings);
}

static void gateway(const char *line, out *to) {
  text namespace_ = text_of(line, "namespace"), name = text_of(line, "name"), shown = text_of(line, "serverName");
  svckit_text server_name = {(const uint8_t *)shown.data, shown.len};
  uint16_t port = (uint16_t)json_number(json_get(line, "port"));
  svckit_gateway_answer told;
  svckit_header_change changes[64];
  size_t length = 0, changed = 0;
  request asked;
  request_of(line, &asked);
  svckit_status status;
  do {
    status = svckit_gateway_routes_answer(gateway_routes, SPAN(namespace_), SPAN(name), port, &asked.request,
                                          server_name, &told, changes, 64, &changed, room.data, room.cap, &length);
  } while (status == SVCKIT_STATUS_BUFFER_TOO_SMALL && changed <= 64 && grow(length));
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    print(to, ",\"action\":%d,\"code\":%d,\"text\":", told.action, told.status);
    string(to, room.data, length);
    service(to, told.service_namespace, told.service_name);
    print(to, ",\"host\":");
    string(to, told.upstream_host.data, told.upstream_host.len);
    print(to, ",\"changes\":[");
    for (size_t i = 0; i < changed; i++) {
      print(to, "%s{\"name\":", i ? "," : "");
      string(to, changes[i].name.data, changes[i].name.len);
      print(to, ",\"value\":");
      string(to, changes[i].value.data, changes[i].value.len);
      print(to, ",\"operation\":%d,\"response\":%s}", changes[i].operation, changes[i].response ? "true" : "false");
    }
    print(to, "]");
  }
  request_free(&asked);
  free(namespace_.data);
  free(name.data);
  free(shown.data);
}

static svckit_names *names = NULL;
static svckit_zone *zone = NULL;
static svckit_skydns *skydns = NULL;

static void make_names(const char *line, out *to) {
  svckit_seed seed = {{1, 2, 3, 4}};
  svckit_findings *findings = NULL;
  svckit_names_free(names);
  names = NULL;
  svckit_status status = svckit_names_new(JSON(line, "settings"), &seed, &findings, &names);
  if (status == SVCKIT_STATUS_OK) {
    svckit_findings_free(findings);
    status = svckit_names_apply(names, JSON(line, "objects"), &findings);
  }
  findings_of(to, status, findings);
}

static void names_apply(const char *line, out *to) {
  svckit_findings *findings = NULL;
  svckit_status status = svckit_names_apply(names, JSON(line, "objects"), &findings);
  findings_of(to, status, findings);
}

static void names_delete(const char *line, out *to) {
  text kind = text_of(line, "form"), namespace_ = text_of(line, "namespace"), name = text_of(line, "name");
  answer(to, svckit_names_delete(names, SPAN(kind), SPAN(namespace_), SPAN(name)));
  free(kind.data);
  free(namespace_.data);
  free(name.data);
}

static void names_sync(const char *line, out *to) {
  (void)line;
  answer(to, svckit_names_sync(names));
}

static void names_serial(const char *line, out *to) {
  uint32_t serial = (uint32_t)json_number(json_get(line, "serial"));
  svckit_serials serials = {serial, serial, serial};
  answer(to, svckit_names_set_serials(names, &serials));
}

static void take_zone(const char *line, out *to) {
  (void)line;
  svckit_serials serials = {0};
  svckit_zone_free(zone);
  zone = NULL;
  answer(to, svckit_names_zone(names, &zone));
  CHECK(svckit_zone_serials(zone, &serials) == SVCKIT_STATUS_OK);
  print(to, ",\"counts\":[%u,%u,%u]", serials.cluster, serials.external, serials.multicluster);
}

/* Which call answers a message. */
enum ask_dns { ANSWER, COMPLETE, CONTINUE, SKYDNS };

static void dns(const char *line, out *to, enum ask_dns call) {
  static uint8_t buf[SVCKIT_ANSWER_MAX], target[256];
  text message = octets_of(json_get(line, "message")), said = octets_of(json_get(line, "upstream"));
  svckit_peer peer = {{{0}}, 1, !json_true(json_get(line, "udp"))};
  if (json_get(line, "client")) {
    peer.address = ip_of(line, "client");
  }
  size_t cap = json_get(line, "cap") ? (size_t)json_number(json_get(line, "cap")) : sizeof buf;
  svckit_text replies[32];
  size_t count = 0, target_len = 0;
  for (const char *at = json_first(json_get(line, "replies")); at && count < 32; at = json_next(at)) {
    text reply = octets_of(at);
    replies[count].data = (const uint8_t *)reply.data;
    replies[count++].len = reply.len;
  }
  svckit_reply reply = {0};
  svckit_status status = SVCKIT_STATUS_OK;
  switch (call) {
  case ANSWER:
    status = svckit_zone_answer(zone, SPAN(message), &peer, buf, cap, &reply);
    break;
  case COMPLETE:
    status = svckit_zone_complete(zone, SPAN(message), &peer, SPAN(said), buf, cap, &reply);
    break;
  case CONTINUE:
    status = svckit_zone_continue(zone, SPAN(message), &peer, replies, count, buf, cap, &reply, target, sizeof target,
                                  &target_len);
    break;
  case SKYDNS:
    status = svckit_skydns_answer(skydns, SPAN(message), &peer, buf, cap, &reply);
    break;
  }
  answer(to, status);
  print(to, ",\"action\":%d,\"code\":%d,\"target\":", reply.action, reply.qtype);
  string(to, target, target_len);
  print(to, ",\"reply\":");
  octets(to, buf, reply.len);
  while (count-- > 0) {
    free((void *)replies[count].data);
  }
  free(message.data);
  free(said.data);
}

static void dns_answer(const char *line, out *to) { dns(line, to, ANSWER); }
static void dns_complete(const char *line, out *to) { dns(line, to, COMPLETE); }
static void dns_continue(const char *line, out *to) { dns(line, to, CONTINUE); }
static void dns_skydns(const char *line, out *to) { dns(line, to, SKYDNS); }

static void dns_target(const char *line, out *to) {
  text message = octets_of(json_get(line, "message"));
  size_t length = 0;
  svckit_status status = svckit_zone_target(zone, SPAN(message), room.data, room.cap, &length);
  answer(to, status);
  print(to, ",\"target\":");
  string(to, room.data, status == SVCKIT_STATUS_OK ? length : 0);
  free(message.data);
}

static void transfer(const char *line, out *to) {
  text message = octets_of(json_get(line, "message"));
  size_t length = 0;
  svckit_status status;
  do {
    status = svckit_zone_transfer(zone, SPAN(message), room.data, room.cap, &length);
  } while (status == SVCKIT_STATUS_BUFFER_TOO_SMALL && grow(length));
  answer(to, status);
  print(to, ",\"reply\":");
  octets(to, room.data, status == SVCKIT_STATUS_OK ? length : 0);
  free(message.data);
}

static void nameservers(const char *line, out *to) {
  text name = text_of(line, "name");
  size_t length = 0;
  svckit_status status = svckit_zone_nameservers(zone, SPAN(name), room.data, room.cap, &length);
  answer(to, status);
  if (status == SVCKIT_STATUS_OK) {
    print(to, ",\"answer\":");
    bytes(to, room.data, length);
  }
  free(name.data);
}

static void make_skydns(const char *line, out *to) {
  svckit_skydns_free(skydns);
  skydns = NULL;
  answer(to, svckit_skydns_new(JSON(line, "settings"), &skydns));
}

static void skydns_put(const char *line, out *to) {
  text key = text_of(line, "name");
  uint32_t lease = (uint32_t)json_number(json_get(line, "lease"));
  answer(to, svckit_skydns_put(skydns, SPAN(key), JSON(line, "object"), lease));
  free(key.data);
}

static void skydns_sync(const char *line, out *to) {
  (void)line;
  answer(to, svckit_skydns_sync(skydns));
}

static const struct {
  const char *name;
  void (*ask)(const char *line, out *to);
} calls[] = {
    {"address-range", address_range},
    {"port-range", port_range},
    {"draw-addresses", draw_addresses},
    {"draw-ports", draw_ports},
    {"syntax", syntax},
    {"validate", validate},
    {"validate-status", validate_status},
    {"question", question},
    {"cluster", make_cluster},
    {"trace", trace},
    {"route", route},
    {"explain", explain},
    {"gateways", make_gateways},
    {"gateway", gateway},
    {"names", make_names},
    {"names-apply", names_apply},
    {"names-delete", names_delete},
    {"names-sync", names_sync},
    {"names-serial", names_serial},
    {"zone", take_zone},
    {"answer", dns_answer},
    {"target", dns_target},
    {"complete", dns_complete},
    {"continue", dns_continue},
    {"transfer", transfer},
    {"nameservers", nameservers},
    {"skydns", make_skydns},
    {"skydns-put", skydns_put},
    {"skydns-sync", skydns_sync},
    {"skydns-answer", dns_skydns},
};

int main(void) {
  char *line = NULL;
  size_t size = 0;
  out to = {0};
  CHECK(grow(1 << 16));
  while (getline(&line, &size, stdin) > 0) {
    const char *call = json_get(json_space(line), "call");
    size_t i = 0;
    while (i < sizeof calls / sizeof *calls && !json_is(call, calls[i].name)) {
      i++;
    }
    CHECK(i < sizeof calls / sizeof *calls);
    to.len = 0;
    calls[i].ask(json_space(line), &to);
    print(&to, "}\n");
    CHECK(fwrite(to.data, 1, to.len, stdout) == to.len && fflush(stdout) == 0);
  }
  svckit_routes_free(routes);
  svckit_cluster_free(cluster);
  svckit_gateway_routes_free(gateway_routes);
  svckit_gateways_free(gateways);
  svckit_zone_free(zone);
  svckit_names_free(names);
  svckit_skydns_free(skydns);
  free(room.data);
  free(to.data);
  free(line);
  return 0;
}
