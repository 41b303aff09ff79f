/* The attributes that a Unified Procedure Step may have (PS3.3 B.26, C.30 and the macros that they
 * include), with their VRs (PS3.6): implicit VR does not say them. */
#include "tree.h"

#include "dx_attrs.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint32_t tag;
    char vr[3];
};

#define T(group, element, vr)                                                                      \
    {                                                                                              \
        DX_TAG(0x##group, 0x##element), #vr                                                        \
    }

/* clang-format off: a table */
static const struct entry entries[] = {
    T(0008, 0005, CS), T(0008, 0016, UI), T(0008, 0018, UI), T(0008, 0050, SH), T(0008, 0051, SQ),
    T(0008, 0054, AE), T(0008, 0056, CS), T(0008, 0100, SH), T(0008, 0102, SH), T(0008, 0103, SH),
    T(0008, 0104, LO), T(0008, 0105, CS), T(0008, 0106, DT), T(0008, 0107, DT), T(0008, 010b, CS),
    T(0008, 010d, UI), T(0008, 010f, CS), T(0008, 0117, UI), T(0008, 0118, UI), T(0008, 0119, UC),
    T(0008, 0120, UR), T(0008, 0122, LO), T(0008, 0201, SH), T(0008, 1080, LO), T(0008, 1084, SQ),
    T(0008, 1150, UI), T(0008, 1155, UI), T(0008, 1160, IS), T(0008, 1190, UR), T(0008, 1195, UI),
    T(0008, 1199, SQ), T(0010, 0010, PN), T(0010, 0020, LO), T(0010, 0021, LO), T(0010, 0022, CS),
    T(0010, 0024, SQ), T(0010, 0030, DA), T(0010, 0032, TM), T(0010, 0040, CS), T(0010, 1002, SQ),
    T(0010, 2000, LO), T(0010, 2110, LO), T(0010, 21c0, US), T(0020, 000d, UI), T(0020, 000e, UI),
    T(0032, 1033, LO), T(0032, 1060, LO), T(0032, 1064, SQ), T(0038, 0010, LO), T(0038, 0014, SQ),
    T(0038, 0050, LO), T(0040, 0026, SQ), T(0040, 0027, SQ), T(0040, 0031, UT), T(0040, 0032, UT),
    T(0040, 0033, CS), T(0040, 0035, CS), T(0040, 0254, LO), T(0040, 0280, ST), T(0040, 0400, LT),
    T(0040, 0441, SQ), T(0040, 08ea, SQ), T(0040, 1001, SH), T(0040, 1003, SH), T(0040, 2016, LO),
    T(0040, 2017, LO), T(0040, 4005, DT), T(0040, 4008, DT), T(0040, 4009, SQ), T(0040, 4010, DT),
    T(0040, 4011, DT), T(0040, 4018, SQ), T(0040, 4019, SQ), T(0040, 4021, SQ), T(0040, 4025, SQ),
    T(0040, 4026, SQ), T(0040, 4027, SQ), T(0040, 4028, SQ), T(0040, 4029, SQ), T(0040, 4030, SQ),
    T(0040, 4033, SQ), T(0040, 4034, SQ), T(0040, 4035, SQ), T(0040, 4036, LO), T(0040, 4037, PN),
    T(0040, 4041, CS), T(0040, 4050, DT), T(0040, 4051, DT), T(0040, 4052, DT), T(0040, 4070, SQ),
    T(0040, 4071, SQ), T(0040, 4072, SQ), T(0040, 4073, UR), T(0040, 4074, UR), T(0040, a040, CS),
    T(0040, a043, SQ), T(0040, a120, DT), T(0040, a121, DA), T(0040, a122, TM), T(0040, a123, PN),
    T(0040, a124, UI), T(0040, a160, UT), T(0040, a168, SQ), T(0040, a30a, DS), T(0040, a370, SQ),
    T(0040, e010, UR), T(0040, e011, UI), T(0040, e020, CS), T(0040, e021, SQ), T(0040, e022, SQ),
    T(0040, e023, SQ), T(0040, e024, SQ), T(0040, e025, SQ), T(0074, 1000, CS), T(0074, 1002, SQ),
    T(0074, 1004, DS), T(0074, 1006, ST), T(0074, 1007, SQ), T(0074, 1008, SQ), T(0074, 100a, UR),
    T(0074, 100c, LO), T(0074, 100e, SQ), T(0074, 1200, CS), T(0074, 1202, LO), T(0074, 1204, LO),
    T(0074, 1210, SQ), T(0074, 1212, SQ), T(0074, 1216, SQ), T(0074, 1224, SQ), T(0074, 1238, LT),
    T(0088, 0130, SH), T(0088, 0140, UI)};
/* clang-format on */

static int compare(const void *key, const void *entry)
{
    uint32_t tag = *(const uint32_t *)key, other = ((const struct entry *)entry)->tag;
    return tag < other ? -1 : tag > other;
}

const char *dx_ups_vr(uint32_t tag)
{
    const struct entry *found =
        bsearch(&tag, entries, sizeof entries / sizeof *entries, sizeof *entries, compare);
    return found != NULL ? found->vr : "UN";
}
