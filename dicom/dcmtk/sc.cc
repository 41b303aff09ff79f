/* Secondary Capture: the saliency picture as an RGB image (PS3.3 A.8.1), or one for each of several
 * images in one object (A.8.5), whose frames go from the caller to the file one at a time. */
#include "result.hh"

#include "dcmtk/dcmdata/dcistrma.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace
{

void put_equipment(ResultWriter &writer, const struct dx_sc *sc)
{
    static const struct dx_code purpose = {"109102", "DCM", "Processing Equipment"};
    const struct dx_result_header *header = &sc->header;
    writer.enter(DCM_ContributingEquipmentSequence);
    writer.code(DCM_PurposeOfReferenceCodeSequence, purpose);
    writer.text(DCM_Manufacturer, header->manufacturer);
    writer.text(DCM_StationName, header->station_ae);
    writer.text(DCM_ManufacturerModelName, header->model_name);
    writer.text(DCM_DeviceSerialNumber, header->device_serial);
    writer.text(DCM_SoftwareVersions, header->software_versions);
    writer.text(DCM_ContributionDescription, sc->derivation_description);
    writer.leave();
}

/* What DCMTK reads while it writes: the frames one after the other, each asked for once. The size
 * is the geometry's; what the callback denies ends the stream. */
class FrameProducer : public DcmProducer
{
  public:
    FrameProducer(const struct dx_sc *sc, bool *is_denied)
        : sc_(sc), is_denied_(is_denied), frame_bytes_(offile_off_t(sc->rows) * sc->cols * 3),
          data_(frame_bytes_ * sc->frames), size_(data_ + data_ % 2)
    {
    }
    OFBool good() const override
    {
        return !*is_denied_;
    }
    OFCondition status() const override
    {
        return *is_denied_ ? EC_InvalidStream : EC_Normal;
    }
    OFBool eos() override
    {
        return at_ >= size_;
    }
    offile_off_t avail() override
    {
        return *is_denied_ ? 0 : size_ - at_;
    }
    offile_off_t read(void *to, offile_off_t count) override;
    offile_off_t skip(offile_off_t count) override
    {
        count = count < 0 ? 0 : std::min(count, avail());
        at_ += count;
        return count;
    }
    void putback(offile_off_t count) override
    {
        at_ -= std::min(count, at_);
    }

  private:
    bool find_frame()
    {
        offile_off_t index = at_ / frame_bytes_;
        if (index == index_)
            return true;
        pixels_ =
            sc_->rgb != nullptr ? sc_->rgb : sc_->frame(sc_->context, static_cast<uint32_t>(index));
        index_ = index;
        *is_denied_ = pixels_ == nullptr;
        return !*is_denied_;
    }

    const struct dx_sc *sc_;
    bool *is_denied_;
    offile_off_t frame_bytes_, data_, size_, at_ = 0, index_ = -1;
    const uint8_t *pixels_ = nullptr;
};

offile_off_t FrameProducer::read(void *to, offile_off_t count)
{
    uint8_t *out = static_cast<uint8_t *>(to);
    offile_off_t done = 0;
    count = std::min(count, avail());
    while (done < count && at_ < data_ && find_frame()) {
        offile_off_t within = at_ % frame_bytes_;
        offile_off_t part = std::min(count - done, frame_bytes_ - within);
        memcpy(out + done, pixels_ + within, static_cast<size_t>(part));
        at_ += part;
        done += part;
    }
    if (done < count && at_ == data_ && !*is_denied_) { /* the padding byte */
        out[done++] = 0;
        at_++;
    }
    return done;
}

class FrameFactory : public DcmInputStreamFactory
{
  public:
    FrameFactory(const struct dx_sc *sc, bool *is_denied) : sc_(sc), is_denied_(is_denied)
    {
    }
    DcmInputStream *create() const override;
    DcmInputStreamFactory *clone() const override
    {
        return new FrameFactory(*this);
    }
    DcmInputStreamFactoryType ident() const override
    {
        return DFT_DcmInputFileStreamFactory;
    }

  private:
    const struct dx_sc *sc_;
    bool *is_denied_;
};

class FrameStream : public DcmInputStream
{
  public:
    FrameStream(const struct dx_sc *sc, bool *is_denied)
        : DcmInputStream(&producer_), producer_(sc, is_denied)
    {
    }
    DcmInputStreamFactory *newFactory() const override
    {
        return nullptr;
    }

  private:
    FrameProducer producer_;
};

DcmInputStream *FrameFactory::create() const
{
    return new FrameStream(sc_, is_denied_);
}

void put_description(ResultWriter &writer, const struct dx_sc *sc)
{
    writer.text(DCM_ImageType, "DERIVED\\SECONDARY\\OTHER");
    writer.empty(DCM_PatientOrientation);
    writer.text(DCM_DerivationDescription, sc->derivation_description);
    if (sc->derivation.value != nullptr)
        writer.code(DCM_DerivationCodeSequence, sc->derivation);
    for (size_t i = 0; i < sc->header.reference_count; i++)
        dx_put_source(writer, sc->header.references[i]);
    writer.text(DCM_LossyImageCompression, sc->was_lossy ? "01" : "00");
    writer.text(DCM_BurnedInAnnotation, "YES");
    writer.text(DCM_RecognizableVisualFeatures, "NO");
}

void put_matrix(ResultWriter &writer, const struct dx_sc *sc)
{
    writer.number(DCM_SamplesPerPixel, 3);
    writer.text(DCM_PhotometricInterpretation, "RGB");
    writer.number(DCM_PlanarConfiguration, 0);
    writer.number(DCM_Rows, sc->rows);
    writer.number(DCM_Columns, sc->cols);
    writer.number(DCM_BitsAllocated, 8);
    writer.number(DCM_BitsStored, 8);
    writer.number(DCM_HighBit, 7);
    writer.number(DCM_PixelRepresentation, 0);
}

/* The frames are pages (PS3.3 C.8.6.4), numbered from 1 in the order of the Source Image Sequence:
 * the IOD's functional groups (A.8.5.4) have no place for a frame's source. */
void put_pages(ResultWriter &writer, const struct dx_sc *sc)
{
    std::string pages = "1";
    for (uint32_t i = 1; i < sc->frames; i++)
        pages += "\\" + std::to_string(i + 1);
    writer.text(DCM_NumberOfFrames, std::to_string(sc->frames).c_str());
    writer.pointer(DCM_FrameIncrementPointer, DCM_PageNumberVector);
    writer.text(DCM_PageNumberVector, pages.c_str());
}

/* They are copied once, on their way to the file. */
void put_pixels(ResultWriter &writer, const struct dx_sc *sc, bool *is_denied)
{
    uint64_t size = uint64_t(sc->rows) * sc->cols * 3 * sc->frames;
    DcmElement *pixels = new DcmOtherByteOtherWord(DcmTag(DCM_PixelData, EVR_OB));
    writer.keep(pixels->createValueFromTempFile(
        new FrameFactory(sc, is_denied), static_cast<Uint32>(size + size % 2), EBO_LittleEndian));
    writer.insert(pixels);
}

enum dx_status check(const struct dx_sc *sc, struct dx_error *err)
{
    uint64_t bytes = uint64_t(sc->rows) * sc->cols * 3;
    if (sc->rows == 0 || sc->cols == 0 || sc->rows > UINT16_MAX || sc->cols > UINT16_MAX ||
        bytes * sc->frames >= UINT32_MAX)
        return dx_fail(err, DX_INVALID, "picture of %u frames of %u x %u pixels", sc->frames,
                       sc->rows, sc->cols);
    if (sc->frames > 1 ? sc->frame == nullptr : sc->rgb == nullptr && sc->frame == nullptr)
        return dx_fail(err, DX_INVALID, "picture: %u frames, but none to be had", sc->frames);
    if (sc->frames > 1 && sc->header.reference_count < sc->frames)
        return dx_fail(err, DX_INVALID, "picture: %u frames of %zu images", sc->frames,
                       sc->header.reference_count);
    return dx_check_references(&sc->header, err);
}

enum dx_status write_sc(const struct dx_sc *sc, const char *path, struct dx_error *err)
{
    ResultWriter writer;
    bool is_denied = false;
    bool is_multiframe = sc->frames > 1;
    enum dx_status status = check(sc, err);
    if (status == DX_OK)
        status = dx_put_header(writer, &sc->header,
                               is_multiframe ? UID_MultiframeTrueColorSecondaryCaptureImageStorage
                                             : UID_SecondaryCaptureImageStorage,
                               sc->header.modality != nullptr ? sc->header.modality : "OT", err);
    if (status)
        return status;
    writer.text(DCM_ConversionType, "WSD");
    dx_put_body_part(writer, sc->header.source);
    put_equipment(writer, sc);
    put_description(writer, sc);
    put_matrix(writer, sc);
    if (is_multiframe)
        put_pages(writer, sc);
    put_pixels(writer, sc, &is_denied);
    status = writer.save(path, err, &is_denied);
    return is_denied ? dx_fail(err, DX_IO, "picture: a frame is missing") : status;
}

} /* namespace */

enum dx_status dx_sc_write(const struct dx_sc *sc, const char *path, struct dx_error *err)
{
    struct dx_sc counted = *sc;
    counted.frames = sc->frames > 0 ? sc->frames : 1;
    counted.rgb = counted.frames == 1 ? sc->rgb : nullptr;
    return dx_guard(
        err, [&]() -> enum dx_status { return write_sc(&counted, path, err); });
}
