/* Feeds a cluster with objects and asks its table where connections go. */
#include "shop.h"

static svckit_table *table_of(svckit_cluster *cluster) {
  svckit_table *table = NULL;
  CHECK(svckit_cluster_table(cluster, &table) == SVCKIT_STATUS_OK);
  return table;
}

static void test_picks(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_table *table = table_of(cluster);
  static const struct {
    const char *to;
    uint16_t port;
    uint8_t want;
  } cases[] = {
      {"10.96.0.10", 80, SVCKIT_OUTCOME_BACKEND},       {"10.96.0.10", 81, SVCKIT_OUTCOME_NOT_A_SERVICE},
      {"10.96.0.10", 0, SVCKIT_OUTCOME_NOT_A_SERVICE},  {"10.96.0.12", 80, SVCKIT_OUTCOME_NO_ENDPOINTS},
      {"10.96.0.13", 80, SVCKIT_OUTCOME_NOT_A_SERVICE}, {"fd00::1", 80, SVCKIT_OUTCOME_NOT_A_SERVICE},
  };
  enum { COUNT = sizeof cases / sizeof *cases };
  svckit_flow flows[COUNT];
  svckit_pick single, picks[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    flows[i] = flow(cases[i].to, cases[i].port);
    CHECK(svckit_table_pick(table, &flows[i], i, &single) == SVCKIT_STATUS_OK);
    CHECK(single.outcome == cases[i].want);
  }
  CHECK(svckit_table_pick_many(table, flows, COUNT, 7, picks) == SVCKIT_STATUS_OK);
  for (size_t i = 0; i < COUNT; i++) {
    CHECK(picks[i].outcome == cases[i].want);
  }
  CHECK((prints(&picks[0].ip, "10.244.0.1") || prints(&picks[0].ip, "10.244.0.2")) && picks[0].port == 8080);

  svckit_service_port name;
  CHECK(svckit_table_service_port(table, picks[0].service_port, &name) == SVCKIT_STATUS_OK);
  CHECK(same(name.service_namespace, "shop") && same(name.service_name, "web") && same(name.port_name, "http"));
  CHECK(svckit_table_service_port(table, 1 << 30, &name) == SVCKIT_STATUS_NOT_FOUND);

  svckit_endpoint source = {ip("192.0.2.1"), 5000}, list[2];
  CHECK(svckit_table_pick_by_name(table, TEXT("shop"), TEXT("web"), TEXT("http"), SVCKIT_PROTOCOLS_TCP, &source, 1,
                                  &single) == SVCKIT_STATUS_OK);
  CHECK(single.outcome == SVCKIT_OUTCOME_BACKEND && single.service_port == picks[0].service_port);
  CHECK(svckit_table_pick_by_name(table, TEXT("shop"), TEXT("nobody"), NULL, 0, SVCKIT_PROTOCOLS_TCP, &source, 1,
                                  &single) == SVCKIT_STATUS_OK);
  CHECK(single.outcome == SVCKIT_OUTCOME_NOT_A_SERVICE);
  uint8_t outcome = 9;
  size_t length = 0;
  CHECK(svckit_table_endpoints(table, &flows[0], &outcome, list, 1, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(length == 2 && outcome == 9);
  CHECK(svckit_table_endpoints(table, &flows[0], &outcome, list, 2, &length) == SVCKIT_STATUS_OK);
  CHECK(outcome == SVCKIT_OUTCOME_BACKEND && list[0].port == 8080 && list[1].port == 8080);

  /* Round robin: two picks, two endpoints. */
  svckit_pick first, second;
  CHECK(svckit_table_pick(table, &flows[0], 0, &first) == SVCKIT_STATUS_OK);
  CHECK(svckit_table_pick(table, &flows[0], 0, &second) == SVCKIT_STATUS_OK);
  CHECK(memcmp(&first.ip, &second.ip, sizeof first.ip) != 0);

  /* A table outlives its cluster, and doesn't see what comes later. */
  CHECK(svckit_cluster_delete(cluster, TEXT("Pod"), TEXT("shop"), TEXT("a"), 1) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_delete(cluster, TEXT("Pod"), TEXT("shop"), TEXT("a"), 1) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_cluster_delete(cluster, TEXT("Pot"), TEXT("shop"), TEXT("a"), 1) == SVCKIT_STATUS_INVALID_ARGUMENT);
  svckit_table *later = table_of(cluster);
  uint64_t before = 0, after = 0;
  CHECK(svckit_table_generation(table, &before) == SVCKIT_STATUS_OK);
  CHECK(svckit_table_generation(later, &after) == SVCKIT_STATUS_OK && after > before);
  svckit_cluster_free(cluster);
  CHECK(svckit_table_endpoints(table, &flows[0], &outcome, list, 2, &length) == SVCKIT_STATUS_OK && length == 2);
  CHECK(svckit_table_endpoints(later, &flows[0], &outcome, list, 2, &length) == SVCKIT_STATUS_OK && length == 1);
  CHECK(prints(&list[0].ip, "10.244.0.2"));
  svckit_table_free(table);
  svckit_table_free(later);
}

static void test_affinity(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_table *table = table_of(cluster);
  svckit_affinity *affinity = NULL;
  CHECK(svckit_affinity_new(100, &seed, &affinity) == SVCKIT_STATUS_OK);
  svckit_flow to = flow("10.96.0.11", 80), flows[8];
  svckit_pick first, picks[8];
  size_t clients = 0;
  CHECK(svckit_affinity_pick(affinity, table, &to, 0, 1, &first) == SVCKIT_STATUS_OK);
  CHECK(first.outcome == SVCKIT_OUTCOME_BACKEND);
  for (size_t i = 0; i < 8; i++) {
    flows[i] = to;
    flows[i].source_port = (uint16_t)(6000 + i);
  }
  CHECK(svckit_affinity_pick_many(affinity, table, flows, 8, 1000, 2, picks) == SVCKIT_STATUS_OK);
  for (size_t i = 0; i < 8; i++) {
    CHECK(picks[i].endpoint == first.endpoint);
  }
  CHECK(svckit_affinity_len(affinity, 1000, &clients) == SVCKIT_STATUS_OK && clients == 1);
  CHECK(svckit_affinity_pick(affinity, NULL, &to, 0, 1, &first) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_affinity_pick(affinity, table, NULL, 0, 1, &first) == SVCKIT_STATUS_NULL_POINTER);
  svckit_affinity_free(affinity);
  svckit_table_free(table);
  svckit_cluster_free(cluster);
}

static void test_findings(void) {
  svckit_cluster *cluster = NULL;
  svckit_findings *findings = NULL;
  svckit_finding finding;
  CHECK(svckit_cluster_new(TEXT("{\"serviceCIDRs\": \"nonsense\"}"), &seed, &findings, &cluster) ==
        SVCKIT_STATUS_REFUSED);
  CHECK(cluster == NULL && svckit_findings_len(findings) == 1);
  CHECK(svckit_findings_get(findings, 0, &finding) == SVCKIT_STATUS_OK && same(finding.object, "settings"));
  svckit_findings_free(findings);

  cluster = new_cluster();
  const char *bad =
      "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"bad\"},"
      " \"spec\": {\"ports\": [{\"prot\": 80}]}}"
      "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"fine\"}}";
  size_t before = 0, after = 0;
  CHECK(svckit_cluster_len(cluster, &before) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_apply(cluster, TEXT(bad), 0, &findings) == SVCKIT_STATUS_REFUSED);
  CHECK(svckit_findings_len(findings) == 1);
  CHECK(svckit_findings_get(findings, 0, &finding) == SVCKIT_STATUS_OK);
  CHECK(finding.refused && finding.kind == SVCKIT_FINDING_KIND_UNKNOWN);
  CHECK(same(finding.object, "Service bad") && same(finding.path, "spec.ports[0].prot"));
  CHECK(svckit_findings_get(findings, 1, &finding) == SVCKIT_STATUS_OUT_OF_RANGE);
  svckit_findings_free(findings);
  CHECK(svckit_cluster_len(cluster, &after) == SVCKIT_STATUS_OK && after == before + 1);

  CHECK(svckit_cluster_apply(cluster, TEXT("{"), 0, &findings) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_findings_len(findings) == 1);
  svckit_findings_free(findings);
  CHECK(svckit_cluster_apply(cluster, TEXT("{"), 0, NULL) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_cluster_replace(cluster, NULL, 0, 0, &findings) == SVCKIT_STATUS_OK && findings == NULL);
  CHECK(svckit_cluster_len(cluster, &after) == SVCKIT_STATUS_OK && after == 0);
  svckit_cluster_free(cluster);
}

static void test_null(void) {
  svckit_table *table = NULL;
  svckit_findings *findings = (svckit_findings *)&table;
  svckit_pick pick;
  svckit_flow some = flow("10.96.0.10", 80);
  CHECK(svckit_cluster_apply(NULL, NULL, 0, 0, &findings) == SVCKIT_STATUS_NULL_POINTER && findings == NULL);
  CHECK(svckit_cluster_table(NULL, &table) == SVCKIT_STATUS_NULL_POINTER && table == NULL);
  CHECK(svckit_table_pick(NULL, &some, 0, &pick) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_findings_len(NULL) == 0);
  svckit_cluster_free(NULL);
  svckit_table_free(NULL);
  svckit_affinity_free(NULL);
  svckit_findings_free(NULL);
  svckit_cluster *cluster = new_cluster();
  table = table_of(cluster);
  CHECK(svckit_cluster_table(cluster, NULL) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_table_pick(table, NULL, 0, &pick) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_table_pick(table, &some, 0, NULL) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_table_pick_many(table, NULL, 0, 0, NULL) == SVCKIT_STATUS_OK);
  CHECK(svckit_table_pick_many(table, NULL, 1, 0, &pick) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_table_pick_many(table, &some, SIZE_MAX, 0, &pick) == SVCKIT_STATUS_INVALID_ARGUMENT);
  svckit_table_free(table);
  svckit_cluster_free(cluster);
}

int main(void) {
  test_picks();
  test_affinity();
  test_findings();
  test_null();
  puts("ok");
  return 0;
}
