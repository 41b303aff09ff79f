#include "result.hh"

#include "modules.hh"

#include "dcmtk/dcmdata/dcostrma.h"
#include "dcmtk/dcmdata/dcwcache.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

/* DCMTK's own file stream closes without looking whether the last bytes were written. */
class FileConsumer : public DcmConsumer
{
  public:
    explicit FileConsumer(FILE *file) : file_(file)
    {
    }
    OFBool good() const override
    {
        return error_ == 0;
    }
    OFCondition status() const override
    {
        return error_ == 0 ? EC_Normal : EC_InvalidStream;
    }
    OFBool isFlushed() const override
    {
        return OFTrue;
    }
    offile_off_t avail() const override
    {
        return 1 << 30;
    }
    offile_off_t write(const void *bytes, offile_off_t count) override
    {
        size_t done = fwrite(bytes, 1, static_cast<size_t>(count), file_);
        if (done != static_cast<size_t>(count) && error_ == 0)
            error_ = errno != 0 ? errno : EIO;
        written_ += done;
        if (written_ - written_back_ >= WRITE_BACK) {
            /* A hint: who syncs it waits less. */
            (void)sync_file_range(fileno(file_), static_cast<off_t>(written_back_),
                                  static_cast<off_t>(written_ - written_back_),
                                  SYNC_FILE_RANGE_WRITE);
            written_back_ = written_;
        }
        return static_cast<offile_off_t>(done);
    }
    void flush() override
    {
    }
    int error() const
    {
        return error_;
    }

  private:
    static const uint64_t WRITE_BACK = 4u << 20;
    FILE *file_;
    int error_ = 0;
    uint64_t written_ = 0, written_back_ = 0;
};

class FileStream : public DcmOutputStream
{
  public:
    explicit FileStream(FILE *file) : DcmOutputStream(&consumer_), consumer_(file)
    {
    }
    int error() const
    {
        return consumer_.error();
    }

  private:
    FileConsumer consumer_;
};

enum dx_status io_status(int error)
{
    return error == ENOSPC || error == EDQUOT ? DX_NO_SPACE : DX_IO;
}

/* Type 2 of the Patient and General Study modules: present, if need be empty. */
const DcmTagKey required[] = {
    DCM_PatientName, DCM_PatientID,       DCM_PatientBirthDate,       DCM_PatientSex, DCM_StudyDate,
    DCM_StudyTime,   DCM_AccessionNumber, DCM_ReferringPhysicianName, DCM_StudyID};

bool is_patient_study(uint32_t tag)
{
    for (size_t i = 0; i < dx_patient_study_count; i++) {
        const DcmTagKey &key = dx_patient_study_tags[i];
        if (DX_TAG(key.getGroup(), key.getElement()) == tag)
            return true;
    }
    return false;
}

/* An unpaired body part needs no Laterality (PS3.3 C.7.3.1): the source's own, when its term is a
 * defined one (annex L) near the cervical spine. */
const char *body_part(const struct dx_attrs *source)
{
    static const char *const unpaired[] = {"CSPINE", "CTSPINE",  "SPINE", "TSPINE", "NECK",
                                           "HEAD",   "HEADNECK", "SKULL", "CHEST"};
    const char *part = dx_attrs_text(source, DX_TAG(0x0018, 0x0015));
    for (const char *known : unpaired)
        if (strcmp(part, known) == 0)
            return known;
    return "CSPINE";
}

} /* namespace */

void ResultWriter::keep(const OFCondition &condition)
{
    if (first_.good() && condition.bad())
        first_ = condition;
}

void ResultWriter::text(const DcmTagKey &tag, const char *value)
{
    keep(item_->putAndInsertString(DcmTag(tag), value != nullptr ? value : ""));
}

void ResultWriter::number(const DcmTagKey &tag, unsigned value)
{
    keep(item_->putAndInsertUint16(DcmTag(tag), static_cast<Uint16>(value)));
}

void ResultWriter::floats(const DcmTagKey &tag, const float *values, size_t count)
{
    keep(item_->putAndInsertFloat32Array(DcmTag(tag), values, static_cast<unsigned long>(count)));
}

void ResultWriter::real(const DcmTagKey &tag, double value)
{
    keep(item_->putAndInsertFloat64(DcmTag(tag), value));
}

void ResultWriter::decimal(const DcmTagKey &tag, double value)
{
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%.9g", value); /* at most 16 characters */
    text(tag, digits);
}

void ResultWriter::pointer(const DcmTagKey &tag, const DcmTagKey &value)
{
    const Uint16 words[2] = {value.getGroup(), value.getElement()};
    DcmElement *element = new DcmAttributeTag(DcmTag(tag));
    keep(element->putUint16Array(words, 1));
    insert(element);
}

void ResultWriter::insert(DcmElement *element)
{
    OFCondition condition = item_->insert(element, OFTrue);
    if (condition.bad())
        delete element;
    keep(condition);
}

void ResultWriter::empty(const DcmTagKey &tag)
{
    keep(item_->insertEmptyElement(DcmTag(tag), OFTrue));
}

void ResultWriter::enter(const DcmTagKey &sequence)
{
    DcmItem *item = nullptr;
    keep(item_->findOrCreateSequenceItem(DcmTag(sequence), item, -2));
    if (item == nullptr)
        throw std::bad_alloc();
    outer_.push_back(item_);
    item_ = item;
}

void ResultWriter::leave()
{
    item_ = outer_.back();
    outer_.pop_back();
}

/* PS3.3 8.1: a value of more than 16 characters is a Long Code Value. */
void ResultWriter::code(const DcmTagKey &sequence, const struct dx_code &code)
{
    if (code.value == nullptr || code.scheme == nullptr || code.meaning == nullptr) {
        keep(EC_IllegalParameter);
        return;
    }
    enter(sequence);
    text(strlen(code.value) > 16 ? DCM_LongCodeValue : DCM_CodeValue, code.value);
    text(DCM_CodingSchemeDesignator, code.scheme);
    text(DCM_CodeMeaning, code.meaning);
    leave();
}

void ResultWriter::copy(const struct dx_attrs *attrs, size_t i)
{
    uint32_t tag;
    char vr[3];
    const char *value;
    size_t length;
    dx_attrs_at(attrs, i, &tag, vr, &value, &length);
    DcmTag key(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff));
    keep(item_->putAndInsertString(key, value, static_cast<Uint32>(length)));
}

enum dx_status ResultWriter::save(const char *path, struct dx_error *err, const bool *is_denied)
{
    if (first_.bad())
        return dx_fail_condition(err, DX_INVALID, "result", first_);
    return dx_save_file(file_, EXS_LittleEndianExplicit, path, is_denied, err);
}

enum dx_status dx_save_file(DcmFileFormat &file_format, E_TransferSyntax syntax, const char *path,
                            const bool *is_denied, struct dx_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    FILE *file = fd < 0 ? nullptr : fdopen(fd, "wb");
    if (file == nullptr) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return dx_fail(err, io_status(error), "%s: %s", path, strerror(error));
    }
    struct stat info;
    bool is_regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    OFCondition result;
    int error = 0;
    {
        FileStream stream(file);
        DcmWriteCache cache;
        file_format.transferInit();
        result = file_format.write(stream, syntax, EET_ExplicitLength, &cache, EGL_recalcGL,
                                   EPD_withoutPadding);
        file_format.transferEnd();
        error = stream.error();
    }
    if (error == 0 && result.good() && fflush(file) != 0)
        error = errno;
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* the rest */
    if (fclose(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && result.good() && is_denied != nullptr && *is_denied)
        result = EC_InvalidStream;
    if (error == 0 && result.good())
        return DX_OK;
    if (is_regular)
        (void)unlink(path);
    return error != 0 ? dx_fail(err, io_status(error), "%s: %s", path, strerror(error))
                      : dx_fail_condition(err, DX_INTERNAL, "result", result);
}

void dx_put_patient_study(ResultWriter &writer, const struct dx_attrs *source)
{
    for (const DcmTagKey &tag : required)
        writer.empty(tag);
    for (size_t i = 0; i < dx_attrs_count(source); i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(source, i, &tag, vr, &value, &length);
        if (is_patient_study(tag))
            writer.copy(source, i);
    }
}

enum dx_status dx_put_header(ResultWriter &writer, const struct dx_result_header *header,
                             const char *sop_class, const char *modality, struct dx_error *err)
{
    const char *study =
        header->source != nullptr ? dx_attrs_text(header->source, DX_TAG(0x0020, 0x000d)) : "";
    if (!dx_uid_is_usable(study) || header->sop_instance == nullptr || header->series == nullptr ||
        !dx_uid_is_valid(header->sop_instance) || !dx_uid_is_valid(header->series))
        return dx_fail(err, DX_INVALID, "result: study, series or instance has no UID");
    dx_put_patient_study(writer, header->source);

    writer.text(DCM_SOPClassUID, sop_class);
    writer.text(DCM_SOPInstanceUID, header->sop_instance);
    writer.text(DCM_InstanceCreationDate, header->content_date);
    writer.text(DCM_InstanceCreationTime, header->content_time);
    writer.text(DCM_TimezoneOffsetFromUTC, header->timezone);
    writer.text(DCM_InstanceNumber, std::to_string(header->instance_number).c_str());
    if (strcmp(modality, "PR") != 0) { /* has its own, and not these */
        writer.text(DCM_ContentDate, header->content_date);
        writer.text(DCM_ContentTime, header->content_time);
    }

    writer.text(DCM_Modality, modality);
    writer.text(DCM_SeriesInstanceUID, header->series);
    writer.text(DCM_SeriesNumber, std::to_string(header->series_number).c_str());
    writer.text(DCM_SeriesDescription, header->series_description);

    writer.text(DCM_Manufacturer, header->manufacturer);
    writer.text(DCM_ManufacturerModelName, header->model_name);
    writer.text(DCM_DeviceSerialNumber, header->device_serial);
    writer.text(DCM_SoftwareVersions, header->software_versions);
    writer.text(DCM_StationName, header->station_ae);
    return DX_OK;
}

void dx_put_body_part(ResultWriter &writer, const struct dx_attrs *source)
{
    writer.text(DCM_BodyPartExamined, body_part(source));
}

/* dciodvfy takes a name of one component for the form of ACR-NEMA. */
void dx_put_content_label(ResultWriter &writer, const char *label, const char *description,
                          const char *creator)
{
    std::string name = creator != nullptr ? creator : "";
    if (!name.empty() && name.find('^') == std::string::npos)
        name += "^";
    writer.text(DCM_ContentLabel, label);
    writer.text(DCM_ContentDescription, description);
    writer.text(DCM_ContentCreatorName, name.c_str());
}
