/* object.hh: an open object (private to dicom/dcmtk/). */
#ifndef DX_OBJECT_HH
#define DX_OBJECT_HH

#include "shim.hh"

#include "dcmtk/dcmdata/dcfcache.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dctk.h"

#include "dx_object.h"
#include "grey.h"

#include <memory>
#include <vector>

struct dx_object {
    const Uint8 *bytes = nullptr; /* the file: mapped, or read when it cannot be mapped */
    size_t size = 0;
    bool is_mapped = false;
    struct dx_limits limits = {};
    char transfer_syntax[DX_UID_MAX] = "";
    std::unique_ptr<DcmFileFormat> file; /* large values stay in `bytes` until asked for */
    DcmDataset *dataset = nullptr;
    DcmPixelData *pixels = nullptr;         /* NULL: the object has none */
    DcmPixelSequence *fragments = nullptr;  /* NULL: not encapsulated */
    std::vector<DcmPixelItem *> items;      /* of fragments: the offset table, then the fragments */
    std::vector<unsigned long> frame_start; /* first fragment of each frame, then the end */
    DcmFileCache cache;

    ~dx_object();
};

/* Text without padding; "" when absent. First value only. */
OFString dx_text_of(DcmItem *item, const DcmTagKey &tag);
/* false when absent or no number. */
bool dx_number_of(DcmItem *item, const DcmTagKey &tag, unsigned long index, double *value);

/* frame.cc */
enum dx_status dx_read_image_info(dx_object *object, struct dx_image_info *info,
                                  struct dx_error *err);
enum dx_status dx_read_frame(dx_object *object, uint32_t index, struct dx_frame *frame,
                             struct dx_error *err);
/* document.cc: of an SR document what dx_object_attributes promises; of others nothing. */
enum dx_status dx_collect_document(DcmItem *dataset, struct dx_attrs *attrs);
/* encapsulated.cc */
enum dx_status dx_read_encapsulated(dx_object *object, uint32_t index, struct dx_frame *frame,
                                    struct dx_error *err);
/* jpeg2000.cc: frame->info is the dataset's on entry, the codestream's on return. */
enum dx_status dx_decode_j2k(const Uint8 *bytes, size_t count, const struct dx_limits *limits,
                             struct dx_frame *frame, struct dx_error *err);
/* display.cc */
enum dx_status dx_read_display(dx_object *object, uint32_t index, const struct dx_image_info *info,
                               struct dx_display *display, struct dx_error *err);

#endif
