// A client of many streams at once, one thread with epoll:
//
//   sc HOST PORT PATH BODYFILE CONNECTIONS MODE N [RAMP_MS] [TIMEOUT_S] [HEADER...]
//
// MODE t: every connection asks again and again for N seconds; n: every connection asks N times. RAMP_MS spreads the
// connects. A stream is ok when it brought all 64 chunks of mock.c and [DONE]. One line of JSON tells how it went.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <signal.h>

typedef struct {
    int fd, st; // st: 0 closed, 1 connecting, 2 reads the head, 3 reads the body
    int chunked;
    long cl; // content-length that is left, -1: none
    char *h; // the head
    int hl;
    int cs;      // in a chunked body: 0 size, 1 data, 2 end of data, 3 trailer
    long crem;   // what is left of a chunk's data
    char ls[32]; // a chunk's size as it was read
    int lsl;     // how much of it
    long t0;     // when the request was sent
    int first;   // whether a content chunk has come
    int nch;     // content chunks
    int inm;     // inside of a chunk's time stamp
    long mval;   // the time stamp
    int done_seen;
    int dmatch;   // how much of "data: [DONE]" matched
    long startat; // when to connect
    int left;     // requests
    long lastc;   // when the last content chunk came
} C;              // a connection

static long now() {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int ep;
static char req[65536];
static int reql;
static struct sockaddr_in sa;
// In us: until the first content chunk, until the end, a chunk's way from the mock to here, between two chunks.
static double *ttft, *tot, *lat, *gap;
static long nt, ntot, nl, ng;
#define MAXT 2000000
#define MAXL 20000000
static long ok, err_conn, err_status, err_trunc, chunks, bytes, connects;
static int last_status;
static char err_body[300];

static int cmp(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}

// A percentile of sorted values.
static double pc(double *a, long n, double p) {
    if (!n) {
        return -1;
    }
    long i = (long)(p * (n - 1));
    return a[i];
}

static void closefd(C *c) {
    if (c->fd >= 0) {
        close(c->fd);
    }
    c->fd = -1;
    c->st = 0;
}

static int conn(C *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        err_conn++;
        return -1;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    connects++;
    int r = connect(c->fd, (void *)&sa, sizeof sa);
    if (r < 0 && errno != EINPROGRESS) {
        err_conn++;
        closefd(c);
        return -1;
    }
    c->st = 1;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    return 0;
}

static int sendreq(C *c) {
    c->t0 = now();
    c->first = 0;
    c->nch = 0;
    c->hl = 0;
    c->cs = 0;
    c->crem = 0;
    c->lsl = 0;
    c->inm = 0;
    c->done_seen = 0;
    c->dmatch = 0;
    c->cl = -1;
    c->chunked = 0;
    c->lastc = 0;
    c->st = 2;
    ssize_t n = send(c->fd, req, reql, MSG_NOSIGNAL);
    if (n != reql) {
        return -1;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
    return 0;
}

// Looks for time stamps and [DONE] in content.
static void payload(C *c, const char *p, long n, long t) {
    bytes += n;
    static const char *D = "data: [DONE]";
    for (long i = 0; i < n; i++) {
        char x = p[i];
        if (c->inm) {
            if (x >= '0' && x <= '9') {
                c->mval = c->mval * 10 + (x - '0');
            } else {
                if (x == '@' && c->mval > 1000) {
                    c->nch++;
                    chunks++;
                    if (!c->first) {
                        c->first = 1;
                        if (nt < MAXT) {
                            ttft[nt++] = (t - c->t0) / 1e3;
                        }
                    } else if (ng < MAXL) {
                        gap[ng++] = (t - c->lastc) / 1e3;
                    }
                    c->lastc = t;
                    if (nl < MAXL) {
                        lat[nl++] = (t - c->mval) / 1e3;
                    }
                }
                c->inm = 0;
            }
        } else if (x == '@') {
            c->inm = 1;
            c->mval = 0;
        }
        if (x == D[c->dmatch]) {
            c->dmatch++;
            if (c->dmatch == 12) {
                c->done_seen = 1;
                c->dmatch = 0;
            }
        } else {
            c->dmatch = (x == 'd');
        }
    }
}

// Takes n bytes of the body; 1: it is complete.
static int body(C *c, const char *p, long n, long t) {
    if (!c->chunked) {
        if (c->cl >= 0) {
            long k = n < c->cl ? n : c->cl;
            payload(c, p, k, t);
            c->cl -= k;
            return c->cl == 0;
        }
        payload(c, p, n, t);
        return 0;
    }
    long i = 0;
    while (i < n) {
        if (c->cs == 0) {
            char x = p[i++];
            if (x == '\n') {
                c->ls[c->lsl] = 0;
                c->crem = strtol(c->ls, 0, 16);
                c->lsl = 0;
                c->cs = c->crem == 0 ? 3 : 1;
            } else if (c->lsl < 30) {
                c->ls[c->lsl++] = x;
            }
        } else if (c->cs == 1) {
            long k = n - i < c->crem ? n - i : c->crem;
            payload(c, p + i, k, t);
            i += k;
            c->crem -= k;
            if (c->crem == 0) {
                c->cs = 2;
            }
        } else if (c->cs == 2) {
            if (p[i++] == '\n') {
                c->cs = 0;
                c->lsl = 0;
            }
        } else {
            char x = p[i++];
            if (x == '\n') {
                if (c->lsl == 0) {
                    return 1;
                }
                c->lsl = 0;
            } else if (x != '\r') {
                c->lsl++;
            }
        }
    }
    return 0;
}

int main(int ac, char **av) {
    signal(SIGPIPE, SIG_IGN);
    struct rlimit rl = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &rl);
    const char *host = av[1];
    int port = atoi(av[2]);
    const char *path = av[3];
    FILE *f = fopen(av[4], "r");
    static char bd[32768];
    int bl = fread(bd, 1, sizeof bd, f);
    while (bl && bd[bl - 1] == '\n') {
        bl--;
    }
    int nc = atoi(av[5]);
    int tm = av[6][0] == 't';
    double N = atof(av[7]);
    double ramp = ac > 8 ? atof(av[8]) : 0;
    double tmo = ac > 9 ? atof(av[9]) : 55;
    reql = sprintf(req,
                   "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nAccept: "
                   "text/event-stream\r\nAuthorization: Bearer sk-1234\r\n",
                   path, host, port);
    for (int i = 10; i < ac; i++) {
        reql += sprintf(req + reql, "%s\r\n", av[i]);
    }
    reql += sprintf(req + reql, "Content-Length: %d\r\n\r\n", bl);
    memcpy(req + reql, bd, bl);
    reql += bl;
    sa.sin_family = AF_INET;
    sa.sin_port = htons(port);
    inet_pton(AF_INET, host, &sa.sin_addr);
    ttft = malloc(8 * MAXT);
    tot = malloc(8 * MAXT);
    lat = malloc(8L * MAXL);
    gap = malloc(8L * MAXL);
    ep = epoll_create1(0);
    C *cs = calloc(nc, sizeof(C));
    long st = now(), end = tm ? st + (long)(N * 1e9) : st + (long)(tmo * 1e9), hard = st + (long)(tmo * 1e9);
    long maxconc = 0, conc = 0;
    for (int i = 0; i < nc; i++) {
        cs[i].fd = -1;
        cs[i].h = malloc(16385);
        cs[i].startat = st + (long)(ramp * 1e6 * i / nc);
        cs[i].left = tm ? 1 << 30 : (int)N;
    }
    struct epoll_event ev[1024];
    int started = 0, finished = 0;
    static char buf[262144];
    long tlast = st;
    while (finished < nc) {
        long t = now();
        if (t > hard || (tm && t > end)) {
            break;
        }
        while (started < nc && cs[started].startat <= t) {
            conn(&cs[started]);
            if (cs[started].st == 0) {
                finished++;
            }
            started++;
        }
        int n = epoll_wait(ep, ev, 1024, started < nc ? 1 : 20);
        for (int i = 0; i < n; i++) {
            C *c = ev[i].data.ptr;
            int bad = 0, complete = 0;
            t = now();
            if (c->st == 1) {
                int e = 0;
                socklen_t l = 4;
                getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
                if (e) {
                    err_conn++;
                    closefd(c);
                    finished++;
                    continue;
                }
                if (ev[i].events & EPOLLOUT) {
                    if (sendreq(c) < 0) {
                        bad = 1;
                    } else {
                        conc++;
                        if (conc > maxconc) {
                            maxconc = conc;
                        }
                    }
                }
                if (!bad) {
                    continue;
                }
            }
            if (!bad) {
                ssize_t r = recv(c->fd, buf, sizeof buf, 0);
                if (r < 0 && errno == EAGAIN) {
                    continue;
                }
                if (r <= 0) {
                    if (c->st == 3 && !c->chunked && c->cl < 0 && (c->done_seen)) {
                        complete = 2;
                    } else {
                        bad = 1;
                    }
                } else {
                    t = now();
                    char *p = buf;
                    long k = r;
                    if (c->st == 2) {
                        long room = 16384 - c->hl;
                        long m = k < room ? k : room;
                        memcpy(c->h + c->hl, p, m);
                        int old = c->hl;
                        c->hl += m;
                        c->h[c->hl] = 0;
                        char *e = strstr(c->h, "\r\n\r\n");
                        if (!e) {
                            if (c->hl >= 16384) {
                                bad = 1;
                            } else {
                                continue;
                            }
                        } else {
                            int hs = e - c->h + 4;
                            p += hs - old;
                            k -= hs - old;
                            c->st = 3;
                            last_status = atoi(c->h + 9);
                            if (strcasestr(c->h, "transfer-encoding: chunked")) {
                                c->chunked = 1;
                            } else {
                                char *q = strcasestr(c->h, "content-length:");
                                if (q) {
                                    c->cl = atol(q + 15);
                                }
                            }
                            if (last_status != 200) {
                                err_status++;
                                snprintf(err_body, sizeof err_body, "%d %.*s", last_status, (int)(k > 200 ? 200 : k),
                                         p);
                            }
                        }
                    }
                    if (!bad && k > 0 && body(c, p, k, t)) {
                        complete = 1;
                    }
                    if (c->st == 3 && c->cl == 0 && !c->chunked) {
                        complete = 1;
                    }
                }
            }
            if (complete || bad) {
                conc--;
                if (complete && c->nch == 64 && c->done_seen) {
                    ok++;
                    tlast = t;
                    if (ntot < MAXT) {
                        tot[ntot++] = (t - c->t0) / 1e3;
                    }
                } else if (bad || last_status == 200) {
                    err_trunc++;
                }
                c->left--;
                if (c->left <= 0 || (bad && !tm && err_trunc > 50000)) {
                    closefd(c);
                    finished++;
                    continue;
                }
                int keep = complete == 1 && !strcasestr(c->h, "connection: close");
                if (keep) {
                    if (sendreq(c) < 0) {
                        closefd(c);
                        conn(c);
                    } else {
                        conc++;
                    }
                } else {
                    closefd(c);
                    if (conn(c) < 0) {
                        finished++;
                    }
                }
            }
        }
    }
    double el = ((tm || !ok ? now() : tlast) - st) / 1e9;
    qsort(ttft, nt, 8, cmp);
    qsort(tot, ntot, 8, cmp);
    qsort(lat, nl, 8, cmp);
    qsort(gap, ng, 8, cmp);
    long unfinished = 0;
    for (int i = 0; i < nc; i++) {
        if (!tm && cs[i].left > 0) {
            unfinished++;
        }
    }
    printf("{\"elapsed\":%.2f,\"ok\":%ld,\"err_conn\":%ld,\"err_status\":%ld,\"err_trunc\":%ld,\"unfinished\":%ld,"
           "\"connects\":%ld,\"max_conc\":%ld,\"streams_s\":%.1f,\"chunks_s\":%.0f,\"MB_s\":%.1f,\"ttft_p50_us\":%.0f,"
           "\"ttft_p99_us\":%.0f,\"ttft_max_us\":%.0f,\"total_p50_us\":%.0f,\"total_p99_us\":%.0f,\"chunk_lat_p50_us\":"
           "%.0f,\"chunk_lat_p99_us\":%.0f,\"chunk_lat_max_us\":%.0f,\"gap_p50_us\":%.0f,\"gap_p99_us\":%.0f",
           el, ok, err_conn, err_status, err_trunc, unfinished, connects, maxconc, ok / el, chunks / el,
           bytes / el / 1e6, pc(ttft, nt, .5), pc(ttft, nt, .99), pc(ttft, nt, 1), pc(tot, ntot, .5),
           pc(tot, ntot, .99), pc(lat, nl, .5), pc(lat, nl, .99), pc(lat, nl, 1), pc(gap, ng, .5), pc(gap, ng, .99));
    if (err_status) {
        printf(",\"err\":\"");
        for (char *q = err_body; *q; q++) {
            if (*q == '"' || *q == '\\') {
                printf("\\%c", *q);
            } else if ((unsigned char)*q < 32) {
                putchar(' ');
            } else {
                putchar(*q);
            }
        }
        printf("\"");
    }
    printf("}\n");
    return 0;
}
