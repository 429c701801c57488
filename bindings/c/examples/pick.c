/*
 * The smallest program that does something: one Service, one endpoint, one pick.
 *
 *   cc pick.c $(pkg-config --cflags --libs svckit) -o pick && ./pick
 */
#include <stdio.h>
#include <string.h>
#include <svckit.h>

static const char objects[] =
    "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"web\"},"
    " \"spec\": {\"clusterIP\": \"10.96.0.10\", \"ports\": [{\"port\": 80}]}}"
    "{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"addressType\": \"IPv4\","
    " \"metadata\": {\"name\": \"web-1\", \"labels\": {\"kubernetes.io/service-name\": \"web\"}},"
    " \"ports\": [{\"name\": \"\", \"port\": 8080}], \"endpoints\": [{\"addresses\": [\"10.244.0.1\"]}]}";

int main(void) {
  const svckit_seed seed = {{1, 2, 3, 4}}; /* a real program asks getrandom */
  svckit_cluster *cluster = NULL;
  svckit_table *table = NULL;
  svckit_flow flow = {0};
  svckit_pick pick = {0};
  char text[40] = "";
  size_t length = 0;
  svckit_status status = svckit_cluster_new(NULL, 0, &seed, NULL, &cluster);
  if (status == SVCKIT_STATUS_OK) {
    status = svckit_cluster_apply(cluster, (const uint8_t *)objects, strlen(objects), 0, NULL);
  }
  if (status == SVCKIT_STATUS_OK) {
    status = svckit_cluster_table(cluster, &table);
  }
  svckit_ip_parse((const uint8_t *)"192.0.2.1", 9, &flow.source);
  svckit_ip_parse((const uint8_t *)"10.96.0.10", 10, &flow.address);
  flow.port = 80;
  flow.protocol = SVCKIT_PROTOCOLS_TCP;
  if (status == SVCKIT_STATUS_OK) {
    status = svckit_table_pick(table, &flow, 0, &pick);
  }
  svckit_ip_print(&pick.ip, (uint8_t *)text, sizeof text - 1, &length);
  printf("svckit %s: %s, 10.96.0.10:80 goes to %s:%d\n", SVCKIT_VERSION_TEXT, svckit_status_text(status), text,
         pick.port);
  svckit_table_free(table);
  svckit_cluster_free(cluster);
  return status != SVCKIT_STATUS_OK || pick.outcome != SVCKIT_OUTCOME_BACKEND;
}
