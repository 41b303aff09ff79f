#include "dx_availability.h"

#include "dx_attrs.h"
#include "scan_dataset.h"
#include <string.h>

#define AVAILABILITY DX_TAG(0x0008, 0x0056)
#define STEP         DX_TAG(0x0008, 0x1111)
#define SERIES       DX_TAG(0x0008, 0x1115)
#define REFERENCED   DX_TAG(0x0008, 0x1199)
#define STUDY        DX_TAG(0x0020, 0x000d)

static bool take(void *context, const struct dx_place *place, uint32_t tag, const uint8_t *value,
                 size_t length)
{
    struct dx_availability *news = context;
    char word[17] = "";
    if (place->depth == 0 && tag == STUDY)
        (void)dx_scan_copy_text(news->study, DX_UID_MAX, value, length);
    if (place->depth != 2 || place->sequence[0] != SERIES || place->sequence[1] != REFERENCED ||
        tag != AVAILABILITY)
        return true;
    (void)dx_scan_copy_text(word, sizeof word, value, length);
    if (strcmp(word, "ONLINE") == 0 || strcmp(word, "NEARLINE") == 0)
        news->there++;
    else
        news->away++;
    return true;
}

enum dx_status dx_availability_read(const uint8_t *bytes, size_t count,
                                    struct dx_availability *news, struct dx_error *err)
{
    static const uint32_t sequences[] = {STEP, SERIES, REFERENCED, 0};
    memset(news, 0, sizeof *news);
    enum dx_status status = dx_dataset_read(bytes, count, sequences, take, news, err);
    if (status != DX_OK)
        return status;
    if (!dx_uid_is_usable(news->study))
        return dx_fail(err, DX_MALFORMED, "a notification without Study Instance UID");
    if (news->there + news->away == 0)
        return dx_fail(err, DX_MALFORMED, "a notification of no instance");
    return DX_OK;
}
