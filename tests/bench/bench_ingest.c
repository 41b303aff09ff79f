/* The sender, the sink and the floor of scripts/bench ingest.
 *
 *   bench_ingest send PORT CALLED ASSOCIATIONS LIST
 *   bench_ingest sink
 *   bench_ingest floor FOLDER LIST
 *
 * Objects are in memory before the clock starts. send and floor print the seconds in all, and the
 * median and 99th percentile of one object in milliseconds. */
#include "ingest_send.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OBJECTS 100000u

void ingest_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench_ingest: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(70);
}

static double now(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static void map(struct ingest_object *object)
{
    struct stat at;
    int fd = open(object->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &at) != 0 || (size_t)at.st_size <= object->offset)
        ingest_die("cannot read %s", object->path);
    object->count = (size_t)at.st_size;
    object->bytes = mmap(NULL, object->count, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (object->bytes == MAP_FAILED)
        ingest_die("cannot map %s", object->path);
    (void)close(fd);
}

static struct ingest_object *read_list(const char *path, size_t *count)
{
    struct ingest_object *objects = mmap(NULL, OBJECTS * sizeof *objects, PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    FILE *file = fopen(path, "re");
    if (objects == MAP_FAILED || file == NULL)
        ingest_die("cannot read %s", path);
    for (*count = 0; *count < OBJECTS; ++*count) {
        struct ingest_object *o = &objects[*count];
        if (fscanf(file, "%4095s %64s %64s %64s %zu", o->path, o->sop_class, o->sop_instance,
                   o->transfer_syntax, &o->offset) != 5)
            break;
        map(o);
    }
    (void)fclose(file);
    if (*count == 0)
        ingest_die("%s is empty", path);
    return objects;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(double seconds, const struct ingest_object *objects, size_t count)
{
    double *each = calloc(count, sizeof *each);
    size_t bytes = 0;
    if (each == NULL)
        ingest_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        each[i] = objects[i].seconds * 1000;
        bytes += objects[i].count - objects[i].offset;
    }
    qsort(each, count, sizeof *each, by_size);
    (void)printf("%.4f %.3f %.3f %zu\n", seconds, each[count / 2], each[count * 99 / 100], bytes);
    free(each);
}

static void send_all(uint16_t port, const char *called, size_t associations, const char *list)
{
    size_t count;
    struct ingest_object *objects = read_list(list, &count);
    double begin = now();
    for (size_t i = 0; i < associations; i++) {
        pid_t pid = fork();
        if (pid < 0)
            ingest_die("cannot fork");
        if (pid == 0) {
            ingest_send(port, called, objects, count, i, associations);
            _exit(0);
        }
    }
    for (size_t i = 0; i < associations; i++) {
        int status;
        if (wait(&status) < 0 || status != 0)
            ingest_die("an association failed");
    }
    tell(now() - begin, objects, count);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "send") == 0) {
        send_all((uint16_t)strtoul(argv[2], NULL, 10), argv[3], strtoul(argv[4], NULL, 10),
                 argv[5]);
    } else if (argc == 2 && strcmp(argv[1], "sink") == 0) {
        ingest_sink();
    } else if (argc == 4 && strcmp(argv[1], "floor") == 0) {
        size_t count;
        struct ingest_object *objects = read_list(argv[3], &count);
        double begin = now();
        ingest_floor(argv[2], objects, count);
        tell(now() - begin, objects, count);
    } else {
        ingest_die("usage: send PORT CALLED ASSOCIATIONS LIST | sink | floor FOLDER LIST");
    }
    return 0;
}
