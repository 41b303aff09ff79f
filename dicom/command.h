/* command.h: DIMSE command sets (PS3.7 E.1) read and written without dcmdata; internal to dicom/.
 *
 * Commands are implicit VR little endian always (PS3.7 6.3.1). Texts are cut to their fields:
 * commands that are not well-formed have been refused by dx_check_command before. */
#ifndef DX_COMMAND_H
#define DX_COMMAND_H

#include "dx_prescan.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DX_C_STORE_RQ   0x0001u
#define DX_C_STORE_RSP  0x8001u
#define DX_C_FIND_RQ    0x0020u
#define DX_C_FIND_RSP   0x8020u
#define DX_C_ECHO_RQ    0x0030u
#define DX_C_ECHO_RSP   0x8030u
#define DX_N_EVENT_RQ   0x0100u
#define DX_N_EVENT_RSP  0x8100u
#define DX_N_GET_RQ     0x0110u
#define DX_N_GET_RSP    0x8110u
#define DX_N_SET_RQ     0x0120u
#define DX_N_SET_RSP    0x8120u
#define DX_N_ACTION_RQ  0x0130u
#define DX_N_ACTION_RSP 0x8130u
#define DX_N_CREATE_RQ  0x0140u
#define DX_N_CREATE_RSP 0x8140u
#define DX_C_CANCEL_RQ  0x0fffu
#define DX_NO_DATASET   0x0101u
#define DX_DATASET      0x0001u /* one follows */
#define DX_COMMAND_TEXT 1024u   /* bytes that a command written here can need */
#define DX_COMMAND_TAGS 32u     /* of an Attribute Identifier List that is written */
#define DX_COMMAND_MOST 256u    /* of one that is read */

struct dx_command {
    uint16_t field; /* (0000,0100) */
    uint16_t message_id, responded_id;
    uint16_t dataset_type; /* DX_NO_DATASET, or a dataset follows */
    uint16_t status;
    uint16_t event, action; /* Event Type ID (0000,1002), Action Type ID (0000,1008); 0: none */
    bool has_status, has_affected_class;
    bool is_instance_cut; /* the SOP Class or Instance UID was longer than 64 */
    char sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX]; /* affected or requested; trimmed */
    char comment[65];
    /* Attribute Identifier List (0000,1005) of an N-GET that is written; */
    const uint32_t *tags;
    size_t tag_count; /* at most DX_COMMAND_TAGS */
    /* and of one that is read. */
    uint32_t asked[DX_COMMAND_MOST];
    size_t asked_count;
    bool is_list_cut; /* there were more */
};

/* After dx_check_command. */
void dx_command_parse(const uint8_t *bytes, size_t count, struct dx_command *command);
/* Writes a request or response (field tells which); returns its bytes. */
size_t dx_command_write(const struct dx_command *command, uint8_t bytes[DX_COMMAND_TEXT]);

/* The Part 10 preamble and file meta group of a received dataset (PS3.10 7.1). */
#define DX_PART10_MAX 1024u
size_t dx_part10_header(const struct dx_command *command, const char *transfer_syntax,
                        const char *source_ae, uint8_t bytes[DX_PART10_MAX]);

#define DX_IMPLEMENTATION_UID     "2.25.86509147497394814681538862236441902808"
#define DX_IMPLEMENTATION_VERSION "CERVIGATE_0_1"

#ifdef __cplusplus
}
#endif
#endif
