/* Rules on objects and texts, labels and selectors. */
#include "shop.h"

static void test_objects(void) {
  static const struct {
    const char *object;
    const char *gates;
    svckit_status want;
    const char *path;
  } cases[] = {
      {"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"a\"},"
       " \"spec\": {\"ports\": [{\"port\": 80}]}}",
       NULL, SVCKIT_STATUS_OK, NULL},
      {"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"a\"},"
       " \"spec\": {\"ports\": [{\"port\": 0}]}}",
       NULL, SVCKIT_STATUS_REFUSED, "spec.ports[0].port"},
      {"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"1a\"},"
       " \"spec\": {\"ports\": [{\"port\": 80}]}}",
       "RelaxedServiceNameValidation=false", SVCKIT_STATUS_REFUSED, "metadata.name"},
      {"{\"apiVersion\": \"v1\", \"kind\": \"Servise\"}", NULL, SVCKIT_STATUS_REFUSED, "kind"},
      {"{} {}", NULL, SVCKIT_STATUS_REFUSED, "kind"},
      {"{", NULL, SVCKIT_STATUS_INVALID_ARGUMENT, ""},
      {"{}", "NoSuchGate=true", SVCKIT_STATUS_INVALID_ARGUMENT, NULL},
      {NULL, NULL, SVCKIT_STATUS_REFUSED, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_findings *findings = NULL;
    svckit_finding finding;
    CHECK(svckit_object_check(TEXT(cases[i].object), TEXT(cases[i].gates), &findings) == cases[i].want);
    CHECK((svckit_findings_len(findings) > 0) == (cases[i].path != NULL));
    if (cases[i].path) {
      CHECK(svckit_findings_get(findings, 0, &finding) == SVCKIT_STATUS_OK && same(finding.path, cases[i].path));
    }
    svckit_findings_free(findings);
  }
}

static void test_defaults_and_changes(void) {
  const char *service = "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"a\"},"
                        " \"spec\": {\"clusterIP\": \"10.96.0.1\", \"ports\": [{\"port\": 80}]}}";
  char filled[2000];
  size_t length = 0;
  CHECK(svckit_object_default(TEXT(service), NULL, (uint8_t *)filled, sizeof filled - 1, &length) ==
        SVCKIT_STATUS_OK);
  filled[length] = 0;
  CHECK(strstr(filled, "\"type\":\"ClusterIP\"") && strstr(filled, "\"namespace\":\"default\""));
  CHECK(svckit_object_default(TEXT(service), NULL, (uint8_t *)filled, 10, &length) ==
        SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(svckit_object_default(TEXT(service), NULL, (uint8_t *)filled, sizeof filled - 1, &length) ==
        SVCKIT_STATUS_OK);
  const char *old = "{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"IngressClass\","
                    " \"metadata\": {\"name\": \"a\", \"resourceVersion\": \"1\"},"
                    " \"spec\": {\"controller\": \"example.org/old\"}}";
  char changed[300];
  strcpy(changed, old);
  memcpy(strstr(changed, "old"), "new", 3);
  svckit_findings *findings = NULL;
  svckit_finding finding;
  CHECK(svckit_object_validate(TEXT(changed), NULL, 0, NULL, 0, &findings) == SVCKIT_STATUS_OK);
  CHECK(svckit_object_validate(TEXT(changed), TEXT(old), NULL, 0, &findings) == SVCKIT_STATUS_REFUSED);
  CHECK(svckit_findings_get(findings, 0, &finding) == SVCKIT_STATUS_OK && same(finding.path, "spec.controller"));
  svckit_findings_free(findings);
  CHECK(svckit_object_validate(TEXT(changed), TEXT("{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}"), NULL, 0, NULL) ==
        SVCKIT_STATUS_INVALID_ARGUMENT);
}

static void test_syntax(void) {
  static const struct {
    const char *form, *value;
    svckit_status want;
  } cases[] = {
      {"rfc1123-label", "cart", SVCKIT_STATUS_OK},      {"rfc1123-label", "a.b", SVCKIT_STATUS_REFUSED},
      {"ip-lenient", "010.0.0.1", SVCKIT_STATUS_OK},    {"ip-strict", "010.0.0.1", SVCKIT_STATUS_REFUSED},
      {"port-number", "65535", SVCKIT_STATUS_OK},       {"port-number", "65536", SVCKIT_STATUS_REFUSED},
      {"port-number", "http", SVCKIT_STATUS_REFUSED},   {"label-value", NULL, SVCKIT_STATUS_OK},
      {"no-form", "a", SVCKIT_STATUS_INVALID_ARGUMENT}, {NULL, "a", SVCKIT_STATUS_INVALID_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_findings *findings = NULL;
    CHECK(svckit_syntax_check(TEXT(cases[i].form), TEXT(cases[i].value), &findings) == cases[i].want);
    CHECK((svckit_findings_len(findings) > 0) == (cases[i].want == SVCKIT_STATUS_REFUSED));
    svckit_findings_free(findings);
  }
}

static svckit_selector *selector_of(const char *text) {
  svckit_selector *selector = NULL;
  CHECK(svckit_selector_parse(TEXT(text), NULL, &selector) == SVCKIT_STATUS_OK);
  return selector;
}

static void test_selectors(void) {
  svckit_label pairs[2] = {{{(const uint8_t *)"app", 3}, {(const uint8_t *)"web", 3}},
                           {{(const uint8_t *)"tier", 4}, {(const uint8_t *)"front", 5}}};
  svckit_labels *labels = NULL;
  CHECK(svckit_labels_new(pairs, 2, &labels) == SVCKIT_STATUS_OK);
  static const struct {
    const char *text;
    bool matches;
  } cases[] = {
      {"app=web", true}, {"app in (web,api),tier", true}, {"app!=web", false}, {"!tier", false}, {"", true},
  };
  svckit_selector_index *index = NULL;
  CHECK(svckit_selector_index_new(&seed, &index) == SVCKIT_STATUS_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    svckit_selector *selector = selector_of(cases[i].text);
    bool matches = !cases[i].matches;
    CHECK(svckit_selector_matches(selector, labels, &matches) == SVCKIT_STATUS_OK && matches == cases[i].matches);
    CHECK(svckit_selector_index_insert(index, i, selector) == SVCKIT_STATUS_OK);
    svckit_selector_free(selector);
  }
  uint64_t numbers[5];
  size_t length = 0;
  CHECK(svckit_selector_index_matching(index, labels, numbers, 1, &length) == SVCKIT_STATUS_BUFFER_TOO_SMALL);
  CHECK(svckit_selector_index_matching(index, labels, numbers, 5, &length) == SVCKIT_STATUS_OK && length == 3);
  CHECK(numbers[0] == 0 && numbers[1] == 1 && numbers[2] == 4);
  CHECK(svckit_selector_index_remove(index, 1) == SVCKIT_STATUS_OK);
  CHECK(svckit_selector_index_matching(index, labels, numbers, 5, &length) == SVCKIT_STATUS_OK && length == 2);
  CHECK(svckit_selector_index_matching(index, NULL, numbers, 5, &length) == SVCKIT_STATUS_NULL_POINTER);

  svckit_selector *read = NULL;
  svckit_findings *findings = NULL;
  CHECK(svckit_selector_parse(TEXT("a=b=c"), &findings, &read) == SVCKIT_STATUS_INVALID_ARGUMENT && !read);
  CHECK(svckit_findings_len(findings) == 1);
  svckit_findings_free(findings);
  const char *json = "{\"matchLabels\": {\"app\": \"web\"}, \"matchExpressions\": [{\"key\": \"tier\","
                     " \"operator\": \"In\", \"values\": [\"b\", \"a\"]}]}";
  CHECK(svckit_selector_from_json(TEXT(json), &findings, &read) == SVCKIT_STATUS_OK && findings == NULL);
  char text[60];
  CHECK(svckit_selector_print(read, (uint8_t *)text, sizeof text - 1, &length) == SVCKIT_STATUS_OK);
  text[length] = 0;
  CHECK(strcmp(text, "app=web,tier in (a,b)") == 0);
  svckit_selector_free(read);
  bool matches = true;
  CHECK(svckit_selector_from_json(NULL, 0, NULL, &read) == SVCKIT_STATUS_OK);
  CHECK(svckit_selector_matches(read, labels, &matches) == SVCKIT_STATUS_OK && !matches);
  svckit_selector_free(read);
  CHECK(svckit_selector_from_json(TEXT("{\"matchLabel\": {}}"), &findings, &read) == SVCKIT_STATUS_INVALID_ARGUMENT);
  svckit_findings_free(findings);
  svckit_labels_free(labels);
  svckit_selector_index_free(index);
}

int main(void) {
  test_objects();
  test_defaults_and_changes();
  test_syntax();
  test_selectors();
  puts("ok");
  return 0;
}
