/*
 * Runs vectors/allocator-bands.json, or the files named on the command line, through the C face.
 * Ends with 0 when all is well.
 */
#include "check.h"
#include "json.h"

static int failed = 0;

/* Counts and names what differs. */
static void expect(bool same, const char *id, const char *what) {
  if (!same) {
    printf("FAIL %s: %s\n", id, what);
    failed++;
  }
}

/* Whether a value is this address; with no value, whether there is none. */
static bool is_ip(const char *value, bool there, const svckit_ip *came) {
  char text[64];
  if (!value || !there) {
    return !value && !there;
  }
  return json_text(value, text, sizeof text) && prints(came, text);
}

static void cluster_ip(const char *vector) {
  char cidr[64];
  svckit_address_range range;
  CHECK(json_text(json_get(vector, "cidr"), cidr, sizeof cidr));
  svckit_status status = svckit_address_range_parse(TEXT(cidr), true, &range);
  expect(status == SVCKIT_STATUS_OK, cidr, svckit_status_text(status));
  if (status != SVCKIT_STATUS_OK) {
    return;
  }
  const char *low = json_get(vector, "static"), *high = json_get(vector, "dynamic");
  bool any = range.usable > 0, two_bands = range.static_len > 0, v4 = !strchr(cidr, ':');
  expect(range.usable == json_number(json_get(vector, "usable")), cidr, "usable");
  expect(range.static_len == json_number(json_get(vector, "offset")), cidr, "offset");
  expect(is_ip(json_get(vector, "network"), true, &range.network), cidr, "network");
  expect(is_ip(json_get(vector, "broadcast"), v4, &range.broadcast), cidr, "broadcast");
  const svckit_ip *first = two_bands ? &range.static_first : &range.dynamic_first;
  expect(is_ip(json_get(vector, "first"), any, first), cidr, "first");
  expect(is_ip(json_get(vector, "last"), any, &range.dynamic_last), cidr, "last");
  expect(is_ip(json_item(low, 0), two_bands, &range.static_first), cidr, "static");
  expect(is_ip(json_item(low, 1), two_bands, &range.static_last), cidr, "static");
  expect(is_ip(json_item(high, 0), any, &range.dynamic_first), cidr, "dynamic");
  expect(is_ip(json_item(high, 1), any, &range.dynamic_last), cidr, "dynamic");
}

static void node_port(const char *vector) {
  char text[32];
  svckit_port_range range;
  const char *ends = json_get(vector, "range"), *low = json_get(vector, "static"),
             *high = json_get(vector, "dynamic");
  snprintf(text, sizeof text, "%u-%u", (unsigned)json_number(json_item(ends, 0)),
           (unsigned)json_number(json_item(ends, 1)));
  svckit_status status = svckit_port_range_parse(TEXT(text), &range);
  expect(status == SVCKIT_STATUS_OK, text, svckit_status_text(status));
  if (status != SVCKIT_STATUS_OK) {
    return;
  }
  expect(range.size == json_number(json_get(vector, "size")), text, "size");
  expect(range.static_len == json_number(json_get(vector, "offset")), text, "offset");
  expect(range.first == json_number(json_item(ends, 0)), text, "range");
  expect(range.last == json_number(json_item(ends, 1)), text, "range");
  expect(range.static_first == json_number(json_item(low, 0)), text, "static");
  expect(range.static_last == json_number(json_item(low, 1)), text, "static");
  expect(range.dynamic_first == json_number(json_item(high, 0)), text, "dynamic");
  expect(range.dynamic_last == json_number(json_item(high, 1)), text, "dynamic");
}

static int run(const char *path) {
  static const struct {
    const char *section;
    void (*run)(const char *vector);
  } sections[] = {{"clusterIP", cluster_ip}, {"nodePort", node_port}};
  char *text = read_file(path);
  const char *document = json_space(text);
  int cases = 0;
  CHECK(json_is(json_get(document, "kind"), "allocator-bands"));
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    const char *at = json_first(json_get(document, sections[i].section));
    for (; at; at = json_next(at), cases++) {
      sections[i].run(at);
    }
  }
  free(text);
  printf("%s: %d cases, %d differences\n", path, cases, failed);
  return cases;
}

int main(int argc, char **argv) {
  int cases = argc > 1 ? 0 : run("vectors/allocator-bands.json");
  for (int i = 1; i < argc; i++) {
    cases += run(argv[i]);
  }
  return cases == 0 || failed > 0;
}
