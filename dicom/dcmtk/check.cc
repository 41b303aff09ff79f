/* The last look at an object of ours: identity, patient and study, pixels; the elements are looked
 * at by check_walk.cc, with check_iod.cc's tables and check_value.cc's rules. */
#include "check.hh"

#include "charset.h"

#include "modules.hh"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

enum dx_status dx_result_review::fail(const std::string &path, const DcmTagKey &key,
                                      const std::string &text)
{
    DcmTag tag(key);
    std::string place = path.empty() ? "" : " in " + path;
    return dx_fail(err, DX_INVALID, "%s (%04x,%04x)%s: %s", tag.getTagName(), key.getGroup(),
                   key.getElement(), place.c_str(), text.c_str());
}

bool dx_has_value(DcmItem *item, const DcmTagKey &tag)
{
    return item->tagExistsWithValue(tag) == OFTrue;
}

bool dx_is_patient_study(const DcmTagKey &tag)
{
    for (size_t i = 0; i < dx_patient_study_count; i++)
        if (dx_patient_study_tags[i] == tag)
            return true;
    return false;
}

namespace
{

enum dx_status check_identity(dx_result_review *review, DcmMetaInfo *meta, const char *syntax)
{
    const struct dx_expectation *expected = review->expected;
    const struct {
        DcmItem *item;
        DcmTagKey tag;
        const char *value;
    } list[] = {{review->dataset, DCM_SOPClassUID, expected->sop_class},
                {review->dataset, DCM_SOPInstanceUID, expected->sop_instance},
                {review->dataset, DCM_SeriesInstanceUID, expected->series},
                {meta, DCM_MediaStorageSOPClassUID, expected->sop_class},
                {meta, DCM_MediaStorageSOPInstanceUID, expected->sop_instance}};
    for (const auto &row : list)
        if (dx_text_of(row.item, row.tag) != row.value)
            return review->fail("", row.tag, "not the expected one");
    static const char *const syntaxes[] = {DX_SYNTAX_EXPLICIT, DX_SYNTAX_RLE, DX_SYNTAX_JPEG_LS};
    for (const char *known : syntaxes)
        if (strcmp(syntax, known) == 0)
            return DX_OK;
    return review->fail("", DCM_TransferSyntaxUID, "not one that we write");
}

/* The object's own patient and study attributes, read as the source's were. Our clock's zone may
 * differ from the source's. */
enum dx_status check_source(dx_result_review *review, struct dx_object *object)
{
    struct dx_attrs *attrs = nullptr;
    enum dx_status status = dx_object_attributes(object, &attrs, review->err);
    for (size_t i = 0; i < dx_patient_study_count && status == DX_OK; i++) {
        const DcmTagKey &tag = dx_patient_study_tags[i];
        uint32_t number = DX_TAG(tag.getGroup(), tag.getElement());
        if (tag == DCM_TimezoneOffsetFromUTC)
            continue;
        if (strcmp(dx_attrs_text(attrs, number), dx_attrs_text(review->expected->source, number)) !=
            0)
            status = review->fail("", tag, "not the source's");
    }
    dx_attrs_destroy(attrs);
    return status;
}

enum dx_status check_length(dx_result_review *review, const DcmTagKey &tag, uint64_t wanted)
{
    DcmElement *element = nullptr;
    wanted += wanted % 2;
    if (review->dataset->findAndGetElement(tag, element).bad() || element == nullptr)
        return review->fail("", tag, "missing");
    if (element->getLength() != wanted)
        return review->fail("", tag,
                            std::to_string(element->getLength()) + " bytes instead of " +
                                std::to_string(wanted));
    return DX_OK;
}

/* Float pixels have no other length than the geometry's. */
enum dx_status check_floats(dx_result_review *review)
{
    Uint16 rows = 0, cols = 0;
    Sint32 frames = 0;
    (void)review->dataset->findAndGetUint16(DCM_Rows, rows);
    (void)review->dataset->findAndGetUint16(DCM_Columns, cols);
    (void)review->dataset->findAndGetSint32(DCM_NumberOfFrames, frames);
    if (rows == 0 || cols == 0 || frames < 1)
        return review->fail("", DCM_Rows, "no rows, columns or frames");
    return check_length(review, DCM_FloatPixelData,
                        uint64_t(rows) * cols * static_cast<uint64_t>(frames) * 4);
}

/* Every encoded frame is decoded: what a receiver cannot show must not leave. */
enum dx_status check_pixels(dx_result_review *review, struct dx_object *object)
{
    struct dx_image_info info;
    struct dx_error why = {};
    if (review->dataset->tagExists(DCM_FloatPixelData))
        return check_floats(review);
    if (!review->dataset->tagExists(DCM_PixelData))
        return DX_OK;
    if (dx_object_image(object, &info, &why) != DX_OK)
        return review->fail("", DCM_PixelData, why.text);
    uint64_t bytes = uint64_t(info.rows) * info.cols * info.samples * (info.bits_allocated / 8);
    if (object->fragments == nullptr) {
        enum dx_status status = check_length(review, DCM_PixelData, bytes * info.frames);
        if (status || info.bits_allocated % 8 == 0) /* what is not encoded can always be decoded */
            return status;
    }
    for (uint32_t i = 0; i < info.frames; i++) {
        struct dx_frame frame;
        if (dx_object_frame(object, i, &frame, &why) != DX_OK)
            return review->fail("", DCM_PixelData, why.text);
        bool is_whole = frame.count == bytes;
        dx_frame_finish(&frame);
        if (!is_whole)
            return review->fail("", DCM_PixelData, "a frame of the wrong size");
    }
    return DX_OK;
}

/* A source may call itself UTF-8 and have bytes that are none: its object is as the source is, like
 * one in any character set that could not be converted. */
bool is_source_utf8(const struct dx_attrs *source)
{
    for (size_t i = 0; i < dx_patient_study_count; i++) {
        const DcmTagKey &tag = dx_patient_study_tags[i];
        const char *text = dx_attrs_text(source, DX_TAG(tag.getGroup(), tag.getElement()));
        if (!dx_is_utf8(text, strlen(text)))
            return false;
    }
    return true;
}

void begin(dx_result_review *review, struct dx_object *object)
{
    const struct dx_expectation *expected = review->expected;
    review->dataset = object->dataset;
    review->sop_class = expected->sop_class;
    review->is_utf8 = dx_text_of(object->dataset, DCM_SpecificCharacterSet) == "ISO_IR 192" &&
                      is_source_utf8(expected->source);
    review->has_required = expected->required == nullptr || expected->required[0] == '\0';
    for (size_t i = 0; i < expected->reference_count; i++) {
        const struct dx_reference *reference = &expected->references[i];
        std::string instance = reference->sop_instance;
        review->known.insert(reference->sop_class + (" " + instance));
        review->series.insert(reference->series + (" " + instance));
    }
}

/* Of a document, what the content mentions is listed in the evidence (PS3.3 C.17.2.1). */
enum dx_status check_evidence(dx_result_review *review)
{
    if (!review->dataset->tagExists(DCM_ContentSequence))
        return DX_OK;
    for (const std::string &instance : review->mentioned)
        if (review->evidence.count(instance) == 0)
            return review->fail("", DCM_CurrentRequestedProcedureEvidenceSequence,
                                instance + " is mentioned, but not listed");
    return DX_OK;
}

enum dx_status review_object(const struct dx_expectation *expected, struct dx_object *object,
                             const char *syntax, struct dx_error *err)
{
    dx_result_review review;
    review.expected = expected;
    review.err = err;
    begin(&review, object);
    enum dx_status status = check_identity(&review, object->file->getMetaInfo(), syntax);
    if (status == DX_OK)
        status = check_source(&review, object);
    if (status == DX_OK)
        status = dx_check_elements(&review);
    if (status == DX_OK)
        status = check_evidence(&review);
    if (status == DX_OK)
        status = check_pixels(&review, object);
    if (status == DX_OK && !review.has_required)
        status = dx_fail(err, DX_INVALID, "the text \"%.80s\" is missing", expected->required);
    return status;
}

/* What its own parsers refuse is no good object either. */
enum dx_status check_file(const char *path, const struct dx_expectation *expected,
                          struct dx_error *err)
{
    struct dx_limits limits;
    struct dx_scan scan;
    struct dx_error why = {};
    struct dx_object *object = nullptr;
    char syntax[DX_UID_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dx_fail(err, errno == ENOENT ? DX_MISSING : DX_IO, "%s: %s", path, strerror(errno));
    dx_limits_default(&limits);
    enum dx_status status = dx_prescan_structure(fd, &limits, syntax, &scan, &why);
    if (status == DX_OK)
        status = dx_object_open(fd, &limits, &object, &why);
    close(fd);
    if (status == DX_IO || status == DX_NO_MEMORY)
        return dx_fail(err, status, "%s: %s", path, why.text);
    if (status)
        return dx_fail(err, DX_INVALID, "%s: %s", path, why.text);
    status = dx_guard(
        err, [&]() -> enum dx_status { return review_object(expected, object, syntax, err); });
    dx_object_close(object);
    return status;
}

} /* namespace */

enum dx_status dx_result_check(const char *path, const struct dx_expectation *expected,
                               struct dx_error *err)
{
    if (path == nullptr || expected == nullptr || expected->source == nullptr ||
        expected->sop_class == nullptr || expected->sop_instance == nullptr ||
        expected->series == nullptr || (expected->reference_count > 0 && !expected->references))
        return dx_fail(err, DX_INVALID, "check: no file or nothing to expect");
    const auto check = [&]() -> enum dx_status { return check_file(path, expected, err); };
    enum dx_status status = dx_guard(err, check);
    /* DCMTK calls it a violation, too, where it had no memory for a moment; this verdict is final.
     */
    return status == DX_OK || status == DX_NO_MEMORY ? status : dx_guard(err, check);
}
