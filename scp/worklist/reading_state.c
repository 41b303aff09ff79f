/* The table, by state of the item (rows) and state that is wanted (columns); every row but the
 * first with the right Transaction UID, without which it is C301:
 *
 *                SCHEDULED  IN PROGRESS  COMPLETED     CANCELED
 *   SCHEDULED    C303       0000         C310          C310
 *   IN PROGRESS  C303       C302         0000 or C304  0000
 *   COMPLETED    C303       C300         B306          C300
 *   CANCELED     C303       C300         C300          B304
 *
 * An item that is SCHEDULED has no Transaction UID: any will do. One that the node canceled has
 * none that anybody could know. */
#include "reading_state.h"

#include <string.h>

enum dx_ups_state reading_word(enum reading_state state)
{
    switch (state) {
    case READING_SCHEDULED:
        return DX_UPS_SCHEDULED;
    case READING_IN_PROGRESS:
        return DX_UPS_IN_PROGRESS;
    case READING_CANCELED:
        return DX_UPS_CANCELED;
    case READING_COMPLETED:
        return DX_UPS_COMPLETED;
    }
    return DX_UPS_STATE_UNKNOWN;
}

static bool is_right(enum reading_state is, const char *held, const char *given)
{
    if (given[0] == '\0')
        return false;
    return is == READING_SCHEDULED || (held[0] != '\0' && strcmp(held, given) == 0);
}

static uint16_t claim(enum reading_state is)
{
    return is == READING_SCHEDULED     ? DX_UPS_SUCCESS
           : is == READING_IN_PROGRESS ? DX_UPS_IS_IN_PROGRESS
                                       : DX_UPS_NO_MORE;
}

static uint16_t end(enum reading_state is, enum reading_state wanted, uint16_t already,
                    bool is_final)
{
    switch (is) {
    case READING_SCHEDULED:
        return DX_UPS_NOT_IN_PROGRESS;
    case READING_IN_PROGRESS:
        return is_final ? DX_UPS_SUCCESS : DX_UPS_NOT_FINAL;
    default:
        return is == wanted ? already : DX_UPS_NO_MORE;
    }
}

uint16_t reading_judge(enum reading_state is, const char *held, enum dx_ups_state wanted,
                       const char *given, bool is_final)
{
    if (wanted == DX_UPS_STATE_UNKNOWN)
        return DX_UPS_WRONG_VALUE;
    if (wanted == DX_UPS_SCHEDULED)
        return DX_UPS_NOT_SCHEDULED_SO;
    if (!is_right(is, held, given))
        return DX_UPS_WRONG_TRANSACTION;
    if (wanted == DX_UPS_IN_PROGRESS)
        return claim(is);
    return wanted == DX_UPS_COMPLETED
               ? end(is, READING_COMPLETED, DX_UPS_ALREADY_COMPLETED, is_final)
               : end(is, READING_CANCELED, DX_UPS_ALREADY_CANCELED, true);
}

uint16_t reading_judge_set(enum reading_state is, const char *held, const char *given)
{
    if (is == READING_SCHEDULED)
        return DX_UPS_NOT_IN_PROGRESS;
    if (is != READING_IN_PROGRESS)
        return DX_UPS_NO_MORE;
    return is_right(is, held, given) ? DX_UPS_SUCCESS : DX_UPS_WRONG_TRANSACTION;
}

const char *reading_words(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *words;
    } known[] = {{DX_UPS_ALREADY_CANCELED, "it is CANCELED already"},
                 {DX_UPS_ALREADY_COMPLETED, "it is COMPLETED already"},
                 {DX_UPS_NO_MORE, "it is COMPLETED or CANCELED"},
                 {DX_UPS_WRONG_TRANSACTION, "not the Transaction UID of its performer"},
                 {DX_UPS_IS_IN_PROGRESS, "it is IN PROGRESS already, by this Transaction UID"},
                 {DX_UPS_NOT_SCHEDULED_SO, "items become SCHEDULED by the node only"},
                 {DX_UPS_NO_SUCH_ITEM, "no item of this worklist"},
                 {DX_UPS_NOT_IN_PROGRESS, "it is not IN PROGRESS"},
                 {DX_UPS_WRONG_VALUE, "no state of a procedure step"},
                 {DX_UPS_CLASS_REFUSED, "the node's mode does not offer its worklist"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].words;
    return "";
}
