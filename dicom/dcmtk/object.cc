/* An object is parsed from memory: the file is mapped (or read) through the descriptor that the
 * child inherited, and DCMTK defers every large value through a stream factory over that memory, so
 * PixelData is copied only frame by frame and nothing is ever opened by name. */
#include "object.hh"

#include "dcmtk/dcmdata/dcistrma.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of preamble and meta group: the pre-scanner takes 64 KiB of the latter. */
static const uint64_t HEAD_MAX = 132 + 65536;

namespace
{

class MemoryProducer : public DcmProducer
{
  public:
    MemoryProducer(const Uint8 *bytes, offile_off_t size, offile_off_t at)
        : bytes_(bytes), size_(size), at_(at)
    {
    }
    OFBool good() const override
    {
        return OFTrue;
    }
    OFCondition status() const override
    {
        return EC_Normal;
    }
    OFBool eos() override
    {
        return at_ >= size_;
    }
    offile_off_t avail() override
    {
        return size_ - at_;
    }
    offile_off_t read(void *to, offile_off_t count) override
    {
        const Uint8 *from = bytes_ + at_;
        count = skip(count);
        if (count > 0)
            memcpy(to, from, static_cast<size_t>(count));
        return count;
    }
    offile_off_t skip(offile_off_t count) override
    {
        count = count < 0 ? 0 : count > avail() ? avail() : count;
        at_ += count;
        return count;
    }
    void putback(offile_off_t count) override
    {
        at_ -= count > at_ ? at_ : count;
    }

  private:
    const Uint8 *bytes_;
    offile_off_t size_, at_;
};

class MemoryStream : public DcmInputStream
{
  public:
    MemoryStream(const Uint8 *bytes, offile_off_t size, offile_off_t at)
        : DcmInputStream(&producer_), bytes_(bytes), size_(size), producer_(bytes, size, at)
    {
    }
    DcmInputStreamFactory *newFactory() const override;

  private:
    const Uint8 *bytes_;
    offile_off_t size_;
    MemoryProducer producer_;
};

class MemoryFactory : public DcmInputStreamFactory
{
  public:
    MemoryFactory(const Uint8 *bytes, offile_off_t size, offile_off_t at)
        : bytes_(bytes), size_(size), at_(at)
    {
    }
    DcmInputStream *create() const override
    {
        return new MemoryStream(bytes_, size_, at_);
    }
    DcmInputStreamFactory *clone() const override
    {
        return new MemoryFactory(*this);
    }
    DcmInputStreamFactoryType ident() const override
    {
        return DFT_DcmInputFileStreamFactory;
    }

  private:
    const Uint8 *bytes_;
    offile_off_t size_, at_;
};

/* Inside a deflated dataset a position of the file means nothing: values are read at once. */
DcmInputStreamFactory *MemoryStream::newFactory() const
{
    if (currentProducer() != &producer_)
        return nullptr;
    return new MemoryFactory(bytes_, size_, tell());
}

enum dx_status read_whole(int fd, Uint8 *to, size_t size, struct dx_error *err)
{
    size_t at = 0;
    while (at < size) {
        ssize_t got = pread(fd, to + at, size - at, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return dx_fail(err, DX_IO, "object: %s", got < 0 ? strerror(errno) : "file shrank");
        at += static_cast<size_t>(got);
    }
    return DX_OK;
}

enum dx_status load(int fd, dx_object *object, struct dx_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return dx_fail(err, DX_IO, "object: %s", strerror(errno));
    if (!S_ISREG(info.st_mode) || info.st_size <= 0)
        return dx_fail(err, DX_MALFORMED, "object: empty, or not a file");
    /* The ceiling is the dataset's; preamble and meta group come on top. */
    if (static_cast<uint64_t>(info.st_size) > object->limits.dataset_bytes + HEAD_MAX)
        return dx_fail(err, DX_LIMIT, "limit datasetBytes: an object of %lld bytes",
                       static_cast<long long>(info.st_size));
    object->size = static_cast<size_t>(info.st_size);
    void *map = mmap(nullptr, object->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED) {
        object->bytes = static_cast<const Uint8 *>(map);
        object->is_mapped = true;
        return DX_OK;
    }
    Uint8 *bytes = new Uint8[object->size];
    object->bytes = bytes;
    return read_whole(fd, bytes, object->size, err);
}

void find_pixels(dx_object *object)
{
    DcmElement *element = nullptr;
    if (object->dataset->findAndGetElement(DCM_PixelData, element).bad() || element == nullptr)
        return;
    object->pixels = dynamic_cast<DcmPixelData *>(element);
    if (object->pixels == nullptr)
        return;
    E_TransferSyntax syntax = EXS_Unknown;
    const DcmRepresentationParameter *parameter = nullptr;
    object->pixels->getOriginalRepresentationKey(syntax, parameter);
    DcmPixelSequence *fragments = nullptr;
    if (object->pixels->getEncapsulatedRepresentation(syntax, parameter, fragments).good())
        object->fragments = fragments;
}

OFCondition read_file(dx_object *object)
{
    MemoryStream stream(object->bytes, static_cast<offile_off_t>(object->size), 0);
    object->file.reset(new DcmFileFormat);
    object->file->transferInit();
    OFCondition result = object->file->read(stream);
    object->file->transferEnd();
    return result;
}

enum dx_status parse(dx_object *object, struct dx_error *err)
{
    OFCondition result = read_file(object);
    if (result == EC_StreamNotifyClient) /* said, too, where there was no memory for a moment */
        result = read_file(object);
    if (result.bad())
        return dx_fail_condition(err, DX_MALFORMED, "object", result);
    object->dataset = object->file->getDataset();
    if (object->dataset->card() == 0)
        return dx_fail(err, DX_MALFORMED, "object: no attributes");

    OFString syntax = dx_text_of(object->file->getMetaInfo(), DCM_TransferSyntaxUID);
    if (syntax.empty())
        syntax = DcmXfer(object->dataset->getOriginalXfer()).getXferID();
    OFStandard::strlcpy(object->transfer_syntax, syntax.c_str(), sizeof object->transfer_syntax);
    find_pixels(object);
    return DX_OK;
}

} /* namespace */

dx_object::~dx_object()
{
    cache.clear();
    file.reset();
    if (is_mapped)
        munmap(const_cast<Uint8 *>(bytes), size);
    else
        delete[] bytes;
}

OFString dx_text_of(DcmItem *item, const DcmTagKey &tag)
{
    OFString text;
    if (item == nullptr || item->findAndGetOFString(tag, text).bad())
        return OFString();
    size_t end = text.find_last_not_of(OFString(" \0", 2));
    return end == OFString_npos ? OFString() : text.substr(0, end + 1);
}

bool dx_number_of(DcmItem *item, const DcmTagKey &tag, unsigned long index, double *value)
{
    OFString text;
    if (item == nullptr || item->findAndGetOFString(tag, text, index).bad() || text.empty())
        return false;
    OFBool good = OFFalse;
    double number = OFStandard::atof(text.c_str(), &good);
    if (!good || !std::isfinite(number))
        return false;
    *value = number;
    return true;
}

enum dx_status dx_object_open(int fd, const struct dx_limits *limits, struct dx_object **object,
                              struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status {
            if (limits == nullptr || object == nullptr)
                return dx_fail(err, DX_INVALID, "object: no limits");
            std::unique_ptr<dx_object> opened(new dx_object);
            opened->limits = *limits;
            enum dx_status status = load(fd, opened.get(), err);
            if (status == DX_OK)
                status = parse(opened.get(), err);
            if (status == DX_OK)
                *object = opened.release();
            return status;
        });
}

void dx_object_close(struct dx_object *object)
{
    (void)dx_guard(
        nullptr, [&]() -> enum dx_status {
            delete object;
            return DX_OK;
        });
}

enum dx_status dx_object_image(struct dx_object *object, struct dx_image_info *info,
                               struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return dx_read_image_info(object, info, err); });
}

enum dx_status dx_object_frame(struct dx_object *object, uint32_t index, struct dx_frame *frame,
                               struct dx_error *err)
{
    memset(frame, 0, sizeof *frame);
    enum dx_status status = dx_guard(
        err, [&]() -> enum dx_status { return dx_read_frame(object, index, frame, err); });
    if (status)
        dx_frame_finish(frame);
    return status;
}

void dx_frame_finish(struct dx_frame *frame)
{
    if (frame == nullptr)
        return;
    free(frame->bytes);
    memset(frame, 0, sizeof *frame);
}

enum dx_status dx_object_grey(struct dx_object *object, uint32_t index, struct dx_grey *grey,
                              struct dx_error *err)
{
    struct dx_frame frame;
    struct dx_display display;
    memset(grey, 0, sizeof *grey);
    dx_display_init(&display);
    enum dx_status status = dx_object_frame(object, index, &frame, err);
    if (status == DX_OK)
        status = dx_guard(
            err, [&]() -> enum dx_status {
                return dx_read_display(object, index, &frame.info, &display, err);
            });
    if (status == DX_OK)
        status = dx_grey_render(&frame, &display, &object->limits, grey, err);
    dx_display_finish(&display);
    dx_frame_finish(&frame);
    return status;
}
