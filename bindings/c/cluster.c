/* What is taken from a cluster beside its table: zone, routes, plans, traces, objects. */
#include "shop.h"

/* Calls that write into a buffer, for texts of any length; the caller frees the text. */
#define PRINTED(text, call, ...)                                              \
  do {                                                                        \
    size_t length_ = 0;                                                       \
    CHECK(call(__VA_ARGS__, NULL, 0, &length_) == SVCKIT_STATUS_BUFFER_TOO_SMALL); \
    (text) = malloc(length_ + 1);                                             \
    CHECK(text);                                                              \
    CHECK(call(__VA_ARGS__, (uint8_t *)(text), length_, &length_) == SVCKIT_STATUS_OK); \
    (text)[length_] = 0;                                                      \
  } while (0)

/* A question for the A records of a name, which has at most 100 characters; answers its length. */
static size_t question(const char *name, uint8_t *message) {
  static const uint8_t header[12] = {0x12, 0x34, 1, 0, 0, 1};
  size_t at = sizeof header;
  memcpy(message, header, sizeof header);
  while (*name) {
    size_t label = strcspn(name, ".");
    message[at++] = (uint8_t)label;
    memcpy(message + at, name, label);
    at += label;
    name += label + (name[label] == '.');
  }
  static const uint8_t end[5] = {0, 0, 1, 0, 1};
  memcpy(message + at, end, sizeof end);
  return at + sizeof end;
}

static void test_zone(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_zone *zone = NULL;
  CHECK(svckit_cluster_zone(cluster, &zone) == SVCKIT_STATUS_OK);
  const char *alias =
      "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"else\", \"namespace\": \"shop\"},"
      " \"spec\": {\"type\": \"ExternalName\", \"externalName\": \"db.example.org\"}}";
  CHECK(svckit_cluster_apply(cluster, TEXT(alias), 0, NULL) == SVCKIT_STATUS_OK);
  svckit_zone *later = NULL;
  CHECK(svckit_cluster_zone(cluster, &later) == SVCKIT_STATUS_OK);
  svckit_cluster_free(cluster);

  static const struct {
    const char *name;
    uint8_t action, rcode, answers;
  } cases[] = {
      {"web.shop.svc.cluster.local", SVCKIT_REPLY_SEND, 0, 1},
      {"nobody.shop.svc.cluster.local", SVCKIT_REPLY_SEND, 3, 0},
      {"example.org", SVCKIT_REPLY_FOREIGN, 5, 0},
      {"else.shop.svc.cluster.local", SVCKIT_REPLY_UPSTREAM, 0, 1},
  };
  enum { COUNT = sizeof cases / sizeof *cases };
  const svckit_peer peer = {ip("::"), 7, false};
  uint8_t messages[COUNT][160], answers[COUNT][512];
  svckit_query queries[COUNT];
  memset(answers, 0, sizeof answers);
  for (size_t i = 0; i < COUNT; i++) {
    svckit_query query = {messages[i], question(cases[i].name, messages[i]), peer, answers[i], 512, {0, 0, 9}};
    queries[i] = query;
    svckit_reply reply;
    CHECK(svckit_zone_answer(later, query.message, query.message_len, &peer, query.buf, query.cap, &reply) ==
          SVCKIT_STATUS_OK);
    CHECK(reply.action == cases[i].action && reply.len > 12);
    CHECK((answers[i][3] & 15) == cases[i].rcode && answers[i][7] == cases[i].answers);
  }
  CHECK(svckit_zone_answer_many(later, queries, COUNT) == SVCKIT_STATUS_OK);
  for (size_t i = 0; i < COUNT; i++) {
    CHECK(queries[i].reply.action == cases[i].action && (answers[i][3] & 15) == cases[i].rcode);
  }
  const uint8_t *address = answers[0] + queries[0].reply.len - 4;
  CHECK(memcmp(address, "\x0a\x60\x00\x0a", 4) == 0);

  /* The zone that was taken before doesn't know the alias. */
  svckit_reply reply;
  CHECK(svckit_zone_answer(zone, messages[3], queries[3].message_len, &peer, answers[3], 512, &reply) ==
        SVCKIT_STATUS_OK);
  CHECK(reply.action == SVCKIT_REPLY_SEND && (answers[3][3] & 15) == 3);

  /* An alias that leads out, resolved and not. */
  char *target;
  PRINTED(target, svckit_zone_target, later, messages[3], queries[3].message_len);
  CHECK(strcmp(target, "db.example.org") == 0);
  free(target);
  size_t length = 0;
  CHECK(svckit_zone_target(later, messages[0], queries[0].message_len, NULL, 0, &length) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_zone_complete(later, messages[3], queries[3].message_len, &peer, NULL, 0, answers[3], 512, &reply) ==
        SVCKIT_STATUS_OK);
  CHECK(reply.action == SVCKIT_REPLY_SEND && reply.len > 12);
  CHECK(svckit_zone_complete(later, messages[0], queries[0].message_len, &peer, NULL, 0, answers[0], 512, &reply) ==
        SVCKIT_STATUS_INVALID_ARGUMENT);

  /* What strangers send: nothing, half of a header, an answer. */
  CHECK(svckit_zone_answer(later, NULL, 0, &peer, answers[0], 512, &reply) == SVCKIT_STATUS_OK);
  CHECK(reply.action == SVCKIT_REPLY_DROP && reply.len == 0);
  messages[0][2] |= 0x80;
  CHECK(svckit_zone_answer(later, messages[0], 30, &peer, answers[0], SIZE_MAX, &reply) == SVCKIT_STATUS_OK);
  CHECK(reply.action == SVCKIT_REPLY_DROP);
  svckit_zone_free(zone);
  svckit_zone_free(later);
}

static svckit_text lent(const char *text) {
  svckit_text made = {(const uint8_t *)text, text_length(text)};
  return made;
}

static void test_routes(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_routes *routes = NULL;
  svckit_findings *findings = NULL;
  CHECK(svckit_cluster_routes(cluster, &findings, &routes) == SVCKIT_STATUS_OK && findings == NULL);
  svckit_cluster_free(cluster);
  static const struct {
    const char *host, *target;
    uint8_t action;
    uint16_t status;
    const char *text;
  } cases[] = {
      {"shop.example", "/cart/1?x=y", SVCKIT_ANSWER_FORWARD, 0, "/cart/1"},
      {"Shop.Example:80", "/cart", SVCKIT_ANSWER_FORWARD, 0, "/cart"},
      {"shop.example", "/other", SVCKIT_ANSWER_REFUSE, 404, NULL},
      {"else.example", "/cart", SVCKIT_ANSWER_REFUSE, 404, NULL},
      {"shop.example", "/cart\r\n", SVCKIT_ANSWER_REFUSE, 400, NULL},
      {"a@b", "/cart", SVCKIT_ANSWER_REFUSE, 400, NULL},
      {NULL, "/cart", SVCKIT_ANSWER_REFUSE, 400, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_text host = lent(cases[i].host);
    svckit_header headers[] = {{lent("origin"), lent("https://a.example")}};
    svckit_request request;
    memset(&request, 0, sizeof request);
    request.method = lent("GET");
    request.target = lent(cases[i].target);
    request.hosts = &host;
    request.hosts_len = cases[i].host ? 1 : 0;
    request.headers = headers;
    request.headers_len = 1;
    request.client = ip("192.0.2.1");
    svckit_answer answer;
    uint8_t buf[200];
    size_t length = 0;
    CHECK(svckit_routes_answer(routes, &request, &answer, buf, sizeof buf, &length) == SVCKIT_STATUS_OK);
    CHECK(answer.action == cases[i].action && answer.status == cases[i].status);
    if (answer.action == SVCKIT_ANSWER_FORWARD) {
      CHECK(same(answer.service_namespace, "shop") && same(answer.service_name, "web"));
      CHECK(same(answer.port_name, "http") && same(answer.ingress_name, "front"));
      CHECK(length == strlen(cases[i].text) && memcmp(buf, cases[i].text, length) == 0);
      CHECK(svckit_routes_answer(routes, &request, &answer, buf, 1, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
    }
  }
  size_t length = 0;
  CHECK(svckit_routes_len(routes, &length) == SVCKIT_STATUS_OK && length == 1);
  CHECK(svckit_routes_answer(routes, NULL, NULL, NULL, 0, NULL) == SVCKIT_STATUS_NULL_POINTER);
  svckit_routes_free(routes);
}

static void test_plan(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_plan *plan = NULL;
  svckit_plan_info info;
  CHECK(svckit_cluster_plan(cluster, &plan) == SVCKIT_STATUS_OK && plan);
  CHECK(svckit_plan_describe(plan, &info) == SVCKIT_STATUS_OK && info.full && info.steps > 0);
  char *text, *whole;
  PRINTED(text, svckit_plan_nft, plan);
  PRINTED(whole, svckit_cluster_render, cluster, TEXT("nft"));
  CHECK(strstr(text, "10.96.0.10") && strlen(text) == strlen(whole));
  free(text);
  free(whole);
  CHECK(svckit_cluster_commit(cluster, info.generation + 1) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_cluster_commit(cluster, info.generation) == SVCKIT_STATUS_OK);
  svckit_plan_free(plan);
  CHECK(svckit_cluster_plan(cluster, &plan) == SVCKIT_STATUS_OK && plan == NULL);

  /* One endpoint goes: a small plan; unless what is installed is no longer known. */
  CHECK(svckit_cluster_delete(cluster, TEXT("Pod"), TEXT("shop"), TEXT("a"), 0) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_plan(cluster, &plan) == SVCKIT_STATUS_OK && plan);
  CHECK(svckit_plan_describe(plan, &info) == SVCKIT_STATUS_OK && !info.full);
  svckit_plan_free(plan);
  CHECK(svckit_cluster_reset(cluster) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_plan(cluster, &plan) == SVCKIT_STATUS_OK && plan);
  CHECK(svckit_plan_describe(plan, &info) == SVCKIT_STATUS_OK && info.full);
  svckit_plan_free(plan);
  PRINTED(text, svckit_cluster_render, cluster, TEXT("iptables"));
  CHECK(strstr(text, "KUBE-SERVICES") && !strstr(text, "10.244.0.1:"));
  free(text);
  size_t length;
  CHECK(svckit_cluster_render(cluster, TEXT("ipfw"), NULL, 0, &length) == SVCKIT_STATUS_INVALID_ARGUMENT);
  PRINTED(text, svckit_cluster_render, cluster, TEXT("ipvs"));
  CHECK(strstr(text, "-a -t 10.96.0.10:80 -r 10.244.0.2:"));
  free(text);
  svckit_cluster_free(cluster);
}

static void test_trace(void) {
  svckit_cluster *cluster = new_cluster();
  static const struct {
    const char *to;
    uint16_t port;
    uint8_t verdict;
    size_t endpoints;
  } cases[] = {
      {"10.96.0.10", 80, SVCKIT_VERDICT_DNAT, 2},
      {"10.96.0.12", 80, SVCKIT_VERDICT_REJECT, 0},
      {"10.96.0.10", 81, SVCKIT_VERDICT_REJECT, 0},
      {"198.51.100.1", 80, SVCKIT_VERDICT_PASS, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_flow question = flow(cases[i].to, cases[i].port);
    svckit_trace *trace = NULL;
    svckit_decision decision;
    svckit_endpoint endpoints[2];
    size_t length = 0;
    CHECK(svckit_cluster_trace(cluster, &question, &trace) == SVCKIT_STATUS_OK);
    CHECK(svckit_trace_decision(trace, &decision) == SVCKIT_STATUS_OK);
    CHECK(decision.verdict == cases[i].verdict && decision.endpoints == cases[i].endpoints && decision.steps > 0);
    CHECK(svckit_trace_endpoints(trace, endpoints, 2, &length) == SVCKIT_STATUS_OK && length == cases[i].endpoints);
    svckit_text step;
    CHECK(svckit_trace_step(trace, decision.steps - 1, &step) == SVCKIT_STATUS_OK && step.len > 0);
    CHECK(svckit_trace_step(trace, decision.steps, &step) == SVCKIT_STATUS_OUT_OF_RANGE);
    svckit_trace_free(trace);
  }
  svckit_flow none = flow("10.96.0.10", 0);
  svckit_trace *trace = NULL;
  CHECK(svckit_cluster_trace(cluster, &none, &trace) == SVCKIT_STATUS_INVALID_ARGUMENT && trace == NULL);
  svckit_cluster_free(cluster);
}

static void test_objects(void) {
  svckit_cluster *cluster = new_cluster();
  char *service, *slices;
  PRINTED(service, svckit_cluster_get, cluster, TEXT("Service"), TEXT("shop"), TEXT("web"));
  CHECK(strstr(service, "\"clusterIPs\":[\"10.96.0.10\"]"));
  PRINTED(slices, svckit_cluster_list, cluster, TEXT("EndpointSlice"));
  CHECK(strstr(slices, "10.244.0.2") && slices[0] == '[');
  /* What one cluster says, another one takes. */
  svckit_cluster *copy = NULL;
  CHECK(svckit_cluster_new(NULL, 0, &seed, NULL, &copy) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_apply(copy, TEXT(service), 0, NULL) == SVCKIT_STATUS_OK);
  svckit_cluster_free(copy);
  free(service);
  free(slices);
  size_t length;
  CHECK(svckit_cluster_get(cluster, TEXT("Service"), TEXT("shop"), TEXT("x"), NULL, 0, &length) ==
        SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_cluster_list(cluster, TEXT("Servlet"), NULL, 0, &length) == SVCKIT_STATUS_INVALID_ARGUMENT);
  svckit_cluster_free(cluster);
}

int main(void) {
  test_zone();
  test_routes();
  test_plan();
  test_trace();
  test_objects();
  puts("ok");
  return 0;
}
