/* What the program that answers questions reads them with, and prints its answers with. */
#ifndef SVCKIT_ASK_H
#define SVCKIT_ASK_H

#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>

#include "../check.h"
#include "../json.h"

/* A text of a question, to be freed; NULL with 0 when it isn't there. */
typedef struct {
  char *data;
  size_t len;
} text;

/* A text as svckit takes it. */
#define SPAN(text) (const uint8_t *)(text).data, (text).len

/* A value of the question as svckit takes JSON: as it stands there; NULL with 0 when it isn't there. */
#define JSON(line, key) (const uint8_t *)json_get(line, key), value_length(json_get(line, key))

static inline size_t value_length(const char *value) { return value ? (size_t)(json_skip(value) - value) : 0; }

static inline text text_of(const char *line, const char *key) {
  text made = {0};
  made.data = json_copy(json_get(line, key), &made.len);
  return made;
}

static inline svckit_ip ip_of(const char *line, const char *key) {
  text written = text_of(line, key);
  svckit_ip parsed;
  CHECK(svckit_ip_parse(SPAN(written), &parsed) == SVCKIT_STATUS_OK);
  free(written.data);
  return parsed;
}

/* Octets that are written in hexadecimal digits. */
static inline text octets_of(const char *value) {
  text digits = {0};
  digits.data = json_copy(value, &digits.len);
  for (size_t i = 0; i + 1 < digits.len; i += 2) {
    char pair[3] = {digits.data[i], digits.data[i + 1], 0};
    digits.data[i / 2] = (char)strtoul(pair, NULL, 16);
  }
  digits.len /= 2;
  return digits;
}

/* A request and what it points to. */
typedef struct {
  svckit_request request;
  svckit_text hosts[8];
  svckit_header headers[32];
  char *texts[128];
  size_t count;
} request;

static inline svckit_text lent(request *r, const char *value) {
  svckit_text made = {NULL, 0};
  char *copy = json_copy(value, &made.len);
  CHECK(r->count < 128);
  r->texts[r->count++] = copy;
  made.data = (const uint8_t *)copy;
  return made;
}

static inline void request_of(const char *line, request *r) {
  memset(r, 0, sizeof *r);
  r->request.method = lent(r, json_get(line, "method"));
  r->request.target = lent(r, json_get(line, "target"));
  for (const char *at = json_first(json_get(line, "hosts")); at && r->request.hosts_len < 8; at = json_next(at)) {
    r->hosts[r->request.hosts_len++] = lent(r, at);
  }
  for (const char *at = json_first(json_get(line, "headers")); at && r->request.headers_len < 32; at = json_next(at)) {
    svckit_header *header = &r->headers[r->request.headers_len++];
    header->name = lent(r, json_item(at, 0));
    header->value = lent(r, json_item(at, 1));
  }
  r->request.hosts = r->hosts;
  r->request.headers = r->headers;
  r->request.body_len = SVCKIT_BODY_UNKNOWN;
}

static inline void request_free(request *r) {
  while (r->count > 0) {
    free(r->texts[--r->count]);
  }
}

/* Room for what the library writes. */
static struct {
  uint8_t *data;
  size_t cap;
} room;

/* Makes more room; true, so that a loop goes on. */
static inline bool grow(size_t cap) {
  free(room.data);
  room.data = malloc(cap);
  room.cap = cap;
  CHECK(room.data);
  return true;
}

/* An answer in the making. */
typedef struct {
  char *data;
  size_t len, cap;
} out;

static inline void bytes(out *to, const void *data, size_t len) {
  if (to->len + len + 1 > to->cap) {
    to->cap = 2 * (to->len + len + 1);
    to->data = realloc(to->data, to->cap);
    CHECK(to->data);
  }
  if (len > 0) {
    memcpy(to->data + to->len, data, len);
  }
  to->len += len;
  to->data[to->len] = 0;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static inline void print(out *to, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  CHECK(len >= 0 && (size_t)len < sizeof line);
  bytes(to, line, (size_t)len);
}

/* The beginning of an answer. */
static inline void answer(out *to, svckit_status status) { print(to, "{\"status\":%d", (int)status); }

/* A text in quotes. */
static inline void string(out *to, const uint8_t *data, size_t len) {
  bytes(to, "\"", 1);
  for (size_t i = 0; i < len; i++) {
    if (data[i] == '"' || data[i] == '\\' || data[i] < ' ') {
      print(to, "\\u%04x", data[i]);
    } else {
      bytes(to, &data[i], 1);
    }
  }
  bytes(to, "\"", 1);
}

/* Octets in hexadecimal digits, in quotes. */
static inline void octets(out *to, const uint8_t *data, size_t len) {
  bytes(to, "\"", 1);
  for (size_t i = 0; i < len; i++) {
    print(to, "%02x", data[i]);
  }
  bytes(to, "\"", 1);
}

static inline void address(out *to, const svckit_ip *ip) {
  uint8_t printed[40];
  size_t len = 0;
  CHECK(svckit_ip_print(ip, printed, sizeof printed, &len) == SVCKIT_STATUS_OK);
  bytes(to, printed, len);
}

/* `10.0.0.1:80`, `[fd00::1]:80`. */
static inline void endpoint(out *to, const svckit_endpoint *at) {
  uint8_t printed[40];
  size_t len = 0;
  CHECK(svckit_ip_print(&at->ip, printed, sizeof printed, &len) == SVCKIT_STATUS_OK);
  bool v6 = memchr(printed, ':', len) != NULL;
  print(to, v6 ? "[" : "");
  bytes(to, printed, len);
  print(to, v6 ? "]:%u" : ":%u", at->port);
}

static inline void service(out *to, svckit_text namespace_, svckit_text name) {
  print(to, ",\"service\":\"");
  bytes(to, namespace_.data, namespace_.len);
  print(to, "/");
  bytes(to, name.data, name.len);
  print(to, "\"");
}

/* An answer with findings, which are freed. */
static inline void findings_of(out *to, svckit_status status, svckit_findings *findings) {
  answer(to, status);
  print(to, ",\"findings\":[");
  svckit_finding each;
  for (size_t i = 0; svckit_findings_get(findings, i, &each) == SVCKIT_STATUS_OK; i++) {
    print(to, "%s{\"kind\":%d,\"refused\":%s,\"path\":", i ? "," : "", (int)each.kind, each.refused ? "true" : "false");
    string(to, each.path.data, each.path.len);
    print(to, "}");
  }
  print(to, "]");
  svckit_findings_free(findings);
}

#endif
