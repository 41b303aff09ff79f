/* peer.h: a scripted DICOM peer that sends raw PDUs in any order, well-formed or not. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer of bytes to send. */
struct script {
    uint8_t *bytes;
    size_t count, room;
};
void script_add(struct script *script, const void *bytes, size_t count);
void script_finish(struct script *script);

/* PDUs (PS3.8 9.3) and DIMSE commands (PS3.7 E.1), appended. */
void script_associate(struct script *script, const char *calling, const char *called,
                      const char *abstract_syntax, const char *transfer_syntax);
/* A-ASSOCIATE-AC that takes one context. */
void script_accept(struct script *script, uint8_t context, const char *transfer_syntax);
void script_pdata(struct script *script, uint8_t control, const void *bytes, size_t count);
/* The openings of nested sequences, in explicit VR or in a command's implicit VR. */
void script_nested(struct script *to, int depth, bool is_explicit);
/* The bytes as a command or dataset, in fragments of 16 KiB. */
void script_fragments(struct script *script, bool is_command, const struct script *bytes);
void script_store_command(struct script *script, const char *instance);
void script_release(struct script *script);
void script_abort(struct script *script);

/* A connection to the loopback; -1 when refused. */
int peer_connect(uint16_t port);
/* Sends all, or as much as the other side takes; returns the bytes sent. */
size_t peer_send(int fd, const void *bytes, size_t count);
/* Receives one PDU within the seconds: its type, 0 when the peer closed, -1 at a time-out.
 * The first bytes of its body go to body. */
int peer_receive(int fd, double seconds, uint8_t *body, size_t size);
/* Status (0000,0900) of a response in a P-DATA body, or -1. */
int peer_status(const uint8_t *body, size_t count);
double peer_now(void);

#endif
