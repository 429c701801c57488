/*
 * Runs vectors/service-validation.json, syntax.json and selectors.json through the C face, as far as they are about
 * what it offers. Ends with 0 when all is well.
 */
#include "check.h"
#include "json.h"

static int failed = 0, ran = 0;

/* Counts and names what differs. */
static void expect(bool same, const char *section, const char *what) {
  ran++;
  if (!same) {
    printf("FAIL %s %.200s\n", section, what);
    failed++;
  }
}

/* A value as svckit takes it: the JSON as it stands in the file. */
#define VALUE(value) (const uint8_t *)(value), (value) ? (size_t)(json_skip(value) - (value)) : 0

static const char *const kinds[] = {"Other",     "Required", "Invalid", "NotSupported", "Duplicate",
                                    "Forbidden", "TooLong",  "TooMany", "Unknown",      "Conflict"};

/* How often kind and path occur among the errors that are expected. */
static int wanted(const char *errors, const char *kind, svckit_text path) {
  int count = 0;
  for (const char *at = json_first(errors); at; at = json_next(at)) {
    size_t length = 0;
    char *field = json_copy(json_get(at, "field"), &length);
    count += field && json_is(json_get(at, "type"), kind) && length == path.len && !memcmp(field, path.data, length);
    free(field);
  }
  return count;
}

/* How often kind and path occur among findings. */
static int came(const svckit_findings *findings, svckit_finding_kind kind, svckit_text path) {
  int count = 0;
  svckit_finding each;
  for (size_t i = 0; svckit_findings_get(findings, i, &each) == SVCKIT_STATUS_OK; i++) {
    count += each.refused && each.kind == kind && each.path.len == path.len &&
             !memcmp(each.path.data, path.data, path.len);
  }
  return count;
}

/* Whether findings are exactly the errors of a case. */
static bool as_expected(const char *vector, const svckit_findings *findings) {
  const char *errors = json_get(vector, "errors");
  size_t refusals = 0, named = 0;
  svckit_finding each;
  for (size_t i = 0; svckit_findings_get(findings, i, &each) == SVCKIT_STATUS_OK; i++) {
    if (!each.refused) {
      continue;
    }
    refusals++;
    if (errors && wanted(errors, kinds[each.kind], each.path) != came(findings, each.kind, each.path)) {
      return false;
    }
  }
  for (const char *at = json_first(errors); at; at = json_next(at)) {
    named++;
  }
  const char *count = json_get(vector, "errorCount");
  return json_true(json_get(vector, "valid")) == (refusals == 0) && (!errors || named == refusals) &&
         (!count || json_number(count) == refusals);
}

static void service_validation(const char *document) {
  static const char *const sections[] = {"create", "update"};
  for (int update = 0; update < 2; update++) {
    const char *at = json_first(json_get(document, sections[update]));
    for (; at; at = json_next(at)) {
      char gates[300] = "StrictIPCIDRValidation=true,RelaxedServiceNameValidation=false", name[60], id[60] = "?";
      size_t length = strlen(gates);
      length += (size_t)snprintf(gates + length, sizeof gates - length, ",PreferSameTrafficDistribution=%s",
                                 update ? "true" : "false");
      for (const char *key = json_first(json_get(at, "gates")); key;) {
        const char *value = json_space(json_skip(key) + 1);
        CHECK(json_text(key, name, sizeof name));
        length += (size_t)snprintf(gates + length, sizeof gates - length, ",%s=%s", name,
                                   json_true(value) ? "true" : "false");
        key = json_next(value);
      }
      const char *object = json_get(at, update ? "new" : "object"), *old = update ? json_get(at, "old") : NULL;
      svckit_findings *findings = NULL;
      svckit_object_validate(VALUE(object), VALUE(old), TEXT(gates), &findings);
      json_text(json_get(at, "id"), id, sizeof id);
      expect(as_expected(at, findings), sections[update], id);
      svckit_findings_free(findings);
    }
  }
}

/* One text and one form; a number is checked as it is written. */
static void syntax_case(const char *form, const char *value, bool valid) {
  size_t length = 0;
  char *text = json_copy(value, &length), number[24];
  if (!text) {
    length = strcspn(value, ",] \n");
    CHECK(length < sizeof number);
    memcpy(number, value, length);
  }
  svckit_status status = svckit_syntax_check(TEXT(form), (const uint8_t *)(text ? text : number), length, NULL);
  expect(status == (valid ? SVCKIT_STATUS_OK : SVCKIT_STATUS_REFUSED), form, value);
  free(text);
}

static void syntax(const char *document) {
  static const char *const forms[][2] = {
      {"rfc1123Label", "rfc1123-label"},
      {"rfc1123Subdomain", "rfc1123-subdomain"},
      {"rfc1035Label", "rfc1035-label"},
      {"wildcardSubdomain", "wildcard-subdomain"},
      {"portName", "port-name"},
      {"portNumber", "port-number"},
      {"labelKeyOrQualifiedName", "label-key"},
      {"labelValue", "label-value"},
      {"fullyQualifiedDomain", "fully-qualified-domain"},
      {"domainPrefixedPath", "domain-prefixed-path"},
      {"interfaceAddress", "interface-address"},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const char *section = json_get(document, forms[i][0]);
    for (int valid = 0; valid < 2; valid++) {
      const char *at = json_first(json_get(section, valid ? "valid" : "invalid"));
      for (; at; at = json_next(at)) {
        syntax_case(forms[i][1], at, valid);
      }
    }
  }
  static const char *const columns[] = {"canonical", "strict", "lenient"}, *const families[] = {"ip", "cidr"};
  for (int family = 0; family < 2; family++) {
    for (const char *at = json_first(json_get(document, families[family])); at; at = json_next(at)) {
      for (int column = 0; column < 3; column++) {
        char form[20];
        snprintf(form, sizeof form, "%s-%s", families[family], columns[column]);
        syntax_case(form, json_get(at, "value"), json_true(json_get(at, columns[column])));
      }
    }
  }
}

/* The labels of a case. */
static svckit_labels *labels_of(const char *object) {
  svckit_label pairs[8];
  char *texts[16];
  size_t count = 0;
  for (const char *key = json_first(object); key && count < 8;) {
    const char *value = json_space(json_skip(key) + 1);
    svckit_label *pair = &pairs[count];
    texts[2 * count] = json_copy(key, &pair->key.len);
    texts[2 * count + 1] = json_copy(value, &pair->value.len);
    pair->key.data = (const uint8_t *)texts[2 * count];
    pair->value.data = (const uint8_t *)texts[2 * count + 1];
    count++;
    key = json_next(value);
  }
  svckit_labels *labels = NULL;
  CHECK(svckit_labels_new(pairs, count, &labels) == SVCKIT_STATUS_OK);
  while (count-- > 0) {
    free(texts[2 * count]);
    free(texts[2 * count + 1]);
  }
  return labels;
}

static void selector_case(const char *section, const char *at, bool match) {
  size_t length = 0;
  char *text = json_copy(json_get(at, "selector"), &length);
  CHECK(text);
  /* A NUL byte ends a text for the reference; here it is refused. */
  if (!memchr(text, 0, length)) {
    svckit_selector *selector = NULL;
    svckit_status status = svckit_selector_parse((const uint8_t *)text, length, NULL, &selector);
    bool good = match || json_true(json_get(at, "valid")), matches = false;
    bool same = status == (good ? SVCKIT_STATUS_OK : SVCKIT_STATUS_INVALID_ARGUMENT);
    if (same && match) {
      svckit_labels *labels = labels_of(json_get(at, "labels"));
      CHECK(svckit_selector_matches(selector, labels, &matches) == SVCKIT_STATUS_OK);
      svckit_labels_free(labels);
      same = matches == json_true(json_get(at, "match"));
    }
    const char *canonical = json_get(at, "canonical");
    if (same && selector && canonical) {
      char printed[300];
      size_t wanted_len = 0, printed_len = 0;
      char *want = json_copy(canonical, &wanted_len);
      CHECK(svckit_selector_print(selector, (uint8_t *)printed, sizeof printed, &printed_len) == SVCKIT_STATUS_OK);
      same = wanted_len == printed_len && !memcmp(want, printed, printed_len);
      free(want);
    }
    expect(same, section, text);
    svckit_selector_free(selector);
  }
  free(text);
}

static void selectors(const char *document) {
  static const char *const sections[] = {"parse", "ownParse", "match", "ownMatch"};
  for (int i = 0; i < 4; i++) {
    for (const char *at = json_first(json_get(document, sections[i])); at; at = json_next(at)) {
      selector_case(sections[i], at, i >= 2);
    }
  }
}

int main(void) {
  static const struct {
    const char *path;
    void (*run)(const char *document);
    int at_least;
  } files[] = {{"vectors/service-validation.json", service_validation, 140},
               {"vectors/syntax.json", syntax, 200},
               {"vectors/selectors.json", selectors, 60}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char *text = read_file(files[i].path);
    ran = 0;
    files[i].run(json_space(text));
    printf("%s: %d cases, %d differences so far\n", files[i].path, ran, failed);
    CHECK(ran >= files[i].at_least);
    free(text);
  }
  return failed > 0;
}
