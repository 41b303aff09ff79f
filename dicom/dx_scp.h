/* dx_scp.h: serves one association on an accepted socket, in a process of its own.
 *
 * Verification and Storage SCP (PS3.4 A, B). dx_scp_serve negotiates: Verification, every storage
 * SOP class of DCMTK's dictionary, all under the storage root, and private ones; every transfer
 * syntax that carries a dataset, judged or not, the proposer's first; other services are refused
 * with "abstract syntax not supported". It answers C-ECHO, writes every C-STORE dataset bit by bit
 * to a file that the caller creates, pre-scans it, and asks the caller for the status. Other
 * operations are answered 0211, their datasets dropped. Where the caller wants them, events of
 * Storage Commitment and Instance Availability Notifications are taken, and Unified Procedure Steps
 * answered as their manager does (UPS Query, UPS Pull), in implicit little endian.
 *
 * Commands pass dx_check_command and are read by our own code: dcmdata parses nothing from the
 * network. A PDU that is longer than its type may be, that stalls, or a dataset below the minimum
 * rate ends in A-ABORT. Nothing here decides policy.
 *
 * One call a process (DCMTK's dcmExternalSocketHandle is global); dx_init before fork. */
#ifndef DX_SCP_H
#define DX_SCP_H

#include "dx_availability.h"
#include "dx_commitment.h"
#include "dx_dataset.h"
#include "dx_prescan.h"
#include "dx_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DX_AE_MAX 17

struct dx_peer {
    char calling[DX_AE_MAX], called[DX_AE_MAX];
    char address[64]; /* numeric */
};

/* PS3.8 table 9-21 */
enum dx_admission {
    DX_ADMIT,
    DX_REJECT_CALLED_AE,  /* permanent, service-user, 7 */
    DX_REJECT_CALLING_AE, /* permanent, service-user, 3 */
    DX_REJECT_LOCAL_LIMIT /* transient, service-provider (presentation), 2 */
};

struct dx_scp_object {
    const char *path; /* the Part 10 file, complete, not yet synced */
    int fd;           /* open for reading and fsync; the library closes it afterwards */
    char transfer_syntax[DX_UID_MAX];
    /* As the peer wrote them, cut to 64 bytes. In refuse() they may hold anything: never a part of
     * a path, never logged raw. In store() they are digits and dots. */
    char command_sop_class[DX_UID_MAX], command_sop_instance[DX_UID_MAX];
    uint64_t bytes; /* of the file */
    struct dx_scan scan;
};

/* Unified Procedure Step (PS3.4 annex CC), as its manager. Each returns the status; comment (64
 * characters) goes into Error Comment. Statuses are in dx_ups_scp.h. */
struct dx_scp_found; /* whom a match is sent to */
/* Sends one. False: whoever asked wants no more (C-CANCEL), or is gone: return, with
 * DX_UPS_CANCEL. */
bool dx_scp_found_put(struct dx_scp_found *found, const struct dx_writing *match, bool is_partly);
/* Whether more is wanted; asked often it costs a system call. */
bool dx_scp_found_goes_on(struct dx_scp_found *found);
enum dx_scp_offer { DX_OFFER_UPS_QUERY = 1, DX_OFFER_UPS_PULL = 2 };
struct dx_scp_steps {
    unsigned (*offers)(void *context); /* a set of enum dx_scp_offer; asked once, when one is due */
    uint16_t (*find)(void *context, const uint8_t *identifier, size_t count,
                     struct dx_scp_found *found, char comment[65]);
    uint16_t (*get)(void *context, const char *instance, const uint32_t *tags, size_t count,
                    struct dx_writing *answer, char comment[65]);
    uint16_t (*set)(void *context, const char *instance, const uint8_t *change, size_t count,
                    char comment[65]);
    uint16_t (*change_state)(void *context, const char *instance, const uint8_t *information,
                             size_t count, char comment[65]);
};

/* Callbacks; `context` is the caller's. All run in the serving process. */
struct dx_scp_handler {
    void *context;
    /* It may change dimse_seconds, pdu_seconds, minimum_rate, association_seconds and
     * dataset_seconds of the params: they hold for what this peer does from then on. */
    enum dx_admission (*associate)(void *context, const struct dx_peer *peer);
    /* Creates a file for the next object (O_EXCL): fills path and returns an fd open O_RDWR, or -1
     * with errno (answered A700; the dataset is drained, the association goes on). */
    int (*create)(void *context, char *path, size_t size);
    /* Asked every 4 MiB of an object: whether there is room for more. False: as when the disk is
     * full, the rest is dropped, what is there removed, A700 answered. NULL: there is. */
    bool (*has_room)(void *context);
    /* The object is complete and passed the pre-scan. Returns the C-STORE status; comment (64
     * characters) goes into Error Comment (0000,0902). The file now belongs to the handler.
     * scan.sop_instance is the command's; where the dataset lacks its SOP Class or Instance UID the
     * command's is filled in; scan.sop_class may differ from the command's. */
    uint16_t (*store)(void *context, const struct dx_scp_object *object, char comment[65]);
    /* The object was not complete, not well-formed or over a limit; `status` is what will be
     * answered: A700 (disk), A900 (another SOP Instance UID in the dataset), C000 (not a UID, not
     * well-formed, over a limit); 0 when the association is gone. The file belongs to the handler.
     * Not called for requests that brought no file (no dataset, create failed). */
    void (*refuse)(void *context, const struct dx_scp_object *object, uint16_t status,
                   const struct dx_error *why);
    void (*echo)(void *context); /* may be NULL */
    /* A peer answers a request for commitment of ours (dx_scu_commit). Returns the status: 0000, or
     * 0110 where it could not be kept, 0112 where nobody asked. NULL: the service is refused. */
    uint16_t (*event)(void *context, const struct dx_commitment *event);
    /* A peer says what can be fetched from it. Returns the status: 0000, or 0110 where it could not
     * be kept. NULL: the service is refused. */
    uint16_t (*available)(void *context, const struct dx_availability *news);
    const struct dx_scp_steps *steps; /* NULL: the service is refused */
};

struct dx_scp_params {
    struct dx_tls *tls;    /* a server's; not taken. NULL: plain */
    uint32_t max_pdu;      /* 4096..131072; 131072 */
    int acse_seconds;      /* to negotiate: 30 */
    int dimse_seconds;     /* between messages of an open association: 60 */
    int pdu_seconds;       /* one PDU must be complete by then: 60 */
    uint32_t minimum_rate; /* bytes a second within a dataset, over windows; 0: none */
    int rate_seconds;      /* a window: 30 */
    /* However lively the peer is; 0: no limit. A dataset that has begun outlasts the first. */
    int association_seconds; /* 86,400 */
    int dataset_seconds;     /* 14,400 */
    uint32_t echoes;         /* C-ECHOs answered at once, then ten a second; 0: no limit */
    uint32_t command_bytes;  /* of a command set, at most DX_COMMAND_MAX: 65,536 */
    struct dx_limits limits;
};
void dx_scp_params_default(struct dx_scp_params *params);

enum dx_scp_end { DX_END_RELEASED, DX_END_ABORTED, DX_END_REJECTED, DX_END_TIMEOUT, DX_END_FAILED };

struct dx_scp_summary {
    struct dx_peer peer;
    enum dx_scp_end end;
    uint32_t stored, refused, echoes;
    uint32_t contexts_proposed, contexts_accepted;
    char first_refused_context[160]; /* "SOP class UID transfer syntax UID", for the log */
};

/* Takes fd (closes it). Returns when the association has ended; an ended association is DX_OK even
 * when the peer aborted: see summary->end, and err for why: DX_TLS (no handshake), DX_MIXUP (TLS on
 * a plain port, or the reverse). When it never began, the calling and called titles are
 * "" or, of a plain request on a TLS port, as that one has them. */
DX_MUST_USE enum dx_status dx_scp_serve(int fd, const struct dx_scp_params *params,
                                        const struct dx_scp_handler *handler,
                                        struct dx_scp_summary *summary, struct dx_error *err);

/* Answers a connection that the node has no room for: reads the A-ASSOCIATE-RQ (bounded, at most
 * 1 s), sends A-ASSOCIATE-RJ transient "local limit exceeded", closes. Plain C. */
void dx_scp_refuse(int fd);
/* The same answer at once: what has come is dropped unread, fd stays the caller's to close. A peer
 * whose request is longer, or still on its way, may see a reset instead. */
void dx_scp_refuse_now(int fd);
/* Answers plain DICOM where TLS is due: A-ASSOCIATE-RJ, permanent, without a reason of DICOM's.
 * Reads the request first; the titles that it has go to peer. fd stays the caller's to close. */
void dx_scp_refuse_plain(int fd, struct dx_peer *peer);

#ifdef __cplusplus
}
#endif
#endif
