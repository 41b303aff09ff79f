/* dx_services.h: what dx_scp_serve takes, as tables. The negotiation reads these and nothing else,
 * and the conformance statement is printed from them.
 *
 * Storage is a rule, not a list (dx_is_storage_class, dx_is_storable_syntax): what this build's
 * dictionary knows of it can be listed, and later classes are taken, too. Pure functions. */
#ifndef DX_SERVICES_H
#define DX_SERVICES_H

#include "dx_uid.h"

#ifdef __cplusplus
extern "C" {
#endif

/* C-STORE statuses of this node (PS3.4 B.2.3, PS3.7 annex C): the status, its name, when. */
#define DX_STORE_STATUS_MAP(X)                                                                     \
    X(DX_STORE_SUCCESS, 0x0000, "Success",                                                         \
      "The file and its directory are synced and the job store has committed. Also for an object " \
      "that is already here, bit by bit: nothing is started twice.")                               \
    X(DX_STORE_OUT_OF_RESOURCES, 0xa700, "Refused: Out of Resources",                              \
      "No room (spoolReserve), the disk or the job store failed. Nothing is kept; to be sent "     \
      "again.")                                                                                    \
    X(DX_STORE_NOT_OF_CLASS, 0xa900, "Error: Data Set does not match SOP Class",                   \
      "The dataset's SOP Instance UID is another one than the command's. Kept in quarantine.")     \
    X(DX_STORE_CANNOT_UNDERSTAND, 0xc000, "Error: Cannot understand",                              \
      "A UID that is none, a structure that is not well-formed, or a limit that is exceeded "      \
      "(docs/limits.md); Error Comment says which. Kept in quarantine.")                           \
    X(DX_STORE_CLASS_NOT_SUPPORTED, 0x0122, "Refused: SOP Class Not Supported",                    \
      "The presentation context is not one of storage.")                                           \
    X(DX_STORE_UNRECOGNIZED, 0x0211, "Failure: Unrecognized Operation",                            \
      "Another operation than this node serves; its dataset is dropped unread.")
enum dx_store_status {
#define X(name, status, meaning, when) name = status,
    DX_STORE_STATUS_MAP(X)
#undef X
};

enum dx_service_kind {
    DX_SERVICE_VERIFICATION,
    DX_SERVICE_COMMITMENT,
    DX_SERVICE_AVAILABILITY,
    DX_SERVICE_UPS_PULL,
    DX_SERVICE_UPS_QUERY
};
/* A service beside storage that is taken when others call. */
struct dx_service {
    enum dx_service_kind kind;
    const char *sop_class, *name, *messages;
    bool as_scu;        /* we are its SCU, who calls is the SCP: answers to what we asked */
    bool implicit_only; /* its datasets are read by our own code, in implicit little endian */
};
extern const struct dx_service dx_services[];
extern const size_t dx_service_count;
const struct dx_service *dx_service_of(const char *sop_class); /* NULL: none */

/* All SOP classes of storage: of DCMTK's dictionary, later ones under the storage root, and private
 * ones (vendors propose nothing but storage under their own roots). */
bool dx_is_storage_class(const char *sop_class);
/* All but those that carry no DICOM dataset: MIME and XML encapsulation, SMPTE ST 2110 streams. */
bool dx_is_storable_syntax(const char *transfer_syntax);

/* Whether images in it can be judged: their pixels are read. */
bool dx_is_decodable_syntax(const char *transfer_syntax);
/* The compressed ones among them; NULL: no more. *name: NULL where the dictionary has one. */
const char *dx_decodable_syntax(size_t index, const char **name);

/* Those that this build knows, by UID; at most `most`, returns how many. */
struct dx_named {
    char uid[DX_UID_MAX], name[129];
};
#define DX_NAMED_MOST 512
size_t dx_storage_classes(struct dx_named *list, size_t most);
size_t dx_storable_syntaxes(struct dx_named *list, size_t most);
/* The attributes of a received object that leave its child (dx_object.h), by tag; at most `most`,
 * returns how many. copied: those of patient and study, which results have, too; else of series and
 * image. Codes, of sequences, are not among them. */
#define DX_READ_ATTRIBUTES 128
size_t dx_read_attributes(bool copied, uint32_t *list, size_t most);
/* The dictionary's name; the UID itself where it has none. Static. */
const char *dx_name_of(const char *uid);
/* Keyword of a tag, as the dictionary has it. */
void dx_tag_name(uint32_t tag, char name[65]);
/* Implementation Class UID and Version Name (PS3.7 D.3.3.2), of associations and files. */
const char *dx_implementation_uid(void);
const char *dx_implementation_version(void);

#ifdef __cplusplus
}
#endif
#endif
