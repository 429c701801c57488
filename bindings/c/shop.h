/* A small shop for tests: Services with two ready pods, an Ingress, and the cluster that holds them. */
#ifndef SVCKIT_SHOP_H
#define SVCKIT_SHOP_H

#include "check.h"

static const svckit_seed seed = {{1, 2, 3, 4}};

static const char *const objects =
    "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": ["
    "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"web\", \"namespace\": \"shop\"},"
    " \"spec\": {\"clusterIP\": \"10.96.0.10\", \"selector\": {\"app\": \"web\"},"
    "  \"ports\": [{\"name\": \"http\", \"port\": 80, \"targetPort\": 8080}]}},"
    "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"sticky\", \"namespace\": \"shop\"},"
    " \"spec\": {\"clusterIP\": \"10.96.0.11\", \"selector\": {\"app\": \"web\"}, \"sessionAffinity\": \"ClientIP\","
    "  \"ports\": [{\"port\": 80, \"targetPort\": 8080}]}},"
    "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"empty\", \"namespace\": \"shop\"},"
    " \"spec\": {\"clusterIP\": \"10.96.0.12\", \"selector\": {\"app\": \"none\"}, \"ports\": [{\"port\": 80}]}}]}\n"
    "{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"Ingress\", \"metadata\": {\"name\": \"front\","
    "  \"namespace\": \"shop\"}, \"spec\": {\"rules\": [{\"host\": \"shop.example\", \"http\": {\"paths\": ["
    "  {\"path\": \"/cart\", \"pathType\": \"Prefix\", \"backend\": {\"service\": {\"name\": \"web\","
    "   \"port\": {\"name\": \"http\"}}}}]}}]}}\n"
    "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\", \"namespace\": \"shop\","
    "  \"labels\": {\"app\": \"web\"}}, \"spec\": {\"containers\": [{\"name\": \"c\"}]},"
    " \"status\": {\"phase\": \"Running\", \"podIP\": \"10.244.0.1\", \"podIPs\": [{\"ip\": \"10.244.0.1\"}],"
    "  \"conditions\": [{\"type\": \"Ready\", \"status\": \"True\"}]}}\n"
    "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"b\", \"namespace\": \"shop\","
    "  \"labels\": {\"app\": \"web\"}}, \"spec\": {\"containers\": [{\"name\": \"c\"}]},"
    " \"status\": {\"phase\": \"Running\", \"podIP\": \"10.244.0.2\", \"podIPs\": [{\"ip\": \"10.244.0.2\"}],"
    "  \"conditions\": [{\"type\": \"Ready\", \"status\": \"True\"}]}}\n";

static inline svckit_cluster *new_cluster(void) {
  svckit_cluster *cluster = NULL;
  svckit_findings *findings = NULL;
  CHECK(svckit_cluster_new(NULL, 0, &seed, &findings, &cluster) == SVCKIT_STATUS_OK);
  CHECK(findings == NULL);
  CHECK(svckit_cluster_apply(cluster, TEXT(objects), 0, &findings) == SVCKIT_STATUS_OK);
  CHECK(findings == NULL);
  return cluster;
}

/* A TCP connection from outside. */
static inline svckit_flow flow(const char *to, uint16_t port) {
  svckit_flow made = {ip("192.0.2.1"), ip(to), 5000, port, SVCKIT_PROTOCOLS_TCP};
  return made;
}

/* Whether a text of the library is this one. */
static inline bool same(svckit_text text, const char *want) {
  return text.len == strlen(want) && memcmp(text.data, want, text.len) == 0;
}

#endif
