/* The one clock of the node. */
#include "clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define OFFSET_BYTES 32

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what DA and TM can say. */
#define EARLIEST_MS (-62135596800000)
#define LATEST_MS   253402300799999

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The file is mapped once, before any role is confined, and read as memory ever after. */
static int64_t offset_of_file(const char *path)
{
    static const volatile char *text;
    char copy[OFFSET_BYTES + 1] = "";
    if (text == NULL) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        void *at = fd < 0 ? MAP_FAILED : mmap(NULL, OFFSET_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        if (fd >= 0)
            (void)close(fd);
        if (at == MAP_FAILED)
            return 0;
        text = at;
    }
    for (size_t i = 0; i < OFFSET_BYTES; i++)
        copy[i] = text[i];
    return strtoll(copy, NULL, 10);
}

int64_t clock_utc_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;

    const char *offset = getenv("CERVIGATE_CLOCK_OFFSET");
    if (offset != NULL)
        ms += (offset[0] == '@' ? offset_of_file(offset + 1) : strtoll(offset, NULL, 10)) * 1000;
    return ms;
}

/* Splits into calendar fields and milliseconds; times that a calendar of four digits cannot hold
 * are held at its ends. */
static int split(int64_t utc_ms, struct tm *fields)
{
    if (utc_ms < EARLIEST_MS)
        utc_ms = EARLIEST_MS;
    if (utc_ms > LATEST_MS)
        utc_ms = LATEST_MS;
    int64_t ms = utc_ms % 1000;
    if (ms < 0)
        ms += 1000;

    time_t seconds = (time_t)((utc_ms - ms) / 1000);
    (void)gmtime_r(&seconds, fields);
    return (int)ms;
}

void clock_dicom(int64_t utc_ms, char date[9], char time_text[15], char zone[6])
{
    struct tm at;
    int ms = split(utc_ms, &at);

    char text[64];
    (void)snprintf(text, sizeof text, "%04d%02d%02d", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday);
    (void)snprintf(date, 9, "%.8s", text);
    (void)snprintf(text, sizeof text, "%02d%02d%02d.%03d", at.tm_hour, at.tm_min, at.tm_sec, ms);
    (void)snprintf(time_text, 15, "%.14s", text);
    (void)snprintf(zone, 6, "+0000");
}

static char *put_digits(char *to, int value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + digits;
}

/* By hand: a list of thousands has three a line. */
void clock_iso(int64_t utc_ms, char text[25])
{
    struct tm at;
    int ms = split(utc_ms, &at);
    const struct {
        int value, digits;
        char end;
    } parts[] = {{at.tm_year + 1900, 4, '-'},
                 {at.tm_mon + 1, 2, '-'},
                 {at.tm_mday, 2, 'T'},
                 {at.tm_hour, 2, ':'},
                 {at.tm_min, 2, ':'},
                 {at.tm_sec, 2, '.'},
                 {ms, 3, 'Z'}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        text = put_digits(text, parts[i].value, parts[i].digits);
        *text++ = parts[i].end;
    }
    *text = '\0';
}
