/*
 * A TCP proxy that spreads connections over the endpoints of a Service, with epoll and one thread.
 *
 *   cc proxy.c $(pkg-config --cflags --libs svckit) -o proxy
 *   ./proxy objects.json 8080 shop/web http        # file, port on 127.0.0.1, Service, name of its port
 *
 * objects.json holds objects as `kubectl get services,endpointslices,pods -A -o json` prints them. SIGHUP reads it
 * again: new connections follow, open ones stay. What is wrong with the file is printed, and the rest is used.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svckit.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LENT(text) (const uint8_t *)(text), strlen(text)

/* One way of a connection: what was read from one side and not yet written to the other. */
struct way {
  char data[16384];
  size_t from, to;
  bool ended; /* no more comes */
  bool told;  /* the other side knows */
};

/* One side of a connection; epoll gives it back to us. */
struct side {
  int fd;
  struct link *link;
};

/* A client, its endpoint, and both ways: 0 from the client, 1 to it. */
struct link {
  struct side sides[2];
  struct way ways[2];
  bool connecting;
  struct link *next_dead;
};

static struct {
  int epoll, listener, signals;
  svckit_cluster *cluster;
  svckit_table *table;
  char namespace[64], service[64];
  const char *port, *file;
  struct link *dead; /* freed after a round, when no event can point to them */
} proxy;

static void die(const char *what) { perror(what), exit(1); }

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Makes the cluster hold what the file says, and takes a table of it. */
static void load(void) {
  static uint8_t objects[16 << 20];
  FILE *file = fopen(proxy.file, "rb");
  if (!file) {
    die(proxy.file);
  }
  size_t length = fread(objects, 1, sizeof objects, file);
  fclose(file);
  svckit_findings *findings = NULL;
  svckit_cluster_replace(proxy.cluster, objects, length, now(), &findings);
  for (size_t i = 0; i < svckit_findings_len(findings); i++) {
    svckit_finding finding;
    if (svckit_findings_get(findings, i, &finding) == SVCKIT_STATUS_OK) {
      fprintf(stderr, "%.*s: %.*s: %.*s\n", (int)finding.object.len, finding.object.data, (int)finding.path.len,
              finding.path.data, (int)finding.message.len, finding.message.data);
    }
  }
  svckit_findings_free(findings);
  svckit_table *table = NULL;
  if (svckit_cluster_table(proxy.cluster, &table) == SVCKIT_STATUS_OK) {
    svckit_table_free(proxy.table);
    proxy.table = table;
  }
}

static void watch(struct side *side, uint32_t events, int how) {
  struct epoll_event event = {.events = events, .data.ptr = side};
  epoll_ctl(proxy.epoll, how, side->fd, &event);
}

/* Asks for what each side can be used for now. */
static void rewatch(struct link *link) {
  for (int n = 0; n < 2; n++) {
    struct way *in = &link->ways[n], *out = &link->ways[1 - n];
    uint32_t events = 0;
    if (!link->connecting && !in->ended && in->from == in->to) {
      events |= EPOLLIN;
    }
    if (out->from < out->to || (n == 1 && link->connecting)) {
      events |= EPOLLOUT;
    }
    watch(&link->sides[n], events, EPOLL_CTL_MOD);
  }
}

static void end(struct link *link) {
  for (int n = 0; n < 2; n++) {
    if (link->sides[n].fd >= 0) {
      close(link->sides[n].fd);
      link->sides[n].fd = -1;
    }
  }
  link->next_dead = proxy.dead;
  proxy.dead = link;
}

/* Moves what it can one way; false when the connection is lost. */
static bool move(struct link *link, int n) {
  struct way *way = &link->ways[n];
  int from = link->sides[n].fd, to = link->sides[1 - n].fd;
  if (way->from == way->to && !way->ended) {
    ssize_t count = read(from, way->data, sizeof way->data);
    if (count > 0) {
      way->from = 0;
      way->to = (size_t)count;
    } else if (count == 0) {
      way->ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
      return false;
    }
  }
  while (way->from < way->to) {
    ssize_t count = send(to, way->data + way->from, way->to - way->from, MSG_NOSIGNAL);
    if (count < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    way->from += (size_t)count;
  }
  if (way->ended && !way->told) {
    way->told = true;
    shutdown(to, SHUT_WR);
  }
  return true;
}

static void serve(struct side *side, uint32_t events) {
  struct link *link = side->link;
  if (side->fd < 0) {
    return;
  }
  if (link->connecting && side == &link->sides[1]) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      end(link);
      return;
    }
    link->connecting = false;
  } else if (events & EPOLLERR) {
    end(link);
    return;
  }
  if (!link->connecting && (!move(link, 0) || !move(link, 1) || (link->ways[0].told && link->ways[1].told))) {
    end(link);
    return;
  }
  rewatch(link);
}

/* A socket that connects to where svckit says; -1 when there is nowhere to go. */
static int dial(const struct sockaddr_in *client) {
  svckit_endpoint source = {.port = ntohs(client->sin_port)};
  source.ip.bytes[10] = source.ip.bytes[11] = 0xff;
  memcpy(source.ip.bytes + 12, &client->sin_addr, 4);
  svckit_pick pick;
  svckit_status status =
      svckit_table_pick_by_name(proxy.table, LENT(proxy.namespace), LENT(proxy.service), LENT(proxy.port),
                                SVCKIT_PROTOCOLS_TCP, &source, now(), &pick);
  if (status != SVCKIT_STATUS_OK || pick.outcome != SVCKIT_OUTCOME_BACKEND) {
    return -1;
  }
  /* IPv4 is part of IPv6: one kind of socket for both. */
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(pick.port)};
  memcpy(&to.sin6_addr, pick.ip.bytes, 16);
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
    close(fd);
    fd = -1;
  }
  return fd;
}

static void take_clients(void) {
  struct sockaddr_in client;
  socklen_t length = sizeof client;
  int fd;
  while ((fd = accept4(proxy.listener, (struct sockaddr *)&client, &length, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int endpoint = dial(&client);
    struct link *link = endpoint < 0 ? NULL : calloc(1, sizeof *link);
    if (!link) {
      close(fd);
      if (endpoint >= 0) {
        close(endpoint);
      }
      continue;
    }
    link->connecting = true;
    link->sides[0] = (struct side){fd, link};
    link->sides[1] = (struct side){endpoint, link};
    watch(&link->sides[0], 0, EPOLL_CTL_ADD);
    watch(&link->sides[1], EPOLLOUT, EPOLL_CTL_ADD);
  }
}

/* False when it is time to go. */
static bool take_signals(void) {
  struct signalfd_siginfo signal;
  while (read(proxy.signals, &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo != SIGHUP) {
      return false;
    }
    load();
    puts("loaded");
    fflush(stdout);
  }
  return true;
}

static void listen_on(uint16_t port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof at;
  int on = 1;
  proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(proxy.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(proxy.listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(proxy.listener, 512) != 0 ||
      getsockname(proxy.listener, (struct sockaddr *)&at, &length) != 0) {
    die("listen");
  }
  printf("listening on 127.0.0.1:%d\n", ntohs(at.sin_port));
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 5 || sscanf(argv[3], "%63[^/]/%63s", proxy.namespace, proxy.service) != 2) {
    fprintf(stderr, "usage: proxy OBJECTS PORT NAMESPACE/SERVICE PORT-NAME\n");
    return 2;
  }
  proxy.file = argv[1];
  proxy.port = argv[4];
  svckit_seed seed;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed ||
      svckit_cluster_new(NULL, 0, &seed, NULL, &proxy.cluster) != SVCKIT_STATUS_OK) {
    die("svckit");
  }
  load();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  proxy.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  proxy.epoll = epoll_create1(EPOLL_CLOEXEC);
  listen_on((uint16_t)atoi(argv[2]));
  struct side listener = {proxy.listener, NULL}, signalled = {proxy.signals, NULL};
  watch(&listener, EPOLLIN, EPOLL_CTL_ADD);
  watch(&signalled, EPOLLIN, EPOLL_CTL_ADD);
  for (bool running = true; running;) {
    struct epoll_event events[64];
    int count = epoll_wait(proxy.epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      struct side *side = events[i].data.ptr;
      if (side == &listener) {
        take_clients();
      } else if (side == &signalled) {
        running = take_signals();
      } else {
        serve(side, events[i].events);
      }
    }
    for (struct link *link; (link = proxy.dead);) {
      proxy.dead = link->next_dead;
      free(link);
    }
  }
  svckit_table_free(proxy.table);
  svckit_cluster_free(proxy.cluster);
  return 0;
}
