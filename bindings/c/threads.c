/*
 * Calls that take their handle as const, from several threads at once on the same handles; and handles that move from
 * one thread to another. Run under helgrind, which reports data races.
 */
#include <pthread.h>

#include "shop.h"

enum { THREADS = 4, TURNS = 50 };

static struct {
  svckit_cluster *cluster;
  svckit_table *table;
  svckit_zone *zone;
  svckit_routes *routes;
  svckit_selector *selector;
  svckit_labels *labels;
} all;

static void *look(void *unused) {
  static const uint8_t question[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\3web\4shop\3svc\7cluster\5local\0\0\1\0\1";
  svckit_peer peer = {ip("::"), 1, false};
  (void)unused;
  for (int turn = 0; turn < TURNS; turn++) {
    svckit_flow to = flow("10.96.0.10", 80);
    svckit_pick pick;
    CHECK(svckit_table_pick(all.table, &to, (uint64_t)turn, &pick) == SVCKIT_STATUS_OK);
    CHECK(pick.outcome == SVCKIT_OUTCOME_BACKEND);
    uint8_t answer[512] = {0};
    svckit_reply reply;
    CHECK(svckit_zone_answer(all.zone, question, sizeof question - 1, &peer, answer, sizeof answer, &reply) ==
          SVCKIT_STATUS_OK);
    CHECK(reply.action == SVCKIT_REPLY_SEND && answer[7] == 1);
    size_t length = 0;
    CHECK(svckit_routes_len(all.routes, &length) == SVCKIT_STATUS_OK && length == 1);
    bool matches = false;
    CHECK(svckit_selector_matches(all.selector, all.labels, &matches) == SVCKIT_STATUS_OK && matches);
    svckit_trace *trace = NULL;
    CHECK(svckit_cluster_trace(all.cluster, &to, &trace) == SVCKIT_STATUS_OK);
    svckit_trace_free(trace);
    CHECK(svckit_cluster_get(all.cluster, TEXT("Service"), TEXT("shop"), TEXT("web"), NULL, 0, &length) ==
          SVCKIT_STATUS_BUFFER_TOO_SMALL);
  }
  return NULL;
}

/* Ends in another thread what was made in this one. */
static void *end(void *unused) {
  (void)unused;
  svckit_cluster_free(all.cluster);
  svckit_table_free(all.table);
  svckit_zone_free(all.zone);
  svckit_routes_free(all.routes);
  svckit_selector_free(all.selector);
  svckit_labels_free(all.labels);
  return NULL;
}

int main(void) {
  svckit_label label = {{(const uint8_t *)"app", 3}, {(const uint8_t *)"web", 3}};
  all.cluster = new_cluster();
  CHECK(svckit_cluster_table(all.cluster, &all.table) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_zone(all.cluster, &all.zone) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_routes(all.cluster, NULL, &all.routes) == SVCKIT_STATUS_OK);
  CHECK(svckit_selector_parse(TEXT("app=web"), NULL, &all.selector) == SVCKIT_STATUS_OK);
  CHECK(svckit_labels_new(&label, 1, &all.labels) == SVCKIT_STATUS_OK);
  pthread_t threads[THREADS], last;
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, look, NULL) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  CHECK(pthread_create(&last, NULL, end, NULL) == 0);
  pthread_join(last, NULL);
  puts("ok");
  return 0;
}
