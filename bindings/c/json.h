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

#endif
