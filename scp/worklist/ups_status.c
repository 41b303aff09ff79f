/* What a manager's status means (PS3.4 CC.2.1.4 to CC.2.8.4, PS3.7 annex C). What is not in the
 * table is a warning in Bxxx, else a failure that may pass. docs/worklist/ups.md has the same
 * table. */
#include "ups.h"

static const struct {
    uint16_t status;
    enum ups_sense sense;
    const char *words;
} known[] = {
    {0x0000, UPS_DONE, "done"},
    {0x0001, UPS_DONE, "done, but for optional attributes"},
    {0x0107, UPS_DONE, "done, but for attributes that it does not know"},
    {0x0116, UPS_DONE, "done, with a value of its own"},
    {0x0111, UPS_PRESENT, "it is there"},
    {0x0112, UPS_ABSENT, "no such item"},
    {0xc307, UPS_ABSENT, "no such item"},
    {0xc300, UPS_OVER, "completed or canceled"},
    {0xc301, UPS_OVER, "in progress"},
    {0xc302, UPS_OVER, "in progress"},
    {0xc311, UPS_OVER, "completed"},
    {0xc312, UPS_OVER, "in progress; its performer cannot be contacted"},
    {0xc313, UPS_OVER, "in progress; its performer chooses not to cancel"},
    {0x0110, UPS_WAIT, "processing failure"},
    {0x0210, UPS_WAIT, "duplicate invocation"},
    {0x0213, UPS_WAIT, "resource limitation"},
    {0xa700, UPS_WAIT, "out of resources"},
    {0x0105, UPS_REFUSED, "no such attribute"},
    {0x0106, UPS_REFUSED, "invalid attribute value"},
    {0x0114, UPS_REFUSED, "no such argument"},
    {0x0115, UPS_REFUSED, "invalid argument value"},
    {0x0117, UPS_REFUSED, "invalid object instance"},
    {0x0118, UPS_REFUSED, "no such SOP class"},
    {0x0119, UPS_REFUSED, "class and instance conflict"},
    {0x0120, UPS_REFUSED, "missing attribute"},
    {0x0121, UPS_REFUSED, "missing attribute value"},
    {0x0122, UPS_REFUSED, "SOP class not supported"},
    {0x0123, UPS_REFUSED, "no such action"},
    {0x0124, UPS_REFUSED, "not authorized"},
    {0x0211, UPS_REFUSED, "unrecognized operation"},
    {0x0212, UPS_REFUSED, "mistyped argument"},
    {0xa900, UPS_REFUSED, "the keys are not of the SOP class"},
    {0xc303, UPS_REFUSED, "SCHEDULED comes by N-CREATE only"},
    {0xc304, UPS_REFUSED, "final state requirements not met"},
    {0xc308, UPS_REFUSED, "receiving AE title unknown"},
    {0xc309, UPS_REFUSED, "not created as SCHEDULED"},
    {0xc310, UPS_REFUSED, "it lets none be changed before it is in progress"},
    {0xc314, UPS_REFUSED, "action not appropriate for this item"},
    {0xc315, UPS_REFUSED, "no event reports"},
};

enum ups_sense ups_sense_of(uint16_t status, const char **words)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status) {
            *words = known[i].words;
            return known[i].sense;
        }
    *words = status >> 12 == 0xbu ? "done, with a warning" : "failed";
    return status >> 12 == 0xbu ? UPS_DONE : UPS_WAIT;
}
