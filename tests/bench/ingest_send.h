/* ingest_send.h: the parts of bench_ingest, what scripts/bench ingest measures with. */
#ifndef INGEST_SEND_H
#define INGEST_SEND_H

#include <stddef.h>
#include <stdint.h>

/* An object of the list: `path sop-class sop-instance transfer-syntax offset`, one a line. */
struct ingest_object {
    char path[4096], sop_class[65], sop_instance[65], transfer_syntax[65];
    size_t offset; /* of the dataset */
    uint8_t *bytes;
    size_t count;   /* of the file */
    double seconds; /* it took; shared between processes */
};

/* Ends the program with a sentence. */
_Noreturn void ingest_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sends every object whose number is first modulo step over one association; dies at any answer
 * but 0000. PDUs are as long as the peer takes, at most 128 KiB. */
void ingest_send(uint16_t port, const char *called, struct ingest_object *objects, size_t count,
                 size_t first, size_t step);
/* Serves associations, one at a time, that take everything and keep nothing: what the sender itself
 * costs. Says its port on standard output. */
void ingest_sink(void);
/* What must happen to an object that is durable before it is answered, without a network: write,
 * fsync, rename, sync of the directory, a row's commit (WAL, synchronous FULL). */
void ingest_floor(const char *folder, struct ingest_object *objects, size_t count);

#endif
