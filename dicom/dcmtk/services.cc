/* The tables of the negotiation (PS3.4 A, B, J, R, CC). */
#include "dx_services.h"

#include "command.h"
#include "dx_availability.h"
#include "dx_commitment.h"
#include "dx_ups_scp.h"

#include "dcmtk/dcmdata/dctag.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmdata/dcxfer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

const struct dx_service dx_services[] = {
    {DX_SERVICE_VERIFICATION, UID_VerificationSOPClass, "Verification", "C-ECHO", false, false},
    {DX_SERVICE_COMMITMENT, DX_STORAGE_COMMITMENT, "Storage Commitment Push Model",
     "N-EVENT-REPORT", true, true},
    {DX_SERVICE_AVAILABILITY, DX_INSTANCE_AVAILABILITY, "Instance Availability Notification",
     "N-CREATE", false, true},
    {DX_SERVICE_UPS_PULL, DX_UPS_PULL, "Unified Procedure Step - Pull",
     "C-FIND, N-GET, N-SET, N-ACTION (Change UPS State)", false, true},
    {DX_SERVICE_UPS_QUERY, DX_UPS_QUERY, "Unified Procedure Step - Query", "C-FIND", false, true},
};
const size_t dx_service_count = sizeof dx_services / sizeof *dx_services;

static bool has_prefix(const char *uid, const char *prefix)
{
    return strncmp(uid, prefix, strlen(prefix)) == 0;
}

const struct dx_service *dx_service_of(const char *sop_class)
{
    for (const struct dx_service &service : dx_services)
        if (strcmp(service.sop_class, sop_class) == 0)
            return &service;
    return nullptr;
}

bool dx_is_storage_class(const char *sop_class)
{
    if (!has_prefix(sop_class, "1.2.840.10008."))
        return dx_uid_is_valid(sop_class);
    return has_prefix(sop_class, "1.2.840.10008.5.1.4.1.1.") ||
           dcmIsaStorageSOPClassUID(sop_class, ESSC_All);
}

bool dx_is_storable_syntax(const char *transfer_syntax)
{
    return dx_uid_is_valid(transfer_syntax) &&
           !has_prefix(transfer_syntax, "1.2.840.10008.1.2.6.") &&
           !has_prefix(transfer_syntax, "1.2.840.10008.1.2.7.");
}

static size_t add(struct dx_named *list, size_t count, size_t most, const char *uid,
                  const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].uid, uid) == 0)
            return count;
    if (count == most)
        return count;
    (void)snprintf(list[count].uid, sizeof list[count].uid, "%s", uid);
    (void)snprintf(list[count].name, sizeof list[count].name, "%s", name);
    return count + 1;
}

/* DCMTK numbers them from 0 on without gaps; behind the last there are none. */
const int SYNTAXES_MOST = 256;

/* By the numbers between the dots. */
static bool is_before(const struct dx_named &a, const struct dx_named &b)
{
    return strverscmp(a.uid, b.uid) < 0;
}

size_t dx_storage_classes(struct dx_named *list, size_t most)
{
    size_t count = 0;
    for (int i = 0; i < numberOfDcmAllStorageSOPClassUIDs; i++)
        if (dx_is_storage_class(dcmAllStorageSOPClassUIDs[i]))
            count = add(list, count, most, dcmAllStorageSOPClassUIDs[i],
                        dx_name_of(dcmAllStorageSOPClassUIDs[i]));
    std::sort(list, list + count, is_before);
    return count;
}

size_t dx_storable_syntaxes(struct dx_named *list, size_t most)
{
    size_t count = 0;
    for (int i = 0; i < SYNTAXES_MOST; i++) {
        DcmXfer syntax(static_cast<E_TransferSyntax>(i));
        const char *uid = syntax.getXferID();
        if (syntax.getXfer() != EXS_Unknown && uid != nullptr && dx_is_storable_syntax(uid))
            count = add(list, count, most, uid, syntax.getXferName());
    }
    const char *name = nullptr;
    for (size_t i = 0; const char *uid = dx_decodable_syntax(i, &name); i++)
        count = add(list, count, most, uid, name != nullptr ? name : dx_name_of(uid));
    std::sort(list, list + count, is_before);
    return count;
}

const char *dx_name_of(const char *uid)
{
    return dcmFindNameOfUID(uid, uid);
}

void dx_tag_name(uint32_t tag, char name[65])
{
    DcmTag known(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff));
    (void)snprintf(name, 65, "%s", known.getTagName());
}

const char *dx_implementation_uid(void)
{
    return DX_IMPLEMENTATION_UID;
}

const char *dx_implementation_version(void)
{
    return DX_IMPLEMENTATION_VERSION;
}
