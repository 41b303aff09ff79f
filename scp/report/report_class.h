/* report_class.h: the SOP classes of our own results: who writes one takes its UID from here, and
 * the conformance statement lists them. */
#ifndef REPORT_CLASS_H
#define REPORT_CLASS_H

#include "store.h"

/* One series a SOP class: viewers stumble over mixed ones. High numbers: the originals come first.
 */
#define REPORT_SERIES_SR               9901
#define REPORT_SERIES_SC               9902
#define REPORT_SERIES_GSPS             9903
#define REPORT_SERIES_MAP              9904
#define REPORT_SERIES_REJECTION        9905
#define REPORT_SERIES_SR_COMPREHENSIVE 9906
#define REPORT_SERIES_SR_ENHANCED      9907

struct report_class {
    enum result_kind kind;
    bool has_frames; /* of several frames */
    const char *uid;
    int series;       /* Series Number by default */
    const char *when; /* is it made */
};
extern const struct report_class report_classes[];
extern const size_t report_class_count;
/* has_frames is looked at where a kind has both. */
const char *report_class_uid(enum result_kind kind, bool has_frames);
int report_class_series(enum result_kind kind);

#endif
