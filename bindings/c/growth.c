/* A million calls, made and given back: the process must not grow. The count comes from the command line. */
#include "shop.h"

/* Pages that the process holds. */
static long pages(void) {
  long total = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%ld %ld", &total, &resident) == 2);
  fclose(file);
  return resident;
}

static void turn(svckit_cluster *cluster, const svckit_table *table, const svckit_zone *zone, unsigned n) {
  static const uint8_t question[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\3web\4shop\3svc\7cluster\5local\0\0\1\0\1";
  svckit_flow to = flow("10.96.0.10", 80);
  svckit_pick pick;
  CHECK(svckit_table_pick(table, &to, n, &pick) == SVCKIT_STATUS_OK);
  svckit_peer peer = {ip("::"), n, false};
  uint8_t answer[512] = {0};
  svckit_reply reply;
  CHECK(svckit_zone_answer(zone, question, sizeof question - 1, &peer, answer, sizeof answer, &reply) ==
        SVCKIT_STATUS_OK);
  svckit_selector *selector = NULL;
  svckit_findings *findings = NULL;
  CHECK(svckit_selector_parse(TEXT(n % 2 ? "a=b" : "a=b=c"), &findings, &selector) ==
        (n % 2 ? SVCKIT_STATUS_OK : SVCKIT_STATUS_INVALID_ARGUMENT));
  svckit_findings_free(findings);
  svckit_selector_free(selector);
  svckit_trace *trace = NULL;
  CHECK(svckit_cluster_trace(cluster, &to, &trace) == SVCKIT_STATUS_OK);
  svckit_trace_free(trace);
  if (n % 50 == 0) {
    svckit_table *other = NULL;
    svckit_plan *plan = NULL;
    CHECK(svckit_cluster_delete(cluster, TEXT("Pod"), TEXT("shop"), TEXT("a"), n) == SVCKIT_STATUS_OK);
    CHECK(svckit_cluster_apply(cluster, TEXT(objects), n, NULL) == SVCKIT_STATUS_OK);
    CHECK(svckit_cluster_table(cluster, &other) == SVCKIT_STATUS_OK);
    CHECK(svckit_cluster_plan(cluster, &plan) == SVCKIT_STATUS_OK);
    svckit_plan_info info;
    if (plan) {
      CHECK(svckit_plan_describe(plan, &info) == SVCKIT_STATUS_OK);
      CHECK(svckit_cluster_commit(cluster, info.generation) == SVCKIT_STATUS_OK);
    }
    svckit_plan_free(plan);
    svckit_table_free(other);
  }
}

int main(int argc, char **argv) {
  /* Four calls a turn. */
  unsigned turns = (argc > 1 ? (unsigned)atoi(argv[1]) : 2000) / 4;
  svckit_cluster *cluster = new_cluster();
  svckit_table *table = NULL;
  svckit_zone *zone = NULL;
  CHECK(svckit_cluster_table(cluster, &table) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_zone(cluster, &zone) == SVCKIT_STATUS_OK);
  for (unsigned n = 0; n < turns / 10; n++) {
    turn(cluster, table, zone, n);
  }
  long before = pages();
  for (unsigned n = 0; n < turns; n++) {
    turn(cluster, table, zone, n);
  }
  long grown = pages() - before;
  printf("%u calls, %ld pages more\n", turns * 4, grown);
  CHECK(argc < 2 || grown < 256);
  svckit_zone_free(zone);
  svckit_table_free(table);
  svckit_cluster_free(cluster);
  return 0;
}
