#include "report_class.h"

const struct report_class report_classes[] = {
    {RESULT_SR, false, "1.2.840.10008.5.1.4.1.1.88.34", REPORT_SERIES_SR,
     "every study with a selected image"},
    {RESULT_SR_COMPREHENSIVE, false, "1.2.840.10008.5.1.4.1.1.88.33",
     REPORT_SERIES_SR_COMPREHENSIVE, "the same report, where a destination may not take 3D SR"},
    {RESULT_SR_ENHANCED, false, "1.2.840.10008.5.1.4.1.1.88.22", REPORT_SERIES_SR_ENHANCED,
     "the same report, where a destination takes neither"},
    {RESULT_SC, false, "1.2.840.10008.5.1.4.1.1.7", REPORT_SERIES_SC, "every judged image"},
    {RESULT_SC, true, "1.2.840.10008.5.1.4.1.1.7.4", REPORT_SERIES_SC,
     "a series of slices with a finding"},
    {RESULT_GSPS, false, "1.2.840.10008.5.1.4.1.1.11.1", REPORT_SERIES_GSPS,
     "an image with a finding, where a destination wants it"},
    {RESULT_MAP, false, "1.2.840.10008.5.1.4.1.1.30", REPORT_SERIES_MAP,
     "an image with a finding, where a destination wants it"},
    {RESULT_REJECTION, false, "1.2.840.10008.5.1.4.1.1.88.59", REPORT_SERIES_REJECTION,
     "something is taken back, at destinations with rejectionNotes"},
};
const size_t report_class_count = sizeof report_classes / sizeof *report_classes;

const char *report_class_uid(enum result_kind kind, bool has_frames)
{
    const char *uid = NULL;
    for (size_t i = 0; i < report_class_count && uid == NULL; i++)
        if (report_classes[i].kind == kind &&
            (report_classes[i].has_frames == has_frames || kind != RESULT_SC))
            uid = report_classes[i].uid;
    return uid;
}

int report_class_series(enum result_kind kind)
{
    size_t i = 0;
    while (i + 1 < report_class_count && report_classes[i].kind != kind)
        i++;
    return report_classes[i].series;
}
