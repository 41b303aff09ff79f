/* What a worklist's peer says of an order, and what is made of it: never an order of another
 * patient or study, and one that the role takes. The first byte says how much the study knows. */
#include "worklist/inquire.h"

#include <stdlib.h>
#include <string.h>

#define MOST 65536u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check(const struct store_inquiry *of, const struct dx_mwl_item *item)
{
    struct inquire_found *found = calloc(1, sizeof *found);
    struct inquire_answer *answer = calloc(1, sizeof *answer);
    if (found == NULL || answer == NULL)
        abort();
    found->of = of;
    inquire_take(found, item, false);
    inquire_take(found, item, false); /* another step of it */
    if (found->ambiguous || found->count > 1)
        abort();
    if (found->count > 0) {
        memcpy(answer->study, of->study, sizeof answer->study);
        answer->end = inquire_end_of(found);
        answer->count = found->count;
        memcpy(answer->order, found->order, sizeof answer->order);
        if (answer->end != INQUIRE_FOUND ||
            !inquire_is_answer(answer, INQUIRE_BYTES(answer->count), of))
            abort();
        if (of->patient_id[0] != '\0' && item->patient_id[0] != '\0' &&
            dx_text_is_ascii(item->patient_id) && strcmp(of->patient_id, item->patient_id) != 0)
            abort();
    }
    free(answer);
    free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct dx_error err;
    struct dx_mwl_item *item = malloc(sizeof *item);
    if (item == NULL)
        abort();
    if (count < 1 || count > MOST || dx_mwl_read(bytes + 1, count - 1, item, &err) != DX_OK) {
        free(item);
        return 0;
    }
    struct store_inquiry of = {.study = "1.2.3", .accession = "A1"};
    if (bytes[0] & 1)
        memcpy(of.patient_id, "P1", 3);
    if (bytes[0] & 2)
        memcpy(of.issuer, "H", 2);
    check(&of, item);
    memcpy(of.study, item->study, sizeof of.study);
    memcpy(of.accession, item->accession, sizeof of.accession);
    if (dx_uid_is_usable(of.study))
        check(&of, item);
    free(item);
    return 0;
}
