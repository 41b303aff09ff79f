#include "dx_commitment.h"

#include "dx_attrs.h"
#include "scan_dataset.h"
#include <string.h>

#define TRANSACTION DX_TAG(0x0008, 0x1195)
#define FAILURE     DX_TAG(0x0008, 0x1197)
#define FAILED      DX_TAG(0x0008, 0x1198)
#define REFERENCED  DX_TAG(0x0008, 0x1199)
#define SOP_CLASS   DX_TAG(0x0008, 0x1150)
#define INSTANCE    DX_TAG(0x0008, 0x1155)
#define UNSAID      0x0110 /* a failed item without a reason: Processing failure */

void dx_commitment_write(const struct dx_commitment *request, struct dx_writing *to)
{
    dx_put_uid(to, TRANSACTION, request->transaction);
    dx_put_begin(to, REFERENCED);
    for (size_t i = 0; i < request->count; i++) {
        dx_put_item(to);
        dx_put_uid(to, SOP_CLASS, request->item[i].sop_class);
        dx_put_uid(to, INSTANCE, request->item[i].sop_instance);
        dx_put_item_end(to);
    }
    dx_put_end(to);
}

struct collecting {
    struct dx_commitment *event;
    uint32_t sequence; /* of the last item */
    unsigned number;
};

/* The item that an element of these two sequences belongs to; NULL: there is no room for it. */
static struct dx_commitment_item *item_of(struct collecting *c, const struct dx_place *place)
{
    struct dx_commitment *event = c->event;
    if (event->count == 0 || c->sequence != place->sequence[0] || c->number != place->item[0]) {
        if (event->count == DX_COMMITMENT_MOST)
            return NULL;
        c->sequence = place->sequence[0];
        c->number = place->item[0];
        event->item[event->count++] =
            (struct dx_commitment_item){.failure = place->sequence[0] == FAILED ? UNSAID : 0};
    }
    return &event->item[event->count - 1];
}

static bool take(void *context, const struct dx_place *place, uint32_t tag, const uint8_t *value,
                 size_t length)
{
    struct collecting *c = context;
    if (place->depth == 0 && tag == TRANSACTION)
        (void)dx_scan_copy_text(c->event->transaction, DX_UID_MAX, value, length);
    if (place->depth != 1 || (place->sequence[0] != FAILED && place->sequence[0] != REFERENCED))
        return true;
    struct dx_commitment_item *item = item_of(c, place);
    if (item == NULL)
        return false;
    if (tag == SOP_CLASS)
        (void)dx_scan_copy_text(item->sop_class, DX_UID_MAX, value, length);
    else if (tag == INSTANCE)
        (void)dx_scan_copy_text(item->sop_instance, DX_UID_MAX, value, length);
    else if (tag == FAILURE && length >= 2 && place->sequence[0] == FAILED)
        item->failure = (uint16_t)(value[0] | value[1] << 8);
    if (item->failure == 0 && place->sequence[0] == FAILED)
        item->failure = UNSAID;
    return true;
}

enum dx_status dx_commitment_read(const uint8_t *bytes, size_t count, struct dx_commitment *event,
                                  struct dx_error *err)
{
    static const uint32_t sequences[] = {FAILED, REFERENCED, 0};
    struct collecting c = {.event = event};
    memset(event, 0, sizeof *event);
    enum dx_status status = dx_dataset_read(bytes, count, sequences, take, &c, err);
    if (status != DX_OK)
        return status;
    if (!dx_uid_is_usable(event->transaction))
        return dx_fail(err, DX_MALFORMED, "a commitment without Transaction UID");
    if (event->count == 0)
        return dx_fail(err, DX_MALFORMED, "a commitment to nothing");
    for (size_t i = 0; i < event->count; i++)
        if (!dx_uid_is_usable(event->item[i].sop_instance))
            return dx_fail(err, DX_MALFORMED, "a commitment of an instance without UID");
    return DX_OK;
}

const char *dx_commitment_reason(uint16_t failure)
{
    switch (failure) {
    case 0x0110:
        return "processing failure";
    case 0x0112:
        return "no such object instance";
    case 0x0119:
        return "class and instance conflict";
    case 0x0122:
        return "SOP class not supported";
    case 0x0131:
        return "duplicate transaction UID";
    case 0x0213:
        return "resource limitation";
    default:
        return "a reason of its own";
    }
}
