#include "sender.h"

#define DUPLICATE_INSTANCE  0x0111
#define PROCESSING_FAILURE  0x0110
#define RESOURCE_LIMITATION 0x0213

enum verdict sender_verdict(uint16_t status)
{
    if (status == 0x0000 || (status & 0xf000) == 0xb000)
        return VERDICT_DELIVERED;
    if (status == DUPLICATE_INSTANCE) /* the UID says what the object holds: it is this one */
        return VERDICT_DELIVERED;
    if ((status & 0xff00) == 0xa700 || status == PROCESSING_FAILURE ||
        status == RESOURCE_LIMITATION)
        return VERDICT_LATER;
    return VERDICT_REFUSED;
}
