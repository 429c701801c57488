/*
 * Walks through a JSON text that is known to be well formed, such as a vector file.
 *
 * A value is a pointer to its first character. NULL stands for a value that isn't there, and is accepted everywhere.
 */
#ifndef SVCKIT_JSON_H
#define SVCKIT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The next character that means something. */
static inline const char *json_space(const char *at) { return at + strspn(at, " \t\r\n"); }

/* What follows a value. */
static inline const char *json_skip(const char *at) {
  int depth = 0;
  do {
    at = json_space(at);
    if (*at == '"') {
      for (at++; *at && *at != '"'; at++) {
        at += *at == '\\' && at[1];
      }
      at += *at == '"';
    } else if (*at && strchr("[{", *at)) {
      depth++;
      at++;
    } else if (*at && strchr("]}", *at)) {
      depth--;
      at++;
    } else if (*at && strchr(",:", *at)) {
      at++;
    } else {
      at += strcspn(at, ",:]} \t\r\n");
    }
  } while (depth > 0 && *at);
  return json_space(at);
}

/* The first item of a list or the first key of an object; NULL when it is empty. */
static inline const char *json_first(const char *list) {
  if (!list) {
    return NULL;
  }
  const char *at = json_space(list + 1);
  return *at == ']' || *at == '}' || !*at ? NULL : at;
}

/* The item or key after this one. */
static inline const char *json_next(const char *item) {
  const char *at = json_skip(item);
  return *at == ',' ? json_space(at + 1) : NULL;
}

/* Whether a value is this text; texts with escapes never are. */
static inline bool json_is(const char *value, const char *text) {
  size_t length = strlen(text);
  return value && *value == '"' && strncmp(value + 1, text, length) == 0 && value[length + 1] == '"';
}

/* The value of a key of an object. */
static inline const char *json_get(const char *object, const char *key) {
  const char *at = json_first(object);
  while (at) {
    const char *value = json_space(json_skip(at) + 1);
    if (json_is(at, key)) {
      return value;
    }
    at = json_next(value);
  }
  return NULL;
}

/* The item of this number, from 0. */
static inline const char *json_item(const char *list, size_t number) {
  const char *at = json_first(list);
  while (at && number--) {
    at = json_next(at);
  }
  return at;
}

/* A whole number that isn't negative; 0 when the value isn't there. */
static inline uint64_t json_number(const char *value) { return value ? strtoull(value, NULL, 10) : 0; }

/* Copies a text without escapes; answers its length, and 0 when it isn't there or doesn't fit. */
static inline size_t json_text(const char *value, char *text, size_t capacity) {
  size_t length = value && *value == '"' ? strcspn(value + 1, "\"") : 0;
  if (length == 0 || length >= capacity) {
    return 0;
  }
  memcpy(text, value + 1, length);
  text[length] = 0;
  return length;
}

/* One character of a text, with what an escape stands for written as UTF-8; answers what follows it. */
static inline const char *json_character(const char *at, char **out) {
  static const char escapes[] = "b\bf\fn\nr\rt\t";
  if (*at != '\\') {
    *(*out)++ = *at;
    return at + 1;
  }
  if (at[1] != 'u') {
    const char *known = strchr(escapes, at[1]);
    *(*out)++ = known && (known - escapes) % 2 == 0 ? known[1] : at[1];
    return at + 2;
  }
  char digits[5] = {at[2], at[3], at[4], at[5], 0};
  unsigned code = (unsigned)strtoul(digits, NULL, 16);
  at += 6;
  if (code >= 0xd800 && code < 0xdc00 && at[0] == '\\' && at[1] == 'u') {
    char low[5] = {at[2], at[3], at[4], at[5], 0};
    code = 0x10000 + ((code - 0xd800) << 10) + ((unsigned)strtoul(low, NULL, 16) - 0xdc00);
    at += 6;
  }
  int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
  *(*out)++ = (char)(first[more] | code >> (6 * more));
  while (more-- > 0) {
    *(*out)++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
  }
  return at;
}

/* A text with its escapes carried out, closed by a NUL; the caller frees it. NULL when the value is no text. */
static inline char *json_copy(const char *value, size_t *length) {
  if (!value || *value != '"') {
    return NULL;
  }
  /* Nothing gets longer. */
  char *text = malloc((size_t)(json_skip(value) - value) + 1), *out = text;
  for (const char *at = value + 1; text && *at && *at != '"';) {
    at = json_character(at, &out);
  }
  if (text) {
    *out = 0;
    *length = (size_t)(out - text);
  }
  return text;
}

/* Whether a value is true. */
static inline bool json_true(const char *value) { return value && *value == 't'; }

#endif
