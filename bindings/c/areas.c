/* Areas that are fed alone: names, SkyDNS records, slices, Gateways, questions; and connections that are counted. */
#include "shop.h"

static const char service[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\"},"
    "\"spec\":{\"clusterIP\":\"10.96.0.10\",\"clusterIPs\":[\"10.96.0.10\"],\"ipFamilies\":[\"IPv4\"],"
    "\"selector\":{\"app\":\"web\"},\"ports\":[{\"name\":\"http\",\"port\":80,\"targetPort\":8080}]}}";
static const char pod[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\",\"labels\":{\"app\":"
    "\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\"}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.244.0.1\","
    "\"podIPs\":[{\"ip\":\"10.244.0.1\"}],\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}";
static const uint8_t question[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\3web\4shop\3svc\7cluster\5local\0\0\1\0\1";

/* Whether what was written holds a text. */
static bool holds(const char *buf, size_t len, const char *text) {
  size_t wanted = strlen(text);
  for (size_t i = 0; i + wanted <= len; i++) {
    if (memcmp(buf + i, text, wanted) == 0) {
      return true;
    }
  }
  return false;
}

static void names(void) {
  svckit_names *names = NULL;
  svckit_zone *zone = NULL;
  svckit_findings *findings = NULL;
  CHECK(svckit_names_new(TEXT("{\"mode\":\"loose\"}"), &seed, &findings, &names) == SVCKIT_STATUS_REFUSED);
  CHECK(!names && svckit_findings_len(findings) == 1);
  svckit_findings_free(findings);
  CHECK(svckit_names_new(TEXT("{\"ttl\":30}"), &seed, NULL, &names) == SVCKIT_STATUS_OK);
  CHECK(svckit_names_apply(names, TEXT(service), NULL) == SVCKIT_STATUS_OK);
  CHECK(svckit_names_apply(names, TEXT("{\"kind\":\"Service\"}"), NULL) == SVCKIT_STATUS_REFUSED);
  CHECK(svckit_names_apply(names, TEXT("{"), NULL) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_names_sync(names) == SVCKIT_STATUS_OK);
  CHECK(svckit_names_zone(names, &zone) == SVCKIT_STATUS_OK);
  svckit_serials serials;
  CHECK(svckit_zone_serials(zone, &serials) == SVCKIT_STATUS_OK && serials.cluster == 1);
  svckit_peer peer = {ip("::"), 1, true};
  uint8_t buf[512] = {0}, target[8];
  svckit_reply reply;
  size_t length = 9;
  CHECK(svckit_zone_continue(zone, question, sizeof question - 1, &peer, NULL, 0, buf, sizeof buf, &reply, target, 8,
                             &length) == SVCKIT_STATUS_OK);
  CHECK(reply.action == SVCKIT_REPLY_SEND && length == 0 && buf[7] == 1);
  static const uint8_t all[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\7cluster\5local\0\0\xfc\0\1";
  CHECK(svckit_zone_transfer(zone, all, sizeof all - 1, NULL, 0, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(length > 100);
  CHECK(svckit_zone_transfer(zone, question, sizeof question - 1, NULL, 0, &length) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_names_delete(names, TEXT("Service"), TEXT("shop"), TEXT("web")) == SVCKIT_STATUS_OK);
  CHECK(svckit_names_delete(names, TEXT("Pot"), TEXT("shop"), TEXT("web")) == SVCKIT_STATUS_INVALID_ARGUMENT);
  svckit_names_free(names);
  svckit_zone_free(zone);
}

static void skydns(void) {
  svckit_skydns *records = NULL;
  CHECK(svckit_skydns_new(TEXT("{\"zone\":[]}"), &records) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_skydns_new(TEXT("{\"zones\":[\"cluster.local\"]}"), &records) == SVCKIT_STATUS_OK);
  const char *key = "/skydns/local/cluster/svc/shop/web";
  CHECK(svckit_skydns_put(records, TEXT(key), TEXT("{\"host\":\"10.0.0.1\"}"), 0) == SVCKIT_STATUS_OK);
  CHECK(svckit_skydns_put(records, TEXT(key), TEXT("10.0.0.1"), 0) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_skydns_sync(records) == SVCKIT_STATUS_OK);
  svckit_peer peer = {ip("::"), 1, true};
  uint8_t buf[512] = {0};
  svckit_reply reply;
  CHECK(svckit_skydns_answer(records, question, sizeof question - 1, &peer, buf, sizeof buf, &reply) ==
        SVCKIT_STATUS_OK);
  CHECK(reply.action == SVCKIT_REPLY_SEND && buf[7] == 1 && buf[reply.len - 1] == 1);
  CHECK(svckit_skydns_remove(records, TEXT(key)) == SVCKIT_STATUS_OK);
  CHECK(svckit_skydns_remove(records, TEXT(key)) == SVCKIT_STATUS_NOT_FOUND);
  svckit_skydns_free(records);
}

static void slices(void) {
  svckit_slices *slices = NULL;
  char buf[4096];
  size_t length = 0;
  CHECK(svckit_slices_new(TEXT("{\"maxEndpoints\":0}"), &seed, &slices) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_slices_new(NULL, 0, &seed, &slices) == SVCKIT_STATUS_OK);
  CHECK(svckit_slices_apply(slices, TEXT(service), NULL) == SVCKIT_STATUS_OK);
  CHECK(svckit_slices_apply(slices, TEXT(pod), NULL) == SVCKIT_STATUS_OK);
  CHECK(svckit_slices_take(slices, NULL, 0, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL && length > 2);
  CHECK(svckit_slices_take(slices, (uint8_t *)buf, sizeof buf, &length) == SVCKIT_STATUS_OK);
  CHECK(holds(buf, length, "\"create\"") && holds(buf, length, "10.244.0.1"));
  CHECK(svckit_slices_take(slices, (uint8_t *)buf, sizeof buf, &length) == SVCKIT_STATUS_OK && length == 2);
  CHECK(svckit_slices_list(slices, (uint8_t *)buf, sizeof buf, &length) == SVCKIT_STATUS_OK);
  CHECK(holds(buf, length, "kubernetes.io/service-name"));
  CHECK(svckit_slices_delete(slices, TEXT("Service"), TEXT("shop"), TEXT("web")) == SVCKIT_STATUS_OK);
  CHECK(svckit_slices_take(slices, (uint8_t *)buf, sizeof buf, &length) == SVCKIT_STATUS_OK);
  CHECK(holds(buf, length, "\"delete\""));
  svckit_slices_free(slices);
}

static void gateways(void) {
  static const char objects[] =
      "{\"apiVersion\":\"gateway.networking.k8s.io/v1\",\"kind\":\"Gateway\",\"metadata\":{\"name\":\"g\",\"namespace\":"
      "\"shop\"},\"spec\":{\"listeners\":[{\"name\":\"http\",\"port\":80,\"protocol\":\"HTTP\"}]}}"
      "{\"apiVersion\":\"gateway.networking.k8s.io/v1\",\"kind\":\"HTTPRoute\",\"metadata\":{\"name\":\"r\",\"namespace\":"
      "\"shop\"},\"spec\":{\"parentRefs\":[{\"name\":\"g\"}],\"rules\":[{\"filters\":[{\"type\":\"RequestHeaderModifier\","
      "\"requestHeaderModifier\":{\"set\":[{\"name\":\"X-Set\",\"value\":\"1\"}],\"remove\":[\"X-Gone\"]}}],"
      "\"backendRefs\":[{\"name\":\"web\",\"port\":80}]}]}}";
  svckit_gateways *gateways = NULL;
  svckit_gateway_routes *routes = NULL;
  CHECK(svckit_gateways_new(&seed, &gateways) == SVCKIT_STATUS_OK);
  CHECK(svckit_gateways_apply(gateways, TEXT(service), NULL) == SVCKIT_STATUS_OK);
  CHECK(svckit_gateways_apply(gateways, TEXT(objects), NULL) == SVCKIT_STATUS_OK);
  CHECK(svckit_gateways_routes(gateways, NULL, &routes) == SVCKIT_STATUS_OK);
  svckit_request request = {0};
  svckit_text host = {TEXT("shop.example")}, none = {NULL, 0};
  request.method = (svckit_text){TEXT("GET")};
  request.target = (svckit_text){TEXT("/cart")};
  request.hosts = &host;
  request.hosts_len = 1;
  svckit_gateway_answer told;
  svckit_header_change changes[2];
  uint8_t buf[64];
  size_t changed = 0, length = 0;
  CHECK(svckit_gateway_routes_answer(routes, TEXT("shop"), TEXT("g"), 80, &request, none, &told, NULL, 0, &changed, buf,
                                     sizeof buf, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(changed == 2 && length == 5);
  CHECK(svckit_gateway_routes_answer(routes, TEXT("shop"), TEXT("g"), 80, &request, none, &told, changes, 2, &changed,
                                     buf, sizeof buf, &length) == SVCKIT_STATUS_OK);
  CHECK(told.action == SVCKIT_ANSWER_FORWARD && told.service_name.len == 3 && holds((char *)buf, length, "/cart"));
  CHECK(changes[0].operation == SVCKIT_HEADER_SET && changes[1].operation == SVCKIT_HEADER_REMOVE);
  CHECK(svckit_gateways_delete(gateways, TEXT("HTTPRoute"), TEXT("shop"), TEXT("r")) == SVCKIT_STATUS_OK);
  CHECK(svckit_gateways_delete(gateways, TEXT("Pod"), TEXT("shop"), TEXT("r")) == SVCKIT_STATUS_INVALID_ARGUMENT);
  svckit_gateways_free(gateways);
  svckit_gateway_routes_free(routes);
}

static void questions(void) {
  char buf[64];
  size_t length = 0;
  const char *asked = "nginx-uri", *input = "{\"target\":\"//a/../b\"}";
  CHECK(svckit_question_answer(TEXT(asked), TEXT(input), (uint8_t *)buf, sizeof buf, &length) == SVCKIT_STATUS_OK);
  CHECK(holds(buf, length, "\"/b\""));
  CHECK(svckit_question_answer(TEXT("why"), TEXT(input), (uint8_t *)buf, sizeof buf, &length) ==
        SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_question_answer(TEXT(asked), NULL, 0, (uint8_t *)buf, sizeof buf, &length) ==
        SVCKIT_STATUS_INVALID_ARGUMENT);
}

static void connections(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_table *table = NULL;
  svckit_connection *connection = NULL;
  CHECK(svckit_cluster_balance(cluster, TEXT("shop"), TEXT("web"), TEXT("least-connections")) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_table(cluster, &table) == SVCKIT_STATUS_OK);
  svckit_flow to = flow("10.96.0.10", 80);
  svckit_pick pick, other;
  CHECK(svckit_table_pick(table, &to, 1, &pick) == SVCKIT_STATUS_OK && pick.outcome == SVCKIT_OUTCOME_BACKEND);
  CHECK(svckit_table_connect(table, &to, pick.endpoint, &connection) == SVCKIT_STATUS_OK);
  uint32_t count = 0;
  CHECK(svckit_table_connections(table, &to, pick.endpoint, &count) == SVCKIT_STATUS_OK && count == 1);
  for (uint64_t n = 0; n < 20; n++) {
    CHECK(svckit_table_pick(table, &to, n, &other) == SVCKIT_STATUS_OK && other.endpoint != pick.endpoint);
  }
  CHECK(svckit_connection_observe(connection, 1000, 1) == SVCKIT_STATUS_OK);
  svckit_connection_free(connection);
  CHECK(svckit_table_connections(table, &to, pick.endpoint, &count) == SVCKIT_STATUS_OK && count == 0);
  CHECK(svckit_table_connect(table, &to, 0, &connection) == SVCKIT_STATUS_NOT_FOUND);
  svckit_table_free(table);
  svckit_cluster_free(cluster);
}

static void netlink(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_plan *plan = NULL;
  static uint8_t bytes[1 << 20];
  size_t length = 0;
  CHECK(svckit_cluster_plan_netlink(cluster, 0, &plan) == SVCKIT_STATUS_OK && plan);
  CHECK(svckit_plan_nft(plan, NULL, 0, &length) == SVCKIT_STATUS_NOT_FOUND);
  size_t number = 0;
  while (svckit_plan_netlink(plan, number, bytes, sizeof bytes, &length) == SVCKIT_STATUS_OK) {
    CHECK(length > 40);
    number++;
  }
  CHECK(number > 0);
  svckit_plan_info info;
  CHECK(svckit_plan_describe(plan, &info) == SVCKIT_STATUS_OK && info.full);
  CHECK(svckit_cluster_commit(cluster, info.generation) == SVCKIT_STATUS_OK);
  svckit_plan_free(plan);
  CHECK(svckit_cluster_delete(cluster, TEXT("Pod"), TEXT("shop"), TEXT("a"), 0) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_plan_netlink(cluster, SVCKIT_TABLES_IPV4, &plan) == SVCKIT_STATUS_OK && plan);
  CHECK(svckit_plan_describe(plan, &info) == SVCKIT_STATUS_OK && !info.full);
  CHECK(svckit_plan_netlink(plan, 0, bytes, sizeof bytes, &length) == SVCKIT_STATUS_OK && length > 40);
  svckit_plan_free(plan);
  svckit_cluster_free(cluster);
}

int main(void) {
  names();
  skydns();
  slices();
  gateways();
  questions();
  connections();
  netlink();
  puts("ok");
  return 0;
}
