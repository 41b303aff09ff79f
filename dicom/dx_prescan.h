/* dx_prescan.h: reads a dataset's structure in linear time, before DCMTK may see it.
 *
 * Plain C, no recursion on the stack, constant memory beside the explicit nesting stack. Checks tag
 * order loosely (real files break it), lengths against their container and the file, nesting,
 * element counts, encapsulated fragments, and (deflated) the inflated size. Collects the attributes
 * that the receiver needs, so that no received dataset is parsed by DCMTK in a network process. */
#ifndef DX_PRESCAN_H
#define DX_PRESCAN_H

#include "dx_status.h"
#include "dx_uid.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is over one of them is DX_LIMIT, and its text begins with "limit NAME:", the name being the
 * setting's in config/cervigate.xml: the peer reads it in the Error Comment. */
struct dx_limits {
    uint32_t nesting;        /* 64; more than 256 counts as 256 */
    uint64_t elements;       /* 2,000,000, items and fragments among them */
    uint64_t dataset_bytes;  /* 4 GiB, as stored */
    uint64_t inflated_bytes; /* 512 MiB, of a deflated dataset */
    uint64_t frame_pixels;   /* 64 Mi pixels a frame */
    uint64_t frame_bytes;    /* 512 MiB decoded */
    uint32_t frames;         /* 65,536 */
};
void dx_limits_default(struct dx_limits *limits);

struct dx_scan {
    char sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX];
    char study[DX_UID_MAX], series[DX_UID_MAX];
    char modality[17];
    /* Raw bytes of the main dataset, trimmed; what is longer is "" and `cut` is set. */
    char character_set[257], patient_id[257], issuer[257]; /* Issuer of Patient ID */
    bool cut;                                              /* one of these three or the modality */
    char accession[68]; /* likewise; nothing depends on it, so that it is not `cut` for */
    char meta_sop_class[DX_UID_MAX], meta_sop_instance[DX_UID_MAX]; /* of the file meta group */
    uint64_t elements;
    uint32_t nesting;
    bool has_pixel_data;
    uint16_t rows, cols, samples, bits_allocated; /* of the main dataset; 0: absent */
    uint32_t frames;                              /* Number of Frames; 0: absent */
    uint64_t dataset_offset; /* where the dataset starts in the file (after preamble and meta) */
    uint64_t dataset_bytes;
    char digest[DX_DIGEST_MAX]; /* SHA-256 of the dataset's bytes as stored */
};

/* Ends every text of a scan that came from a process that is not believed. */
void dx_scan_terminate(struct dx_scan *scan);

/* Scans a Part 10 file (preamble + file meta group + dataset); the transfer syntax is read from its
 * meta group. Also takes files without preamble or meta group (guesses implicit/explicit little
 * endian; for `cervigate predict`), never for received objects. */
DX_MUST_USE enum dx_status dx_prescan_file(int fd, const struct dx_limits *limits,
                                           char transfer_syntax[DX_UID_MAX], struct dx_scan *scan,
                                           struct dx_error *err);
/* The same when the dataset's digest (64 hexadecimal digits) was taken as the file was written:
 * what the structure does not need is not read again. */
DX_MUST_USE enum dx_status dx_prescan_digested(int fd, const char *digest,
                                               const struct dx_limits *limits,
                                               char transfer_syntax[DX_UID_MAX],
                                               struct dx_scan *scan, struct dx_error *err);
/* The same for who takes no digest, or another: scan->digest is "". */
DX_MUST_USE enum dx_status dx_prescan_structure(int fd, const struct dx_limits *limits,
                                                char transfer_syntax[DX_UID_MAX],
                                                struct dx_scan *scan, struct dx_error *err);
/* The same over memory (a bare dataset): fuzzing and tests. */
DX_MUST_USE enum dx_status dx_prescan_memory(const uint8_t *bytes, size_t count,
                                             const char *transfer_syntax,
                                             const struct dx_limits *limits, struct dx_scan *scan,
                                             struct dx_error *err);

/* A DIMSE command set (implicit little endian): at most 64 KiB, no sequences, no undefined lengths,
 * group 0000 only. Called on every command before DCMTK parses it, in either direction. */
#define DX_COMMAND_MAX 65536u
DX_MUST_USE enum dx_status dx_check_command(const uint8_t *bytes, size_t count,
                                            struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
