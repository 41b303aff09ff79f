/* check.hh: the parts of the self-check (private to dicom/dcmtk/). */
#ifndef DX_CHECK_HH
#define DX_CHECK_HH

#include "object.hh"

#include <set>
#include <string>

/* One check of one file. The first breach is kept, as a sentence in err. */
struct dx_result_review {
    const struct dx_expectation *expected = nullptr;
    struct dx_error *err = nullptr;
    DcmItem *dataset = nullptr;
    std::string sop_class;
    bool is_utf8 = false; /* otherwise our own texts are ASCII */
    bool has_required = false;
    std::set<std::string> known;               /* "class instance" of the expected references */
    std::set<std::string> series;              /* "series instance" of them */
    std::set<std::string> evidence, mentioned; /* instances in either */

    /* "NAME (gggg,eeee) in PATH: text"; PATH is "" for the main dataset. */
    enum dx_status fail(const std::string &path, const DcmTagKey &tag, const std::string &text);
};

/* check_iod.cc: mandatory attributes of one item; parent is its sequence, DCM_ItemTag the dataset.
 */
enum dx_status dx_check_mandatory(dx_result_review *review, DcmItem *item, const DcmTagKey &parent,
                                  const std::string &path);
/* check_walk.cc: every element below the dataset. */
enum dx_status dx_check_elements(dx_result_review *review);
/* check_value.cc: one element that is no sequence. is_own: not copied from the source. */
enum dx_status dx_check_value(dx_result_review *review, DcmElement *element, bool is_own,
                              const std::string &path);
/* Present and not empty. */
bool dx_has_value(DcmItem *item, const DcmTagKey &tag);
/* Whether the tag is one that dx_put_patient_study copies. */
bool dx_is_patient_study(const DcmTagKey &tag);

#endif
