/* Cluster IPs and node ports from C. Ends with 0 when all is well. */
#include "check.h"

static const svckit_seed seed = {{1, 2, 3, 4}};

static svckit_cluster_ips *new_ips(const char *cidr, uint64_t quarantine_ns) {
  svckit_cluster_ips *ips = NULL;
  CHECK(svckit_cluster_ips_new(&seed, quarantine_ns, &ips) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_ips_add(ips, TEXT(cidr)) == SVCKIT_STATUS_OK);
  return ips;
}

static void test_texts(void) {
  static const struct {
    const char *name, *text, *prints;
    svckit_status want;
  } cases[] = {
      {"IPv4", "10.96.0.1", "10.96.0.1", SVCKIT_STATUS_OK},
      {"IPv6", "FD00:0::1", "fd00::1", SVCKIT_STATUS_OK},
      {"mapped", "::ffff:10.96.0.1", "10.96.0.1", SVCKIT_STATUS_OK},
      {"empty", "", NULL, SVCKIT_STATUS_INVALID_ARGUMENT},
      {"nothing", NULL, NULL, SVCKIT_STATUS_INVALID_ARGUMENT},
      {"not UTF-8", "\xff", NULL, SVCKIT_STATUS_INVALID_ARGUMENT},
      {"short", "10.96.0", NULL, SVCKIT_STATUS_INVALID_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_ip parsed = {{0}};
    svckit_status status = svckit_ip_parse(TEXT(cases[i].text), &parsed);
    printf("ip %s: %s\n", cases[i].name, svckit_status_text(status));
    CHECK(status == cases[i].want);
    CHECK(status != SVCKIT_STATUS_OK || prints(&parsed, cases[i].prints));
  }
  svckit_ip some = ip("10.96.0.1");
  uint8_t small[4];
  size_t length = 0;
  CHECK(svckit_ip_print(&some, small, sizeof small, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(length == strlen("10.96.0.1"));
}

static void test_ranges(void) {
  static const struct {
    const char *cidr;
    svckit_status want;
  } cases[] = {
      {"10.96.0.0/30", SVCKIT_STATUS_OK},
      {"fd00::/64", SVCKIT_STATUS_OK},
      {"fd00::/63", SVCKIT_STATUS_TOO_LARGE},
      {"10.96.0.0", SVCKIT_STATUS_INVALID_ARGUMENT},
      {"", SVCKIT_STATUS_INVALID_ARGUMENT},
      {NULL, SVCKIT_STATUS_INVALID_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_cluster_ips *ips = NULL;
    CHECK(svckit_cluster_ips_new(&seed, 0, &ips) == SVCKIT_STATUS_OK);
    CHECK(svckit_cluster_ips_add(ips, TEXT(cases[i].cidr)) == cases[i].want);
    svckit_cluster_ips_free(ips);
  }
  svckit_cluster_ips *ips = new_ips("10.96.0.0/30", 0);
  CHECK(svckit_cluster_ips_add(ips, TEXT("10.96.0.0/30")) == SVCKIT_STATUS_EXISTS);
  CHECK(svckit_cluster_ips_remove(ips, TEXT("10.96.0.0/30")) == SVCKIT_STATUS_IN_USE);
  CHECK(svckit_cluster_ips_drain(ips, TEXT("10.96.0.0/29")) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_cluster_ips_drain(ips, TEXT("10.96.0.0/30")) == SVCKIT_STATUS_OK);
  svckit_ip drawn;
  CHECK(svckit_cluster_ips_allocate(ips, 4, 0, &drawn) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(svckit_cluster_ips_remove(ips, TEXT("10.96.0.0/30")) == SVCKIT_STATUS_OK);
  svckit_cluster_ips_free(ips);
}

static void test_draws(void) {
  svckit_cluster_ips *ips = new_ips("10.96.0.0/30", SVCKIT_QUARANTINE_NS);
  svckit_ip first, second, third = {{0}}, zero = {{0}};
  CHECK(svckit_cluster_ips_allocate(ips, 4, 0, &first) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_ips_allocate(ips, 4, 0, &second) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_ips_allocate(ips, 4, 0, &third) == SVCKIT_STATUS_EXHAUSTED);
  CHECK(memcmp(&third, &zero, sizeof zero) == 0);
  CHECK(svckit_cluster_ips_allocate(ips, 5, 0, &third) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(svckit_cluster_ips_allocate(ips, 6, 0, &third) == SVCKIT_STATUS_NOT_FOUND);
  CHECK(memcmp(&first, &second, sizeof first) != 0);

  bool held = false;
  CHECK(svckit_cluster_ips_reserve(ips, &first) == SVCKIT_STATUS_TAKEN);
  CHECK(svckit_cluster_ips_release(ips, &first, 1, &held) == SVCKIT_STATUS_OK && held);
  CHECK(svckit_cluster_ips_release(ips, &first, 1, &held) == SVCKIT_STATUS_OK && !held);
  CHECK(svckit_cluster_ips_cancel(ips, &second, &held) == SVCKIT_STATUS_OK && held);
  CHECK(svckit_cluster_ips_is_held(ips, &second, &held) == SVCKIT_STATUS_OK && !held);
  CHECK(svckit_cluster_ips_allocate(ips, 4, 2, &third) == SVCKIT_STATUS_OK);
  CHECK(memcmp(&third, &second, sizeof third) == 0); /* the other one rests */
  CHECK(svckit_cluster_ips_allocate(ips, 4, 2, &third) == SVCKIT_STATUS_OK);
  CHECK(memcmp(&third, &first, sizeof third) == 0); /* nothing else is left */
  svckit_ip outside = ip("10.96.0.3");
  CHECK(svckit_cluster_ips_reserve(ips, &outside) == SVCKIT_STATUS_OUT_OF_RANGE);
  svckit_cluster_ips_free(ips);
}

static void test_snapshots(void) {
  svckit_cluster_ips *ips = new_ips("fd00::/64", 0), *copy = new_ips("fd00::/64", 0);
  svckit_ip held[8], drawn;
  for (int i = 0; i < 8; i++) {
    CHECK(svckit_cluster_ips_allocate(ips, 6, 0, &drawn) == SVCKIT_STATUS_OK);
  }
  size_t length = 0, refused = 9;
  CHECK(svckit_cluster_ips_held(ips, NULL, 0, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(length == 8);
  CHECK(svckit_cluster_ips_held(ips, held, 8, &length) == SVCKIT_STATUS_OK);
  CHECK(svckit_cluster_ips_restore(copy, held, length, &refused) == SVCKIT_STATUS_OK && refused == 0);
  CHECK(svckit_cluster_ips_restore(copy, held, length, &refused) == SVCKIT_STATUS_OK && refused == 8);
  svckit_cluster_ips_free(copy);
  svckit_cluster_ips_free(ips);
}

static void test_node_ports(void) {
  const uint8_t both = SVCKIT_PROTOCOLS_TCP | SVCKIT_PROTOCOLS_UDP;
  svckit_node_ports *ports = NULL;
  CHECK(svckit_node_ports_new(TEXT("1-"), &seed, 0, &ports) == SVCKIT_STATUS_INVALID_ARGUMENT);
  CHECK(ports == NULL);
  CHECK(svckit_node_ports_new(TEXT("30000+1"), &seed, 0, &ports) == SVCKIT_STATUS_OK);
  CHECK(svckit_node_ports_reserve(ports, 30000, SVCKIT_PROTOCOLS_SCTP) == SVCKIT_STATUS_OK);
  CHECK(svckit_node_ports_reserve(ports, 30000, both) == SVCKIT_STATUS_OK);
  CHECK(svckit_node_ports_reserve(ports, 30000, both) == SVCKIT_STATUS_TAKEN);
  CHECK(svckit_node_ports_reserve(ports, 30002, both) == SVCKIT_STATUS_OUT_OF_RANGE);
  CHECK(svckit_node_ports_reserve(ports, 0, both) == SVCKIT_STATUS_OUT_OF_RANGE);
  CHECK(svckit_node_ports_reserve(ports, 30001, 8) == SVCKIT_STATUS_INVALID_ARGUMENT);
  uint16_t port = 0;
  uint8_t held = 0;
  CHECK(svckit_node_ports_allocate(ports, both, 0, &port) == SVCKIT_STATUS_OK && port == 30001);
  CHECK(svckit_node_ports_allocate(ports, both, 0, &port) == SVCKIT_STATUS_EXHAUSTED);
  CHECK(svckit_node_ports_holds(ports, 30000, &held) == SVCKIT_STATUS_OK && held == 7);

  svckit_held_port list[2];
  size_t length = 0, refused = 0;
  CHECK(svckit_node_ports_held(ports, list, 2, &length) == SVCKIT_STATUS_OK && length == 2);
  CHECK(list[0].port == 30000 && list[0].protocols == 7 && list[1].protocols == both);
  CHECK(svckit_node_ports_restore(ports, list, 2, &refused) == SVCKIT_STATUS_OK && refused == 2);
  CHECK(svckit_node_ports_release(ports, 30000, 7, 0, &held) == SVCKIT_STATUS_OK && held == 7);
  CHECK(svckit_node_ports_cancel(ports, 30000, 7, &held) == SVCKIT_STATUS_OK && held == 0);
  svckit_node_ports_free(ports);
}

static void test_null(void) {
  svckit_cluster_ips *ips = NULL;
  svckit_ip some = ip("10.96.0.1");
  bool held;
  CHECK(svckit_cluster_ips_new(NULL, 0, &ips) == SVCKIT_STATUS_NULL_POINTER && ips == NULL);
  CHECK(svckit_cluster_ips_new(&seed, 0, NULL) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_cluster_ips_reserve(NULL, &some) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_cluster_ips_is_held(NULL, &some, &held) == SVCKIT_STATUS_NULL_POINTER);
  svckit_cluster_ips_free(NULL);
  svckit_node_ports_free(NULL);
  ips = new_ips("10.96.0.0/30", 0);
  CHECK(svckit_cluster_ips_reserve(ips, NULL) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_cluster_ips_allocate(ips, 4, 0, NULL) == SVCKIT_STATUS_NULL_POINTER);
  CHECK(svckit_cluster_ips_add(ips, NULL, 3) == SVCKIT_STATUS_NULL_POINTER);
  size_t length = 7;
  CHECK(svckit_cluster_ips_held(ips, NULL, 0, &length) == SVCKIT_STATUS_OK && length == 0);
  svckit_cluster_ips_free(ips);
}

int main(void) {
  CHECK(svckit_version() == SVCKIT_VERSION);
  test_texts();
  test_ranges();
  test_draws();
  test_snapshots();
  test_node_ports();
  test_null();
  puts("ok");
  return 0;
}
