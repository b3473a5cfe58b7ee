// A mock of OpenAI's API, one thread with epoll: mock PORT
//
// POST to any path is answered with a chat completion of 639 bytes; with "stream": true with 64 content chunks, one
// send() each. What the model's name contains changes that:
//   slow   10 ms between chunks
//   d100   100 ms between chunks
//   lat    100 ms before a reply that is no stream
//   faulty each 20th request goes wrong, in one of five ways in turn
// Every content chunk carries "@<CLOCK_MONOTONIC in ns>@", from which sc.c computes how long it was on its way.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <time.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <signal.h>
#include <sys/resource.h>
#define NCH 64

typedef struct {
    int fd;
    char *rb; // what was received and is not answered yet
    int rlen, rcap;
    int mode;        // 0 idle, 1 stream, 2 delayed reply
    int idx;         // chunks sent
    int usage;       // whether usage was asked for
    int last;        // after how many chunks the stream breaks off; 0: it does not
    long due, step;  // when the next chunk is to be sent, and the time between two, in ns
    char pend[1024]; // what is being sent
    int plen, poff;
    int blocked; // whether the socket takes no more for now
    int slot;    // in act, or -1
} C;             // a connection

static int ep;
static C **act; // connections with something to send later
static int nact, capact;

static long now() {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static char reply[2048]; // the completion, with its head
static int replen;

static void add_act(C *c) {
    if (nact == capact) {
        capact = capact ? capact * 2 : 1024;
        act = realloc(act, capact * sizeof(C *));
    }
    c->slot = nact;
    act[nact++] = c;
}

static void del_act(C *c) {
    if (c->slot < 0) {
        return;
    }
    act[c->slot] = act[--nact];
    act[c->slot]->slot = c->slot;
    c->slot = -1;
}

static void closec(C *c) {
    del_act(c);
    close(c->fd);
    free(c->rb);
    free(c);
}

static void evset(C *c, int out) {
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

// 0: all sent, 1: blocked, -1: failed
static int flush_(C *c) {
    while (c->poff < c->plen) {
        ssize_t n = send(c->fd, c->pend + c->poff, c->plen - c->poff, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN) {
                if (!c->blocked) {
                    c->blocked = 1;
                    evset(c, 1);
                }
                return 1;
            }
            return -1;
        }
        c->poff += n;
    }
    if (c->blocked) {
        c->blocked = 0;
        evset(c, 0);
    }
    return 0;
}

static const char *PRE = "data: "
                         "{\"id\":\"chatcmpl-BmockAbCdEfGhIjKlMnOpQrStUv\",\"object\":\"chat.completion.chunk\","
                         "\"created\":1735689600,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\","
                         "\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[";

static int put_chunk(char *dst, const char *body, int n) {
    return sprintf(dst, "%x\r\n%.*s\r\n", n, n, body);
}

// Sends one chunk; after the last one what ends a stream.
static int step(C *c) {
    char b[900];
    int n;
    if (c->last && c->idx == c->last) {
        return -1;
    }
    if (c->idx < NCH) {
        n = sprintf(
            b, "%s{\"index\":0,\"delta\":{%s\"content\":\"tok @%ld@\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            PRE, c->idx == 0 ? "\"role\":\"assistant\"," : "", now());
        c->plen = put_chunk(c->pend, b, n);
        c->poff = 0;
        c->idx++;
        c->due += c->step;
        return flush_(c);
    }
    n = sprintf(b, "%s{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n", PRE);
    if (c->usage) {
        n += sprintf(b + n, "data: "
                            "{\"id\":\"chatcmpl-BmockAbCdEfGhIjKlMnOpQrStUv\",\"object\":\"chat.completion.chunk\","
                            "\"created\":1735689600,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[],\"usage\":{"
                            "\"prompt_tokens\":21,\"completion_tokens\":64,\"total_tokens\":85}}\n\n");
    }
    n += sprintf(b + n, "data: [DONE]\n\n");
    c->plen = put_chunk(c->pend, b, n);
    c->plen += sprintf(c->pend + c->plen, "0\r\n\r\n");
    c->poff = 0;
    del_act(c);
    c->mode = 0;
    int r = flush_(c);
    if (r < 0) {
        return -1;
    }
    return 0;
}

static int reply_static(C *c) {
    ssize_t n = send(c->fd, reply, replen, MSG_NOSIGNAL);
    return n == replen ? 0 : -1;
}

// One fault of a reply that is no stream; -1: close the connection.
static int fault(C *c, long kind) {
    static const char *whole[] = {
        "HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: 64\r\n\r\n"
        "{\"error\":{\"message\":\"It went wrong.\",\"type\":\"server_error\"}}    ",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"choices\":[",
        "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 21\r\n\r\n<html>Oh, no.</html>\n",
    };
    if (kind < 3) {
        return send(c->fd, whole[kind], strlen(whole[kind]), MSG_NOSIGNAL) > 0 ? 0 : -1;
    }
    if (kind == 3) { // cut off
        send(c->fd, reply, replen / 2, MSG_NOSIGNAL);
    }
    return -1;
}

// Answers the whole requests that have arrived; -1: close the connection.
static int try_parse(C *c) {
    while (c->mode == 0 && c->rlen > 0) {
        c->rb[c->rlen] = 0;
        char *he = memmem(c->rb, c->rlen, "\r\n\r\n", 4);
        if (!he) {
            return 0;
        }
        int hl = he - c->rb + 4;
        long cl = 0;
        int chunked = 0;
        for (char *p = c->rb; p < he;) {
            char *nl = memchr(p, '\n', he + 2 - p);
            if (!nl) {
                break;
            }
            p = nl + 1;
            if (p >= he + 2) {
                break;
            }
            if (!strncasecmp(p, "content-length:", 15)) {
                cl = atol(p + 15);
            } else if (!strncasecmp(p, "transfer-encoding:", 18) && strncasecmp(p + 18, " chunked", 8) == 0) {
                chunked = 1;
            } else if (!strncasecmp(p, "expect: 100", 11) && c->rlen == hl) {
                send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
            }
        }
        char *body = c->rb + hl;
        int bl, tot;
        if (chunked) {
            char *e = memmem(body, c->rlen - hl, "0\r\n\r\n", 5);
            if (!e) {
                return 0;
            }
            bl = e - body;
            tot = hl + bl + 5;
        } else {
            if (c->rlen < hl + cl) {
                return 0;
            }
            bl = cl;
            tot = hl + cl;
        }
        int r = 0;
        if (c->rb[0] == 'G') {
            const char *js;
            char out[512];
            if (memmem(c->rb, 40, "/v1/models", 10)) {
                js = "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\",\"created\":1,\"owned_by\":"
                     "\"mock\"},{\"id\":\"mock-slow\",\"object\":\"model\",\"created\":1,\"owned_by\":\"mock\"}]}";
            } else {
                js = "{\"status\":\"ok\"}";
            }
            int n = sprintf(out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                            strlen(js), js);
            r = send(c->fd, out, n, MSG_NOSIGNAL) == n ? 0 : -1;
        } else {
            int st = memmem(body, bl, "\"stream\":true", 13) || memmem(body, bl, "\"stream\": true", 14);
            char *m = memmem(body, bl, "\"model\"", 7);
            int ml = m ? (int)(body + bl - m) : 0;
            if (ml > 60) {
                ml = 60;
            }
            int slow = m && memmem(m, ml, "slow", 4), d100 = m && memmem(m, ml, "d100", 4),
                lat = m && memmem(m, ml, "lat", 3);
            static long asked;
            int faulty = m && memmem(m, ml, "faulty", 6) && ++asked % 20 == 0;
            if (st) {
                static const char *H = "HTTP/1.1 200 OK\r\ndate: Wed, 01 Jan 2025 00:00:00 GMT\r\ncontent-type: "
                                       "text/event-stream; charset=utf-8\r\ntransfer-encoding: "
                                       "chunked\r\nx-request-id: req_mock\r\nopenai-version: 2020-10-01\r\n\r\n";
                if (send(c->fd, H, strlen(H), MSG_NOSIGNAL) < 0) {
                    r = -1;
                } else {
                    c->mode = 1;
                    c->idx = 0;
                    c->usage = memmem(body, bl, "include_usage", 13) != 0;
                    c->step = slow ? 10000000L : d100 ? 100000000L : 0;
                    c->last = faulty ? NCH / 2 : 0;
                    c->due = now();
                    c->plen = c->poff = 0;
                    add_act(c);
                }
            } else if (lat) {
                c->mode = 2;
                c->due = now() + 100000000L;
                add_act(c);
            } else {
                r = faulty ? fault(c, asked / 20 % 5) : reply_static(c);
            }
        }
        if (r < 0) {
            return -1;
        }
        memmove(c->rb, c->rb + tot, c->rlen - tot);
        c->rlen -= tot;
    }
    return 0;
}

int main(int ac, char **av) {
    signal(SIGPIPE, SIG_IGN);
    struct rlimit rl = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &rl);
    int port = ac > 1 ? atoi(av[1]) : 9000;
    const char *js =
        "{\n  \"id\": \"chatcmpl-BmockAbCdEfGhIjKlMnOpQrStUv\",\n  \"object\": \"chat.completion\",\n  \"created\": "
        "1735689600,\n  \"model\": \"gpt-4o-mini-2024-07-18\",\n  \"choices\": [{\"index\": 0, \"message\": {\"role\": "
        "\"assistant\", \"content\": \"Hello! I am a mock. The capital of France is Paris.\", \"refusal\": null, "
        "\"annotations\": []}, \"logprobs\": null, \"finish_reason\": \"stop\"}],\n  \"usage\": {\"prompt_tokens\": "
        "21, \"completion_tokens\": 12, \"total_tokens\": 33, \"prompt_tokens_details\": {\"cached_tokens\": 0, "
        "\"audio_tokens\": 0}, \"completion_tokens_details\": {\"reasoning_tokens\": 0, \"audio_tokens\": 0}},\n  "
        "\"service_tier\": \"default\",\n  \"system_fingerprint\": \"fp_44709d6fcb\"\n}";
    replen = sprintf(
        reply,
        "HTTP/1.1 200 OK\r\ndate: Wed, 01 Jan 2025 00:00:00 GMT\r\ncontent-type: application/json\r\ncontent-length: "
        "%zu\r\nx-request-id: req_mock\r\nopenai-processing-ms: 1\r\nx-ratelimit-remaining-requests: 9999\r\n\r\n%s",
        strlen(js), js);
    fprintf(stderr, "mock on %d body %zu bytes\n", port, strlen(js));
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) {
        perror("bind");
        return 1;
    }
    ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = 0};
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    struct epoll_event ev[512];
    for (;;) {
        int to = -1;
        if (nact) {
            long t = now(), mn = 1L << 62;
            for (int i = 0; i < nact; i++) {
                if (!act[i]->blocked && act[i]->due < mn) {
                    mn = act[i]->due;
                }
            }
            to = mn == 1L << 62 ? -1 : mn <= t ? 0 : (int)((mn - t) / 1000000) + 1;
        }
        int n = epoll_wait(ep, ev, 512, to);
        for (int i = 0; i < n; i++) {
            C *c = ev[i].data.ptr;
            if (!c) {
                for (;;) {
                    int fd = accept4(ls, 0, 0, SOCK_NONBLOCK);
                    if (fd < 0) {
                        break;
                    }
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
                    C *k = calloc(1, sizeof(C));
                    k->fd = fd;
                    k->slot = -1;
                    k->rcap = 4096;
                    k->rb = malloc(k->rcap + 1);
                    struct epoll_event x = {.events = EPOLLIN, .data.ptr = k};
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &x);
                }
                continue;
            }
            int bad = 0;
            if (ev[i].events & EPOLLOUT) {
                if (flush_(c) < 0) {
                    bad = 1;
                }
            }
            if (!bad && (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
                if (c->rlen == c->rcap) {
                    c->rcap *= 2;
                    c->rb = realloc(c->rb, c->rcap + 1);
                }
                ssize_t r = recv(c->fd, c->rb + c->rlen, c->rcap - c->rlen, 0);
                if (r == 0 || (r < 0 && errno != EAGAIN)) {
                    bad = 1;
                } else if (r > 0) {
                    c->rlen += r;
                }
            }
            if (!bad && try_parse(c) < 0) {
                bad = 1;
            }
            if (bad) {
                closec(c);
            }
        }
        if (nact) {
            long t = now();
            for (int i = nact - 1; i >= 0; i--) {
                if (i >= nact) {
                    continue;
                }
                C *c = act[i];
                if (c->blocked || c->due > t) {
                    continue;
                }
                int r;
                if (c->mode == 2) {
                    c->mode = 0;
                    del_act(c);
                    r = reply_static(c);
                } else {
                    r = step(c);
                    if (c->step == 0) {
                        c->due = t;
                    }
                }
                if (r >= 0 && c->mode == 0) {
                    if (try_parse(c) < 0) {
                        r = -1;
                    }
                }
                if (r < 0) {
                    closec(c);
                }
            }
        }
    }
}
