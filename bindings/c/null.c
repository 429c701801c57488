/*
 * Every call without its handle, without its outputs, and with lengths that can't be: each is answered, nothing is
 * written, nothing crashes. Lists of calls that give something up accept NULL.
 */
#include "shop.h"

enum { NONE = SVCKIT_STATUS_NULL_POINTER, BAD = SVCKIT_STATUS_INVALID_ARGUMENT };

static int calls = 0;

/* Names the call that answers otherwise. */
#define ANSWERS(status, call)                                                                         \
  do {                                                                                                \
    svckit_status came = (call);                                                                      \
    calls++;                                                                                          \
    if (came != (svckit_status)(status)) {                                                            \
      fprintf(stderr, "%s:%d: %s answers %d, not %d\n", __FILE__, __LINE__, #call, (int)came, status); \
      exit(1);                                                                                        \
    }                                                                                                 \
  } while (0)

/* No text, and one that is longer than memory. */
#define NO NULL, 0
#define HUGE (const uint8_t *)"x", SIZE_MAX

static void without_handles(void) {
  svckit_flow to = flow("10.96.0.10", 80);
  svckit_ip ip = to.address;
  svckit_endpoint from = {ip, 80};
  svckit_peer peer = {ip, 1, false};
  svckit_serials serials = {0, 0, 0};
  svckit_request request = {0};
  svckit_text text = {NULL, 0};
  svckit_gateway_answer gateway;
  svckit_header_change change;
  svckit_pick pick;
  svckit_reply reply;
  svckit_answer answer;
  svckit_query query = {0};
  svckit_service_port name;
  svckit_decision decision;
  svckit_plan_info info;
  uint8_t buf[16], byte;
  uint16_t port;
  uint32_t count;
  uint64_t number;
  size_t len;
  bool yes;
  void *out = NULL;
  ANSWERS(NONE, svckit_cluster_apply(NULL, NO, 0, NULL));
  ANSWERS(NONE, svckit_cluster_replace(NULL, NO, 0, NULL));
  ANSWERS(NONE, svckit_cluster_delete(NULL, NO, NO, NO, 0));
  ANSWERS(NONE, svckit_cluster_len(NULL, &len));
  ANSWERS(NONE, svckit_cluster_get(NULL, NO, NO, NO, buf, 16, &len));
  ANSWERS(NONE, svckit_cluster_list(NULL, NO, buf, 16, &len));
  ANSWERS(NONE, svckit_cluster_balance(NULL, NO, NO, NO));
  ANSWERS(NONE, svckit_cluster_table(NULL, (svckit_table **)&out));
  ANSWERS(NONE, svckit_cluster_zone(NULL, (svckit_zone **)&out));
  ANSWERS(NONE, svckit_cluster_routes(NULL, NULL, (svckit_routes **)&out));
  ANSWERS(NONE, svckit_cluster_trace(NULL, &to, (svckit_trace **)&out));
  ANSWERS(NONE, svckit_cluster_plan(NULL, (svckit_plan **)&out));
  ANSWERS(NONE, svckit_cluster_plan_netlink(NULL, 0, (svckit_plan **)&out));
  ANSWERS(NONE, svckit_cluster_commit(NULL, 1));
  ANSWERS(NONE, svckit_cluster_reset(NULL));
  ANSWERS(NONE, svckit_cluster_render(NULL, NO, buf, 16, &len));
  ANSWERS(NONE, svckit_plan_describe(NULL, &info));
  ANSWERS(NONE, svckit_plan_nft(NULL, buf, 16, &len));
  ANSWERS(NONE, svckit_plan_netlink(NULL, 0, buf, 16, &len));
  ANSWERS(NONE, svckit_table_pick(NULL, &to, 1, &pick));
  ANSWERS(NONE, svckit_table_pick_many(NULL, &to, 1, 1, &pick));
  ANSWERS(NONE, svckit_table_pick_by_name(NULL, NO, NO, NO, 1, &from, 1, &pick));
  ANSWERS(NONE, svckit_table_endpoints(NULL, &to, &byte, &from, 1, &len));
  ANSWERS(NONE, svckit_table_service_port(NULL, 1, &name));
  ANSWERS(NONE, svckit_table_generation(NULL, &number));
  ANSWERS(NONE, svckit_table_connect(NULL, &to, 1, (svckit_connection **)&out));
  ANSWERS(NONE, svckit_table_connections(NULL, &to, 1, &count));
  ANSWERS(NONE, svckit_connection_observe(NULL, 1, 1));
  ANSWERS(NONE, svckit_affinity_len(NULL, 0, &len));
  ANSWERS(NONE, svckit_affinity_pick(NULL, NULL, &to, 0, 1, &pick));
  ANSWERS(NONE, svckit_affinity_pick_many(NULL, NULL, &to, 1, 0, 1, &pick));
  ANSWERS(NONE, svckit_zone_answer(NULL, NO, &peer, buf, 16, &reply));
  ANSWERS(NONE, svckit_zone_answer_many(NULL, &query, 1));
  ANSWERS(NONE, svckit_zone_target(NULL, NO, buf, 16, &len));
  ANSWERS(NONE, svckit_zone_complete(NULL, NO, &peer, NO, buf, 16, &reply));
  ANSWERS(NONE, svckit_zone_continue(NULL, NO, &peer, NULL, 0, buf, 16, &reply, buf, 16, &len));
  ANSWERS(NONE, svckit_zone_transfer(NULL, NO, buf, 16, &len));
  ANSWERS(NONE, svckit_zone_nameservers(NULL, NO, buf, 16, &len));
  ANSWERS(NONE, svckit_zone_serials(NULL, &serials));
  ANSWERS(NONE, svckit_names_apply(NULL, NO, NULL));
  ANSWERS(NONE, svckit_names_delete(NULL, NO, NO, NO));
  ANSWERS(NONE, svckit_names_sync(NULL));
  ANSWERS(NONE, svckit_names_set_serials(NULL, &serials));
  ANSWERS(NONE, svckit_names_zone(NULL, (svckit_zone **)&out));
  ANSWERS(NONE, svckit_skydns_put(NULL, NO, NO, 0));
  ANSWERS(NONE, svckit_skydns_remove(NULL, NO));
  ANSWERS(NONE, svckit_skydns_sync(NULL));
  ANSWERS(NONE, svckit_skydns_answer(NULL, NO, &peer, buf, 16, &reply));
  ANSWERS(NONE, svckit_slices_apply(NULL, NO, NULL));
  ANSWERS(NONE, svckit_slices_delete(NULL, NO, NO, NO));
  ANSWERS(NONE, svckit_slices_take(NULL, buf, 16, &len));
  ANSWERS(NONE, svckit_slices_list(NULL, buf, 16, &len));
  ANSWERS(NONE, svckit_routes_len(NULL, &len));
  ANSWERS(NONE, svckit_routes_answer(NULL, &request, &answer, buf, 16, &len));
  ANSWERS(NONE, svckit_routes_explain(NULL, &request, buf, 16, &len));
  ANSWERS(NONE, svckit_gateways_apply(NULL, NO, NULL));
  ANSWERS(NONE, svckit_gateways_delete(NULL, NO, NO, NO));
  ANSWERS(NONE, svckit_gateways_routes(NULL, NULL, (svckit_gateway_routes **)&out));
  ANSWERS(NONE, svckit_cluster_gateway_routes(NULL, NULL, (svckit_gateway_routes **)&out));
  ANSWERS(NONE, svckit_gateway_routes_answer(NULL, NO, NO, 80, &request, text, &gateway, &change, 1, &len, buf, 16, &len));
  ANSWERS(NONE, svckit_trace_decision(NULL, &decision));
  ANSWERS(NONE, svckit_trace_endpoints(NULL, &from, 1, &len));
  ANSWERS(NONE, svckit_trace_step(NULL, 0, &text));
  ANSWERS(NONE, svckit_selector_matches(NULL, NULL, &yes));
  ANSWERS(NONE, svckit_selector_print(NULL, buf, 16, &len));
  ANSWERS(NONE, svckit_selector_index_insert(NULL, 1, NULL));
  ANSWERS(NONE, svckit_selector_index_remove(NULL, 1));
  ANSWERS(NONE, svckit_selector_index_matching(NULL, NULL, &number, 1, &len));
  ANSWERS(NONE, svckit_cluster_ips_add(NULL, NO));
  ANSWERS(NONE, svckit_cluster_ips_drain(NULL, NO));
  ANSWERS(NONE, svckit_cluster_ips_remove(NULL, NO));
  ANSWERS(NONE, svckit_cluster_ips_reserve(NULL, &ip));
  ANSWERS(NONE, svckit_cluster_ips_allocate(NULL, 4, 0, &ip));
  ANSWERS(NONE, svckit_node_ports_reserve(NULL, 1, 1));
  ANSWERS(NONE, svckit_node_ports_allocate(NULL, 1, 0, &port));
  CHECK(svckit_findings_len(NULL) == 0 && out == NULL);
}

/* Outputs that are missing, and lengths that can't be, on handles that are there. */
static void without_outputs(void) {
  svckit_cluster *cluster = new_cluster();
  svckit_table *table = NULL;
  svckit_zone *zone = NULL;
  svckit_names *names = NULL;
  svckit_slices *slices = NULL;
  svckit_gateways *gateways = NULL;
  svckit_flow to = flow("10.96.0.10", 80);
  svckit_peer peer = {to.address, 1, false};
  svckit_pick pick;
  svckit_reply reply;
  uint8_t buf[16];
  size_t len = 7;
  ANSWERS(NONE, svckit_cluster_new(NO, NULL, NULL, &cluster));
  ANSWERS(NONE, svckit_cluster_new(NO, &seed, NULL, NULL));
  ANSWERS(BAD, svckit_cluster_apply(cluster, HUGE, 0, NULL));
  ANSWERS(NONE, svckit_cluster_apply(cluster, NULL, 1, 0, NULL));
  ANSWERS(NONE, svckit_cluster_table(cluster, NULL));
  ANSWERS(NONE, svckit_cluster_plan(cluster, NULL));
  ANSWERS(NONE, svckit_cluster_plan_netlink(cluster, 0, NULL));
  ANSWERS(NONE, svckit_cluster_render(cluster, TEXT("nft"), NULL, 1, &len));
  ANSWERS(NONE, svckit_cluster_render(cluster, TEXT("nft"), buf, 16, NULL));
  ANSWERS(0, svckit_cluster_table(cluster, &table));
  ANSWERS(0, svckit_cluster_zone(cluster, &zone));
  ANSWERS(NONE, svckit_table_pick(table, NULL, 1, &pick));
  ANSWERS(NONE, svckit_table_pick(table, &to, 1, NULL));
  ANSWERS(NONE, svckit_table_pick_many(table, NULL, 1, 1, &pick));
  ANSWERS(NONE, svckit_table_pick_many(table, &to, 1, 1, NULL));
  ANSWERS(BAD, svckit_table_pick_many(table, &to, SIZE_MAX, 1, &pick));
  ANSWERS(0, svckit_table_pick_many(table, NULL, 0, 1, NULL));
  ANSWERS(NONE, svckit_table_connect(table, &to, 1, NULL));
  ANSWERS(NONE, svckit_zone_answer(zone, NO, NULL, buf, 16, &reply));
  ANSWERS(NONE, svckit_zone_answer(zone, NULL, 12, &peer, buf, 16, &reply));
  ANSWERS(BAD, svckit_zone_answer(zone, HUGE, &peer, buf, 16, &reply));
  ANSWERS(NONE, svckit_zone_continue(zone, NO, &peer, NULL, 1, buf, 16, &reply, NULL, 0, &len));
  ANSWERS(NONE, svckit_names_new(NO, NULL, NULL, &names));
  ANSWERS(NONE, svckit_slices_new(NO, NULL, &slices));
  ANSWERS(NONE, svckit_gateways_new(NULL, &gateways));
  ANSWERS(NONE, svckit_skydns_new(NO, NULL));
  ANSWERS(NONE, svckit_question_answer(TEXT("topology"), TEXT("{}"), NULL, 1, &len));
  ANSWERS(BAD, svckit_question_answer(HUGE, NO, buf, 16, &len));
  CHECK(len == 7 && !names && !slices && !gateways);
  svckit_zone_free(zone);
  svckit_table_free(table);
  svckit_cluster_free(cluster);
}

static void given_up(void) {
  svckit_cluster_free(NULL);
  svckit_table_free(NULL);
  svckit_connection_free(NULL);
  svckit_affinity_free(NULL);
  svckit_zone_free(NULL);
  svckit_names_free(NULL);
  svckit_skydns_free(NULL);
  svckit_slices_free(NULL);
  svckit_routes_free(NULL);
  svckit_gateways_free(NULL);
  svckit_gateway_routes_free(NULL);
  svckit_plan_free(NULL);
  svckit_trace_free(NULL);
  svckit_findings_free(NULL);
  svckit_labels_free(NULL);
  svckit_selector_free(NULL);
  svckit_selector_index_free(NULL);
  svckit_cluster_ips_free(NULL);
  svckit_node_ports_free(NULL);
}

int main(void) {
  without_handles();
  without_outputs();
  given_up();
  printf("%d calls\n", calls);
  return 0;
}
