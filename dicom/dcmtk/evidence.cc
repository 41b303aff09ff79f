/* The images that a report of ours says it is about. */
#include "shim.hh"

#include "dx_result.h"

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcfilefo.h"
#include "dcmtk/dcmdata/dcsequen.h"
#include "dcmtk/ofstd/ofstd.h"

#include <cstdlib>
#include <cstring>
#include <vector>

namespace
{

void copy_uid(DcmItem *item, const DcmTagKey &tag, char uid[DX_UID_MAX])
{
    OFString text;
    (void)item->findAndGetOFString(tag, text);
    OFStandard::strlcpy(uid, text.c_str(), DX_UID_MAX);
}

void read_series(DcmItem *series, std::vector<dx_reference> *found)
{
    DcmSequenceOfItems *instances = nullptr;
    if (series->findAndGetSequence(DCM_ReferencedSOPSequence, instances).bad())
        return;
    for (unsigned long i = 0; i < instances->card(); i++) {
        struct dx_reference reference = {};
        copy_uid(series, DCM_SeriesInstanceUID, reference.series);
        copy_uid(instances->getItem(i), DCM_ReferencedSOPClassUID, reference.sop_class);
        copy_uid(instances->getItem(i), DCM_ReferencedSOPInstanceUID, reference.sop_instance);
        found->push_back(reference);
    }
}

enum dx_status read_evidence(const char *path, struct dx_reference **references, size_t *count,
                             struct dx_error *err)
{
    DcmFileFormat file;
    DcmSequenceOfItems *studies = nullptr, *series = nullptr;
    std::vector<dx_reference> found;
    OFCondition condition = file.loadFile(path);
    if (condition.bad())
        return dx_fail_condition(err, DX_MALFORMED, path, condition);
    DcmItem *dataset = file.getDataset();
    if (dataset->findAndGetSequence(DCM_CurrentRequestedProcedureEvidenceSequence, studies).good())
        for (unsigned long i = 0; i < studies->card(); i++)
            if (studies->getItem(i)
                    ->findAndGetSequence(DCM_ReferencedSeriesSequence, series)
                    .good())
                for (unsigned long k = 0; k < series->card(); k++)
                    read_series(series->getItem(k), &found);
    if (found.empty())
        return DX_OK;
    size_t bytes = found.size() * sizeof found[0];
    *references = static_cast<struct dx_reference *>(malloc(bytes));
    if (*references == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    memcpy(*references, found.data(), bytes);
    *count = found.size();
    return DX_OK;
}

} // namespace

enum dx_status dx_result_evidence(const char *path, struct dx_reference **references, size_t *count,
                                  struct dx_error *err)
{
    *references = nullptr;
    *count = 0;
    return dx_guard(
        err, [&]() -> enum dx_status { return read_evidence(path, references, count, err); });
}
