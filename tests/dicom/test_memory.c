/* The N-th request for memory fails while an object is read, for every N: the reader dies, says
 * that there is no memory, or reads what it reads otherwise. Never is an object malformed for it,
 * nor an attribute or a pixel another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "denied_memory.h"
#include "dx_object.h"
#include "sample_objects.h"
#include "tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIDE 16
#define MOST 20000 /* requests */

/* What was read. */
struct reading {
    enum dx_status status;
    char text[256];
    size_t attrs_count, pixels_count;
    uint8_t attrs[8192];
    uint16_t pixels[SIDE * SIDE];
};

static enum dx_status read_attributes(struct dx_object *object, struct reading *reading,
                                      struct dx_error *err)
{
    struct dx_attrs *attrs = NULL;
    uint8_t *bytes = NULL;
    enum dx_status status = dx_object_attributes(object, &attrs, err);
    if (status == DX_OK)
        status = dx_attrs_pack(attrs, &bytes, &reading->attrs_count);
    if (status == DX_OK && reading->attrs_count <= sizeof reading->attrs)
        memcpy(reading->attrs, bytes, reading->attrs_count);
    free(bytes);
    dx_attrs_destroy(attrs);
    return status;
}

/* As the object child does. */
static void read_object(int fd, struct reading *reading)
{
    struct dx_limits limits;
    struct dx_error err = {0};
    struct dx_object *object = NULL;
    struct dx_image_info image;
    struct dx_grey grey = {0};
    dx_limits_default(&limits);
    memset(reading, 0, sizeof *reading);
    reading->status = dx_object_open(fd, &limits, &object, &err);
    if (reading->status == DX_OK)
        reading->status = read_attributes(object, reading, &err);
    if (reading->status == DX_OK)
        reading->status = dx_object_image(object, &image, &err);
    if (reading->status == DX_OK)
        reading->status = dx_object_grey(object, 0, &grey, &err);
    if (reading->status == DX_OK) {
        reading->pixels_count = (size_t)grey.rows * grey.cols;
        memcpy(reading->pixels, grey.pixels, sizeof reading->pixels);
    }
    snprintf(reading->text, sizeof reading->text, "%s", err.text);
    dx_grey_finish(&grey);
    dx_object_close(object);
}

static char checked[256]; /* instead: the file of ours, and what is expected of it */
static struct dx_expectation expected;

static void read_it(int fd, struct reading *reading)
{
    struct dx_error err = {0};
    if (checked[0] == '\0') {
        read_object(fd, reading);
        return;
    }
    memset(reading, 0, sizeof *reading);
    reading->status = dx_result_check(checked, &expected, &err);
    snprintf(reading->text, sizeof reading->text, "%s", err.text);
}

/* How a process ends whose n-th request fails; 0: it failed nowhere, and all was read. */
enum end { END_NO_FAULT, END_SAME, END_NO_MEMORY, END_WRONG };

static int read_without(long n, int fd, const struct reading *whole)
{
    static struct reading reading;
    taken = 0;
    denied = n;
    read_it(fd, &reading);
    denied = -1;
    if (reading.status == DX_NO_MEMORY)
        return END_NO_MEMORY;
    if (reading.status == DX_OK)
        memcpy(reading.text, whole->text, sizeof reading.text); /* of the first look */
    if (memcmp(&reading, whole, sizeof reading) == 0)
        return taken > n ? END_SAME : END_NO_FAULT;
    fprintf(stderr, "N=%ld: status %d \"%s\", %zu bytes of attributes, %zu pixels\n", n,
            (int)reading.status, reading.text, reading.attrs_count, reading.pixels_count);
    return END_WRONG;
}

static void every_request(int fd)
{
    static struct reading whole;
    long ends[END_WRONG + 1] = {0}, deaths = 0;
    int status;
    read_it(fd, &whole);
    if (whole.status != DX_OK)
        fail_msg("%s", whole.text);
    for (long n = 0; ends[END_NO_FAULT] == 0 && n < MOST; n++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(read_without(n, fd, &whole));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) <= END_WRONG)
            ends[WEXITSTATUS(status)]++;
        else
            deaths++;
    }
    printf("%ld without memory, %ld the same, %ld deaths, %ld wrong\n", ends[END_NO_MEMORY],
           ends[END_SAME], deaths, ends[END_WRONG]);
    assert_int_equal(ends[END_WRONG], 0);
    assert_int_equal(ends[END_NO_FAULT], 1);
    assert_true(ends[END_NO_MEMORY] > 100);
}

static void of_what_is_read(const struct sample *sample)
{
    int fd = sample_open(sample);
    every_request(fd);
    close(fd);
}

static void of_a_picture_of_ours(void **state)
{
    struct dx_attrs *source = sample_source();
    (void)state;
    snprintf(checked, sizeof checked, "%s", tools_place("picture.dcm"));
    sample_object(SAMPLE_SC, source, checked, &expected);
    every_request(-1);
    checked[0] = '\0';
    dx_attrs_destroy(source);
}

static void put_header(struct sample *sample, const char *syntax, unsigned bits)
{
    sample_begin(sample, syntax);
    sample_text(sample, 0x00080005, "CS", "ISO_IR 192");
    sample_text(sample, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.1.1");
    sample_text(sample, 0x00080018, "UI", "1.2.3.4");
    sample_text(sample, 0x00080060, "CS", "DX");
    sample_text(sample, 0x00100010, "PN",
                "Pr\xc3\xbc"
                "fung^\xc3\x84rztin");
    sample_text(sample, 0x00100020, "LO", "a number that is longer than a short string is");
    sample_text(sample, 0x00180015, "CS", "CSPINE");
    sample_text(sample, 0x0020000d, "UI", "1.2.3");
    sample_text(sample, 0x0020000e, "UI", "1.2.3.1");
    sample_word(sample, 0x00280002, 1);
    sample_text(sample, 0x00280004, "CS", "MONOCHROME2");
    sample_word(sample, 0x00280010, SIDE);
    sample_word(sample, 0x00280011, SIDE);
    sample_word(sample, 0x00280100, bits);
    sample_word(sample, 0x00280101, bits);
    sample_word(sample, 0x00280102, bits - 1);
    sample_word(sample, 0x00280103, 0);
}

static void of_a_plain_image(void **state)
{
    static struct sample sample;
    uint8_t pixels[SIDE * SIDE * 2];
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37);
    put_header(&sample, NULL, 16);
    size_t mark = sample_enter(&sample, 0x00283010); /* VOI LUT Sequence */
    sample_put(&sample, 0x00283002, "US", (const uint16_t[]){256, 0, 16}, 6);
    uint16_t table[256];
    for (size_t i = 0; i < 256; i++)
        table[i] = (uint16_t)(i * 255);
    sample_put(&sample, 0x00283006, "OW", table, sizeof table);
    sample_leave(&sample, mark);
    sample_put(&sample, 0x7fe00010, "OW", pixels, sizeof pixels);
    of_what_is_read(&sample);
}

/* RLE: one segment, two runs of 128 bytes. */
static void of_a_compressed_one(void **state)
{
    static struct sample sample;
    uint8_t bytes[64 + 2 * 129] = {1, 0, 0, 0, 64};
    (void)state;
    for (size_t run = 0; run < 2; run++) {
        bytes[64 + run * 129] = 127;
        for (size_t i = 0; i < 128; i++)
            bytes[65 + run * 129 + i] = (uint8_t)(i * 3 + run);
    }
    put_header(&sample, "1.2.840.10008.1.2.5", 8);
    sample_fragment(&sample, bytes, sizeof bytes);
    of_what_is_read(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_a_plain_image),
                                       cmocka_unit_test(of_a_compressed_one),
                                       cmocka_unit_test(of_a_picture_of_ours)};
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
