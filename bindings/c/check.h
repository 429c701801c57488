/* What the test programs share: checks that name what failed, and texts with their length. */
#ifndef SVCKIT_CHECK_H
#define SVCKIT_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svckit.h>

/* Stops the program when something is not so; unlike assert, always. */
#define CHECK(so)                                                    \
  do {                                                               \
    if (!(so)) {                                                     \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #so); \
      exit(1);                                                       \
    }                                                                \
  } while (0)

/* A text as svckit takes it: pointer and length. NULL is NULL with 0. */
#define TEXT(text) (const uint8_t *)(text), text_length(text)

static inline size_t text_length(const char *text) { return text ? strlen(text) : 0; }

/* The address that a text says. */
static inline svckit_ip ip(const char *text) {
  svckit_ip parsed;
  CHECK(svckit_ip_parse(TEXT(text), &parsed) == SVCKIT_STATUS_OK);
  return parsed;
}

/* Whether an address prints as this text. */
static inline bool prints(const svckit_ip *ip, const char *want) {
  char text[40];
  size_t length = 0;
  CHECK(svckit_ip_print(ip, (uint8_t *)text, sizeof text, &length) == SVCKIT_STATUS_OK);
  return length == strlen(want) && memcmp(text, want, length) == 0;
}

/* The whole of a file, closed by a NUL; the caller frees it. */
static inline char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  long size = ftell(file);
  rewind(file);
  char *text = malloc((size_t)size + 1);
  CHECK(text && fread(text, 1, (size_t)size, file) == (size_t)size);
  fclose(file);
  text[size] = 0;
  return text;
}

#endif
