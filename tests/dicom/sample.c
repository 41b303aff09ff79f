#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(struct sample *sample, const void *bytes, size_t count)
{
    if (count == 0)
        return;
    if (count > sizeof sample->bytes - sample->count)
        exit(70);
    memcpy(sample->bytes + sample->count, bytes, count);
    sample->count += count;
}

static void add_little(struct sample *sample, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        add(sample, &byte, 1);
    }
}

static void add_tag(struct sample *sample, uint32_t tag)
{
    add_little(sample, tag >> 16, 2);
    add_little(sample, tag & 0xffff, 2);
}

static int is_long(const char *vr)
{
    return strstr("OB OW OF OD OL SQ UN UT UC UR", vr) != NULL;
}

void sample_put(struct sample *sample, uint32_t tag, const char *vr, const void *value,
                size_t length)
{
    size_t even = length + length % 2;
    add_tag(sample, tag);
    add(sample, vr, 2);
    if (is_long(vr))
        add_little(sample, 0, 2);
    add_little(sample, even, is_long(vr) ? 4 : 2);
    add(sample, value, length);
    if (even != length)
        add(sample, strcmp(vr, "UI") == 0 || strcmp(vr, "OB") == 0 ? "\0" : " ", 1);
}

void sample_text(struct sample *sample, uint32_t tag, const char *vr, const char *text)
{
    sample_put(sample, tag, vr, text, strlen(text));
}

void sample_word(struct sample *sample, uint32_t tag, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    sample_put(sample, tag, "US", bytes, 2);
}

size_t sample_enter(struct sample *sample, uint32_t tag)
{
    add_tag(sample, tag);
    add(sample, "SQ\0\0", 4);
    add_little(sample, 0xffffffff, 4);
    add_tag(sample, 0xfffee000);
    add_little(sample, 0xffffffff, 4);
    return sample->count;
}

void sample_leave(struct sample *sample, size_t mark)
{
    (void)mark;
    add_tag(sample, 0xfffee00d);
    add_little(sample, 0, 4);
    add_tag(sample, 0xfffee0dd);
    add_little(sample, 0, 4);
}

void sample_fragment(struct sample *sample, const void *bytes, size_t count)
{
    add_tag(sample, 0x7fe00010);
    add(sample, "OB\0\0", 4);
    add_little(sample, 0xffffffff, 4);
    add_tag(sample, 0xfffee000);
    add_little(sample, 0, 4);
    add_tag(sample, 0xfffee000);
    add_little(sample, count + count % 2, 4);
    add(sample, bytes, count);
    add(sample, "\0", count % 2);
    add_tag(sample, 0xfffee0dd);
    add_little(sample, 0, 4);
}

void sample_begin(struct sample *sample, const char *transfer_syntax)
{
    const char *syntax = transfer_syntax ? transfer_syntax : "1.2.840.10008.1.2.1";
    size_t length = strlen(syntax) + strlen(syntax) % 2;
    uint8_t group[4] = {(uint8_t)(8 + length), 0, 0, 0};
    memset(sample->bytes, 0, 128);
    sample->count = 128;
    add(sample, "DICM", 4);
    sample_put(sample, 0x00020000, "UL", group, 4);
    sample_text(sample, 0x00020010, "UI", syntax);
}

int sample_open(const struct sample *sample)
{
    char path[] = "/tmp/dx_sample_XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || unlink(path) != 0 ||
        write(fd, sample->bytes, sample->count) != (ssize_t)sample->count)
        exit(73);
    return fd;
}

struct dx_attrs *sample_source(void)
{
    static const struct {
        uint32_t tag;
        const char *vr, *text;
    } list[] = {
        {DX_TAG(0x0008, 0x0005), "CS", "ISO_IR 100"},
        {DX_TAG(0x0008, 0x0016), "UI", "1.2.840.10008.5.1.4.1.1.1.1"},
        {DX_TAG(0x0008, 0x0018), "UI", "1.2.3.4.1"},
        {DX_TAG(0x0008, 0x0020), "DA", "20261122"},
        {DX_TAG(0x0008, 0x0030), "TM", "081500"},
        {DX_TAG(0x0008, 0x0050), "SH", "ACC-1"},
        {DX_TAG(0x0008, 0x0060), "CS", "DX"},
        {DX_TAG(0x0008, 0x0090), "PN", "House^Gregory"},
        {DX_TAG(0x0008, 0x1030), "LO", "Cervical spine"},
        {DX_TAG(0x0010, 0x0010), "PN", "M\xfcller^J\xf6rg"},
        {DX_TAG(0x0010, 0x0020), "LO", "4711"},
        {DX_TAG(0x0010, 0x0030), "DA", "19700101"},
        {DX_TAG(0x0010, 0x0040), "CS", "M"},
        {DX_TAG(0x0010, 0x1010), "AS", "056Y"},
        {DX_TAG(0x0020, 0x000d), "UI", "1.2.3.4"},
        {DX_TAG(0x0020, 0x000e), "UI", "1.2.3.4.5"},
        {DX_TAG(0x0020, 0x0010), "SH", "S1"},
        {DX_TAG(0x0028, 0x0010), "US", "512"},
    };
    struct dx_attrs *attrs = dx_attrs_create();
    for (size_t i = 0; attrs && i < sizeof list / sizeof list[0]; i++)
        if (dx_attrs_set_text(attrs, list[i].tag, list[i].vr, list[i].text))
            exit(70);
    return attrs;
}

void sample_header(struct dx_result_header *header)
{
    static const struct dx_reference images[] = {
        {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.1", "1.2.3.4.5"},
        {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.2", "1.2.3.4.6"},
        {"1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.4.3", "1.2.3.4.5"},
    };
    *header = (struct dx_result_header){
        .sop_instance = "2.25.1",
        .series = "2.25.2",
        .series_number = 9001,
        .instance_number = 1,
        .series_description = "cervigate - NOT FOR DIAGNOSIS",
        .manufacturer = "cervigate",
        .model_name = "cervigate",
        .software_versions = "0.1.0",
        .device_serial = "0",
        .station_ae = "CERVIGATE",
        .content_date = "20261122",
        .content_time = "120000",
        .timezone = "+0000",
        .references = images,
        .reference_count = 3,
    };
}
