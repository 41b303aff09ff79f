/* echo.h: does a peer answer, and if not, at which layer did it fail? Nothing is sent but a
 * question that changes nothing: C-ECHO; of an archive with DICOMweb one study (QIDO-RS), of a
 * workflow manager one item (UPS-RS); to who takes HL7 or a webhook a connection, with TLS where it
 * has that.
 *
 * A call waits as long as the peer's time-outs allow, and reads what a peer says: for a process of
 * its own (echo_desk.h), or a command. What went wrong is in struct echo. */
#ifndef ECHO_H
#define ECHO_H

#include "conf.h"
#include <stddef.h>
#include <stdint.h>

enum echo_end { ECHO_ANSWERED, ECHO_REFUSED, ECHO_UNREACHED, ECHO_UNDONE };
enum echo_layer { ECHO_NO_LAYER, ECHO_NETWORK, ECHO_TLS, ECHO_ASSOCIATION, ECHO_DIMSE, ECHO_HTTP };
const char *echo_layer_name(enum echo_layer layer); /* "network (name or TCP)"; "" of none */
/* Of the peer that is asked for orders: whether it takes Modality Worklist queries. */
enum echo_worklist { ECHO_UNASKED, ECHO_TAKEN, ECHO_NOT_TAKEN };

struct echo {
    enum echo_end end;
    enum echo_layer layer; /* at which it failed */
    char why[256];
    char session[96]; /* of TLS; "": plain, or not told */
    enum echo_worklist worklist;
    long http_status; /* 0: none */
    int64_t ms;
};

/* A peer, as cervigate's commands know it. dx_init was called. */
void echo_peer(const struct conf *conf, const struct conf_peer *peer, struct echo *echo);
/* A receiver of announcements: its peer, or the host of HL7 or of a webhook. */
void echo_announcement(const struct conf *conf, const struct conf_announcement *to,
                       struct echo *echo);

/* What came of it in a sentence or three: "answered in 12 ms", or at which layer it failed, why,
 * and what to do. */
void echo_words(const struct echo *echo, char *text, size_t size);

#endif
