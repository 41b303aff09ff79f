/* confine_row.h: a row of the table of confine.c, and the two that carry it out. */
#ifndef CONFINE_ROW_H
#define CONFINE_ROW_H

#include "confine.h"
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum confine_may {
    MAY_OPEN = 1,     /* name files at all: which ones is Landlock's */
    MAY_FORK = 2,     /* processes; with it, to wait for them and to confine them */
    MAY_THREAD = 4,   /* threads of its own */
    MAY_SIGNAL = 8,   /* other processes, by number */
    MAY_HOLD = 16,    /* signal those of which it was given a pidfd */
    MAY_CONNECT = 32, /* sockets of IPv4, IPv6 and files; outgoing connections */
    MAY_LISTEN = 64,  /* new listening sockets */
    MAY_ACCEPT = 128, /* connections of a listening socket that it was given */
    MAY_CODE = 256    /* load code from files: libraries of a name service */
};

/* Where a role may look; each is one folder, several or a list in confine_paths.c. */
enum confine_place {
    AT_NOTHING,
    AT_ROOT,   /* everything */
    AT_SYSTEM, /* libraries, fonts, time zones, processors */
    AT_NAMES,  /* what a name service reads, when a host that it calls is a name */
    AT_SPOOL,  /* the whole spool */
    AT_INCOMING,
    AT_OBJECTS,
    AT_QUARANTINE,
    AT_RUN,
    AT_AUDIT,      /* the audit log */
    AT_AUDIT_SENT, /* in it, how far its collector has it */
    AT_MODELS,
    AT_TEMPLATES,
    AT_KEYS_IN,     /* folders of the files of <tls>, where there is a port for it */
    AT_KEYS_ORDERS, /* the same, where orders come over TLS */
    AT_NEWS, /* folders of the announcements' secrets and authorities; of the files of <tls>, where
                a UPS peer has TLS */
    AT_KEYS_OUT, /* folders of the files of <tls>, where the destination has TLS; and of its
                    password or token; of <orderQuery>, where that has TLS */
    AT_ACCOUNTS  /* folder of the console's accounts */
};

enum confine_access {
    CAN_READ = 1,  /* files and lists of files */
    CAN_WRITE = 2, /* files that are there */
    CAN_NAME = 4,  /* make, rename and remove files */
    CAN_ADD = 8,   /* a file moved here; neither read, changed nor removed afterwards */
    CAN_TREE = 16  /* make and remove folders */
};

#define CONFINE_PLACES 6
struct confine_row {
    const char *name;
    unsigned may;   /* of enum confine_may */
    bool listed;    /* only what is listed may be called; else all but what is forbidden */
    bool news;      /* calls the receivers of announcements; */
    bool asks;      /* the peer of <orderQuery>; else destinations */
    bool own_house; /* signals reach its own descendants only */
    bool any_path;  /* no Landlock of files: what it works on is named by its user */
    struct {
        enum confine_place place;
        unsigned access; /* of enum confine_access */
    } path[CONFINE_PLACES];
    uint64_t files, memory, cpu_seconds; /* limits; 0: as it was */
    bool cpu_of_association;             /* limits associationCpuTime */
    bool keeps_ports;                    /* CAP_NET_BIND_SERVICE, if it has it */
};

/* The filter of system calls, compiled (its code is the caller's to free), and put in force. */
bool confine_compile(const struct confine_row *row, struct sock_fprog *program);
bool confine_calls(const struct sock_fprog *program);
/* Landlock; true, and nothing done, where the kernel has none. */
bool confine_paths(const struct confine_row *row, const struct conf *conf,
                   const struct conf_destination *to);

#endif
