#include "seen.h"

#include <stdlib.h>
#include <string.h>

struct dx_attrs *seen_attrs(const struct instance *instance, const struct dx_scan *scan)
{
    const struct {
        uint32_t tag;
        const char *vr, *text;
    } known[] = {
        {DX_TAG(0x0008, 0x0005), "CS", scan->character_set},
        {DX_TAG(0x0008, 0x0016), "UI", instance->sop_class},
        {DX_TAG(0x0008, 0x0018), "UI", instance->sop_instance},
        {DX_TAG(0x0008, 0x0050), "SH", scan->accession},
        {DX_TAG(0x0008, 0x0060), "CS", scan->modality},
        {DX_TAG(0x0010, 0x0020), "LO", scan->patient_id},
        {DX_TAG(0x0010, 0x0021), "LO", scan->issuer},
        {DX_TAG(0x0020, 0x000d), "UI", instance->study},
        {DX_TAG(0x0020, 0x000e), "UI", instance->series},
    };
    struct dx_attrs *attrs = dx_attrs_create();
    for (size_t i = 0; attrs != NULL && i < sizeof known / sizeof *known; i++)
        if (dx_attrs_set_text(attrs, known[i].tag, known[i].vr, known[i].text) != DX_OK) {
            dx_attrs_destroy(attrs);
            attrs = NULL;
        }
    return attrs;
}

void seen_keep(struct instance *instance, const struct dx_scan *scan)
{
    uint8_t *bytes = NULL;
    size_t count = 0;
    instance->seen_bytes = 0;
    struct dx_attrs *attrs = scan->cut ? NULL : seen_attrs(instance, scan);
    if (attrs != NULL && dx_attrs_pack(attrs, &bytes, &count) == DX_OK &&
        count <= sizeof instance->seen) {
        memcpy(instance->seen, bytes, count);
        instance->seen_bytes = count;
    }
    free(bytes);
    dx_attrs_destroy(attrs);
}

struct dx_attrs *seen_recall(const struct instance *instance)
{
    struct dx_error err = {.status = DX_OK};
    struct dx_attrs *attrs = NULL;
    if (instance->seen_bytes == 0 ||
        dx_attrs_unpack(instance->seen, instance->seen_bytes, &attrs, &err) != DX_OK)
        return NULL;
    return attrs;
}
