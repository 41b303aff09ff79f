/* The strategies that write another value: texts, numbers, UIDs. */
#include "mutate_work.h"

#include <string.h>

/* The value becomes this text; where the length has no room for it the element is left. */
static void set_text(struct work *work, struct element *e, const char *text)
{
    struct bytes value = {NULL, 0, 0};
    size_t length = strlen(text);
    if (e == NULL || (e->length_size == 2 && length > 65534))
        return;
    bytes_add(&value, text, length);
    if (length % 2 != 0)
        bytes_add(&value, " ", 1);
    set_length(work, e, (uint32_t)value.count);
    bytes_splice(work->data, e->value, e->length, value.at, value.count);
    bytes_finish(&value);
}

void photometric(struct work *work)
{
    static const char *const names[] = {"MONOCHROME1",
                                        "MONOCHROME2",
                                        "PALETTE COLOR",
                                        "RGB",
                                        "YBR_FULL",
                                        "YBR_FULL_422",
                                        "YBR_PARTIAL_420",
                                        "YBR_ICT",
                                        "YBR_RCT",
                                        "HSV",
                                        "ARGB",
                                        "CMYK",
                                        "",
                                        "\\\\"};
    set_small(work, 0x00280002, (uint32_t)(1 + below(work, 4)));
    set_small(work, 0x00280006, (uint32_t)below(work, 3));
    set_text(work, find(work, 0x00280004), names[below(work, sizeof names / sizeof names[0])]);
}

void frame_count(struct work *work)
{
    static const char *const counts[] = {
        "0",   "-1", "2",    "1000000",    "65536",      "65537",
        "1e9", "",   "1\\2", "2147483648", "4294967296", "99999999999999999999",
        "3.5", "x"};
    struct element *e = find(work, 0x00280008);
    const char *count = counts[below(work, sizeof counts / sizeof counts[0])];
    uint8_t header[8] = {0x28, 0, 8, 0, 'I', 'S', 0, 0};
    struct element *rows = find(work, 0x00280010);
    if (e == NULL && rows != NULL && work->encoding == EXPLICIT_LITTLE) {
        bytes_splice(work->data, rows->at, 0, header, sizeof header);
        *rows = (struct element){.at = rows->at,
                                 .value = rows->at + 8,
                                 .length_at = 6,
                                 .length_size = 2,
                                 .vr_at = 4,
                                 .tag = 0x00280008};
        e = rows;
    }
    set_text(work, e, count);
}

void uids(struct work *work)
{
    static const uint32_t tags[] = {0x00080016, 0x00080018, 0x0020000d, 0x0020000e, 0x00200052};
    static const char *const values[] = {
        "",
        "1",
        ".",
        "../../etc/passwd",
        "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21",
        "1.2.840.113619.2.55.3.604688119.971.1234567890.12345678901234567890",
        "1.2.3\\4.5.6",
        "1.02.003",
        " 1.2.3 ",
        "1.2.3\n4",
        "%s%n%d",
        "1.2.840.10008.5.1.4.1.1.88.59"};
    set_text(work, find(work, tags[below(work, 5)]),
             values[below(work, sizeof values / sizeof values[0])]);
}

void texts(struct work *work)
{
    static const uint32_t tags[] = {0x00080005, 0x00100010, 0x00100020, 0x00081030, 0x00080060};
    static const char *const values[] = {"ISO_IR 192",
                                         "\\ISO 2022 IR 87",
                                         "GB18030",
                                         "ISO 2022 IR 149\\ISO 2022 IR 58",
                                         "NONE",
                                         "\x1b$B\x1b(J\x1b",
                                         "\xff\xfe\xfd\xc0\x80",
                                         "\xed\xa0\x80",
                                         "=^=^=^=",
                                         "\\\\\\\\\\\\",
                                         "<script>&amp;'\";--",
                                         "\r\n\t\x01\x7f"};
    for (size_t i = 1 + below(work, 2); i > 0; i--) {
        set_text(work, find(work, tags[below(work, 5)]),
                 values[below(work, sizeof values / sizeof values[0])]);
        work->count = elements_find(work->data, work->encoding, work->element);
    }
}

void numbers(struct work *work)
{
    static const uint32_t tags[] = {0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00280030,
                                    0x00181164, 0x00280034, 0x00101010, 0x00200013};
    static const char *const values[] = {"NaN",
                                         "inf",
                                         "1e999",
                                         "-1e308",
                                         "0",
                                         "0\\0",
                                         "1e-320",
                                         "",
                                         "1,5",
                                         "0x10",
                                         "-0.0",
                                         "1\\2\\3\\4",
                                         "99999999999999999999999999999999999999999999"};
    for (size_t i = 1 + below(work, 3); i > 0; i--) {
        set_text(work, find(work, tags[below(work, sizeof tags / sizeof tags[0])]),
                 values[below(work, sizeof values / sizeof values[0])]);
        work->count = elements_find(work->data, work->encoding, work->element);
    }
}
