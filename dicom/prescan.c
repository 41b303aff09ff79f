/* Entry points of the pre-scanner: the Part 10 file's meta group (PS3.10 7.1), then the dataset. */
#include "scan_dataset.h"

#include <string.h>

#define META_MAX 65536u /* bytes of the file meta group */

static const char explicit_little[] = "1.2.840.10008.1.2.1";
static const char explicit_big[] = "1.2.840.10008.1.2.2";
static const char implicit_little[] = "1.2.840.10008.1.2";

void dx_limits_default(struct dx_limits *limits)
{
    *limits = (struct dx_limits){
        .nesting = 64,
        .elements = 2000000,
        .dataset_bytes = UINT64_C(4) << 30,
        .inflated_bytes = UINT64_C(512) << 20,
        .frame_pixels = UINT64_C(64) << 20,
        .frame_bytes = UINT64_C(512) << 20,
        .frames = 65536,
    };
}

/* Where a UID of the meta group belongs, or NULL. */
static char *meta_field(struct dx_scan *scan, char *transfer_syntax, uint32_t tag)
{
    switch (tag) {
    case 0x00020002:
        return scan->meta_sop_class;
    case 0x00020003:
        return scan->meta_sop_instance;
    case 0x00020010:
        return transfer_syntax;
    default:
        return NULL;
    }
}

/* Passes over the elements of group 0002 and keeps its UIDs. */
static enum dx_status scan_meta(struct scan_source *source, char transfer_syntax[DX_UID_MAX],
                                struct dx_scan *scan, struct dx_error *err)
{
    uint64_t begin = source->position;
    uint32_t last = 0;

    for (;;) {
        const uint8_t *bytes;
        size_t got;
        enum dx_status status = dx_scan_source_peek(source, 12, &bytes, &got, err);
        if (status != DX_OK)
            return status;
        struct scan_element element = dx_scan_element_header(bytes, got, SCAN_EXPLICIT_LITTLE);
        if (element.size == 0 || element.tag >> 16 != 0x0002)
            return DX_OK;
        if (element.length > META_MAX || source->position - begin > META_MAX)
            return dx_fail(err, DX_LIMIT, "the file meta group has more than %u bytes", META_MAX);
        /* A received dataset must not go on with a meta group of its own behind ours: it could
         * name another transfer syntax than the one that it was received in. */
        if (element.tag <= last)
            return dx_fail(err, DX_MALFORMED, "(0002,%04x) is out of order in the file meta group",
                           element.tag & 0xffff);
        last = element.tag;

        status = dx_scan_source_skip(source, element.size, err);
        if (status != DX_OK)
            return status;
        char *uid = meta_field(scan, transfer_syntax, element.tag);
        if (uid != NULL) {
            status = dx_scan_source_peek(source, element.length < 128 ? element.length : 128,
                                         &bytes, &got, err);
            if (status != DX_OK)
                return status;
            bool fits = element.length <= 128 && dx_scan_copy_text(uid, DX_UID_MAX, bytes, got);
            if (!fits && uid == transfer_syntax)
                return dx_fail(err, DX_MALFORMED, "the transfer syntax is not a UID");
        }
        status = dx_scan_source_skip(source, element.length, err);
        if (status != DX_OK)
            return status;
    }
}

/* What a dataset without a meta group looks like: two capitals after the first tag are a VR. */
static const char *guess_syntax(const uint8_t *bytes, size_t got)
{
    if (got < 8 || bytes[4] < 'A' || bytes[4] > 'Z' || bytes[5] < 'A' || bytes[5] > 'Z')
        return implicit_little;
    return bytes[0] == 0 && bytes[1] != 0 ? explicit_big : explicit_little;
}

/* Brings the source to the dataset's first byte. */
static enum dx_status find_dataset(struct scan_source *source, char transfer_syntax[DX_UID_MAX],
                                   struct dx_scan *scan, struct dx_error *err)
{
    const uint8_t *bytes;
    size_t got;

    enum dx_status status = dx_scan_source_peek(source, 132, &bytes, &got, err);
    if (status != DX_OK)
        return status;
    bool has_preamble = got == 132 && memcmp(bytes + 128, "DICM", 4) == 0;
    if (has_preamble) {
        status = dx_scan_source_skip(source, 132, err);
        if (status != DX_OK)
            return status;
    }
    if (has_preamble || (got >= 8 && memcmp(bytes, "\x02\x00", 2) == 0 && bytes[3] == 0)) {
        status = scan_meta(source, transfer_syntax, scan, err);
        if (status != DX_OK)
            return status;
    }
    if (transfer_syntax[0] != '\0')
        return DX_OK;

    status = dx_scan_source_peek(source, 8, &bytes, &got, err);
    if (status == DX_OK)
        memcpy(transfer_syntax, guess_syntax(bytes, got), strlen(guess_syntax(bytes, got)) + 1);
    return status;
}

static enum dx_status scan_rest(struct scan_source *source, const char *transfer_syntax,
                                const struct dx_limits *limits, struct dx_scan *scan,
                                struct dx_error *err)
{
    enum dx_status status =
        dx_scan_source_begin(source, dx_scan_is_deflated(transfer_syntax), limits, err);
    if (status != DX_OK)
        return status;
    if (source->size == 0)
        return dx_fail(err, DX_MALFORMED, "the dataset is empty");

    status = dx_scan_dataset(source, dx_scan_encoding_of(transfer_syntax), limits, scan, err);
    if (status != DX_OK)
        return status;
    if (scan->elements == 0)
        return dx_fail(err, DX_MALFORMED, "the dataset has no element");
    return dx_scan_source_finish(source, scan->digest, &scan->dataset_bytes, err);
}

enum dx_status dx_prescan_digested(int fd, const char *digest, const struct dx_limits *limits,
                                   char transfer_syntax[DX_UID_MAX], struct dx_scan *scan,
                                   struct dx_error *err)
{
    struct scan_source source;

    memset(scan, 0, sizeof *scan);
    transfer_syntax[0] = '\0';
    enum dx_status status = dx_scan_source_open_file(&source, fd, err);
    source.digest = digest;
    if (status == DX_OK)
        status = find_dataset(&source, transfer_syntax, scan, err);
    if (status == DX_OK) {
        scan->dataset_offset = source.position;
        status = scan_rest(&source, transfer_syntax, limits, scan, err);
    }
    dx_scan_source_close(&source);
    return status;
}

enum dx_status dx_prescan_file(int fd, const struct dx_limits *limits,
                               char transfer_syntax[DX_UID_MAX], struct dx_scan *scan,
                               struct dx_error *err)
{
    return dx_prescan_digested(fd, NULL, limits, transfer_syntax, scan, err);
}

enum dx_status dx_prescan_structure(int fd, const struct dx_limits *limits,
                                    char transfer_syntax[DX_UID_MAX], struct dx_scan *scan,
                                    struct dx_error *err)
{
    return dx_prescan_digested(fd, "", limits, transfer_syntax, scan, err);
}

enum dx_status dx_prescan_memory(const uint8_t *bytes, size_t count, const char *transfer_syntax,
                                 const struct dx_limits *limits, struct dx_scan *scan,
                                 struct dx_error *err)
{
    struct scan_source source;

    memset(scan, 0, sizeof *scan);
    enum dx_status status = dx_scan_source_open_memory(&source, bytes, count, err);
    if (status == DX_OK)
        status = scan_rest(&source, transfer_syntax, limits, scan, err);
    dx_scan_source_close(&source);
    return status;
}
