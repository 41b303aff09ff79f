/* result.hh: what the writers of our own objects share (private to dicom/dcmtk/). */
#ifndef DX_RESULT_HH
#define DX_RESULT_HH

#include "shim.hh"

#include "dcmtk/dcmdata/dctk.h"

#include "dx_result.h"

/* Builds a dataset and remembers the first failure, so that the builders read like tables. */
class ResultWriter
{
  public:
    ResultWriter() : item_(file_.getDataset())
    {
    }
    /* NULL stands for an empty value; numbers of binary VRs as decimals. */
    void text(const DcmTagKey &tag, const char *value);
    void number(const DcmTagKey &tag, unsigned value);
    void floats(const DcmTagKey &tag, const float *values, size_t count);
    void real(const DcmTagKey &tag, double value);    /* FD */
    void decimal(const DcmTagKey &tag, double value); /* DS */
    void pointer(const DcmTagKey &tag, const DcmTagKey &value);
    void empty(const DcmTagKey &tag);
    void code(const DcmTagKey &sequence, const struct dx_code &code);
    /* Following puts go to a new item of the sequence, until leave(). */
    void enter(const DcmTagKey &sequence);
    void leave();
    /* Byte-true copy of one plain attribute. */
    void copy(const struct dx_attrs *attrs, size_t i);
    void insert(DcmElement *element); /* takes it */
    void keep(const OFCondition &condition);

    DcmDataset *dataset()
    {
        return file_.getDataset();
    }
    /* Writes explicit VR little endian; removes the file again on failure, and when
     * *is_denied (may be NULL) was set meanwhile: DCMTK passes over a value that ends too early. */
    enum dx_status save(const char *path, struct dx_error *err, const bool *is_denied = nullptr);

  private:
    DcmFileFormat file_;
    DcmItem *item_;
    OFVector<DcmItem *> outer_;
    OFCondition first_ = EC_Normal;
};

/* Writes the whole file anew at path, as save() does. */
enum dx_status dx_save_file(DcmFileFormat &file, E_TransferSyntax syntax, const char *path,
                            const bool *is_denied, struct dx_error *err);

/* Patient, Study, Series, Equipment and SOP Common modules. */
enum dx_status dx_put_header(ResultWriter &writer, const struct dx_result_header *header,
                             const char *sop_class, const char *modality, struct dx_error *err);
/* Patient and Study modules alone. */
void dx_put_patient_study(ResultWriter &writer, const struct dx_attrs *source);
/* Body Part Examined of a series of images or of what belongs to them. */
void dx_put_body_part(ResultWriter &writer, const struct dx_attrs *source);
/* Content Identification macro (PS3.3 10.9). */
void dx_put_content_label(ResultWriter &writer, const char *label, const char *description,
                          const char *creator);

/* references.cc: class and instance of one; of all, each series once, in order of first appearance,
 * with its instances as items of `instances`; the whole as evidence of a document; as sources of a
 * derived image. */
enum dx_status dx_check_references(const struct dx_result_header *header, struct dx_error *err);
void dx_put_reference(ResultWriter &writer, const DcmTagKey &sequence,
                      const struct dx_reference &reference);
void dx_put_series(ResultWriter &writer, const struct dx_result_header *header,
                   const DcmTagKey &instances);
void dx_put_evidence(ResultWriter &writer, const struct dx_result_header *header);
void dx_put_source(ResultWriter &writer, const struct dx_reference &reference);

#endif
