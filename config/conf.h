/* conf.h: the XML configuration, parsed once into an immutable struct conf.
 *
 * conf_load checks everything at once: XML, schema (config/cervigate.xsd, embedded) and what a
 * schema cannot know, and collects every complaint with its file and line. Beside NAME.xml it reads
 * the files *.xml of the folder NAME.d, in the order of their names: what they say stands above
 * (merge.c). The library neither logs nor exits. Strings are owned by struct conf and never NULL
 * unless said. Seconds are whole. Ranges and defaults are the schema's; config/cervigate.xml shows
 * and explains them all.
 *
 * A struct conf is immutable: threads may share it. A reload makes a new one; pointers into the old
 * one (peers, rules) die with it. Loading is for one thread at a time until the first load is done
 * (libxml2 prepares itself then). */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_MUST_USE    __attribute__((warn_unused_result))
#define CONF_MAX_BYTES   (4u << 20) /* of a file */
#define CONF_MAX_FILES   64         /* beside the first */
#define CONF_MAX_PEERS   64
#define CONF_MAX_CALLERS 256
#define CONF_MAX_AES     16
#define CONF_MAX_RULES   256
#define CONF_MAX_MATCHES 16

#define CONF_STATUS_MAP(X)                                                                         \
    X(CONF_OK, "ok")                                                                               \
    X(CONF_MISSING, "file not found or unreadable")                                                \
    X(CONF_BAD, "configuration is wrong")                                                          \
    X(CONF_NO_MEMORY, "out of memory")
enum conf_status {
#define X(code, text) code,
    CONF_STATUS_MAP(X)
#undef X
};
const char *conf_status_text(enum conf_status status);

enum conf_mode { CONF_SHADOW, CONF_DEMO, CONF_CLINICAL };
const char *conf_mode_name(enum conf_mode mode); /* "shadow", ... */
bool conf_mode_parse(const char *name, enum conf_mode *mode);

/* Who is called by DICOM, or (url) by DICOMweb; then host, port and tls are the address's. */
struct conf_peer {
    const char *name, *ae_title, *host; /* ae_title "": DICOMweb */
    uint16_t port;
    bool tls;
    const char *tls_name; /* that its certificate must bear, or NULL: the host */
    const char *url;      /* without a slash at its end; NULL: DICOM */
    const char *user;     /* of Basic authentication, or NULL: none */
    const char *password; /* file of it; NULL without user */
    const char *token;    /* file of a bearer token, or NULL */
    int line;
};

/* DICOM over TLS; the files' paths are NULL where there is none. */
enum conf_client_certificate { CONF_CLIENT_REQUIRED, CONF_CLIENT_OPTIONAL, CONF_CLIENT_NONE };
struct conf_tls {
    bool listen; /* a port of its own */
    bool only;   /* there is no plain port */
    uint16_t port;
    const char *certificate, *key;
    const char *authorities, *revoked;
    enum conf_client_certificate client_certificate; /* of who calls */
    bool newest;                                     /* TLS 1.3 only */
};

/* Who may call. NULL: any. */
struct conf_caller {
    const char *ae_title;
    const char *addresses; /* blank-separated: numeric, each alone or with the bits of a network */
    bool tls;              /* only over TLS */
    const char *certificate; /* a name that its certificate must bear */
    int line;
};

#define CONF_MAX_MODELS 2

/* A title of the node's beside <node aeTitle>: rules may be for what comes there only. */
struct conf_ae {
    const char *title;
    const char *model; /* name of the only one that judges what comes there, or NULL */
    unsigned models;   /* a set, as of a rule; a rule's stands above it */
    int dimse_seconds, pdu_seconds, association_seconds, dataset_seconds; /* else <receive>'s */
    uint32_t minimum_rate;
    int line;
};

/* What a destination gets; a set. */
enum conf_output { CONF_SR = 1, CONF_SC = 2, CONF_GSPS = 4, CONF_PMAP = 8 };
/* The report's SOP class; auto: the first of these that the peer takes, in this order. */
enum conf_report_class { CONF_SR_AUTO, CONF_SR_3D, CONF_SR_COMPREHENSIVE, CONF_SR_ENHANCED };
/* The pictures' preferred transfer syntax; what a peer does not take falls back to the first. */
enum conf_picture_syntax { CONF_UNCOMPRESSED, CONF_RLE, CONF_JPEG_LS };
/* Who sees what is stored there: radiologists (a workstation, an AI archive), or everyone (the main
 * archive, with every web viewer's user). */
enum conf_audience { CONF_RADIOLOGISTS, CONF_EVERYONE };

/* Whether a destination is asked for the images before it gets what was made of them. */
enum conf_look {
    CONF_LOOK_AUTO,   /* where it answers C-FIND */
    CONF_LOOK_ALWAYS, /* nothing goes there without */
    CONF_LOOK_NEVER
};

struct conf_destination {
    const struct conf_peer *peer;
    unsigned outputs; /* of enum conf_output */
    enum conf_report_class report_class;
    enum conf_picture_syntax picture_syntax;
    enum conf_audience audience;
    bool hold_until_reported; /* nothing goes there before a report of another's is in the study */
    bool late_pictures;       /* pictures go into a study that has a report of another's, too */
    enum conf_look look;
    int look_most_seconds;  /* what is looked for in vain is parked after this: 7200 */
    bool commitment;        /* delivered is what the peer has committed to keep */
    int commitment_seconds; /* without an answer it is asked anew: 3600 */
    int answer_seconds;     /* by DICOM: without an answer the association is given up: 60 */
    int rate;               /* objects a minute at most; 0: no limit */
    const char *window; /* "22:00-06:00", local time: the only hours for what is no finding; NULL */
    bool rejection_notes;    /* the peer honours them: what we take back is rejected there */
    bool demo;               /* gets results in demo mode */
    int retry_first_seconds; /* 1 */
    int retry_most_seconds;  /* 300 */
    int line;
};

#define CONF_LIST_MOST 100000 /* list_most at most */

/* A way by which others are told of a study's place in the reading worklist. */
#define CONF_MAX_ANNOUNCEMENTS 16
enum conf_way { CONF_UPS, CONF_HL7, CONF_WEBHOOK };
const char *conf_way_name(enum conf_way way); /* "ups", ... */
/* The characters of HL7 messages (MSH-18). */
enum conf_hl7_characters { CONF_HL7_UTF_8, CONF_HL7_LATIN_1, CONF_HL7_ASCII };
/* What sites have their own way with in HL7 messages (docs/hl7.md). Codes are
 * code^text^coding system; "": no such row. */
struct conf_hl7_profile {
    const char *control;                        /* ORC-1 of a change of priority */
    const char *raised, *routine;               /* the priority of a raise, and of one taken back */
    unsigned priority_in;                       /* enum conf_hl7_priority_in */
    unsigned number_in;                         /* enum conf_hl7_number_in */
    unsigned accession_in;                      /* enum conf_hl7_accession_in */
    const char *preliminary, *none, *withdrawn; /* of OBR-25, OBX-11; a letter each */
    const char *outcome, *reason, *rank, *study, *accession, *report, *model, *research;
};
/* none: where the version has it; the number of the node's own result; an accession in results. */
enum conf_hl7_priority_in {
    CONF_HL7_BY_VERSION,
    CONF_HL7_TQ1_9,
    CONF_HL7_ORC_7,
    CONF_HL7_OBR_27,
    CONF_HL7_OBR_5
};
enum conf_hl7_number_in { CONF_HL7_FILLER, CONF_HL7_PLACER, CONF_HL7_BOTH_NUMBERS };
enum conf_hl7_accession_in { CONF_HL7_OBX, CONF_HL7_OBR_18, CONF_HL7_BOTH_ACCESSIONS };
/* As it is without settings. */
#define CONF_HL7_PROFILE                                                                           \
    {                                                                                              \
        .control = "XO", .raised = "A^ASAP^HL70485", .routine = "R^Routine^HL70485",               \
        .preliminary = "P", .none = "X", .withdrawn = "W",                                         \
        .outcome = "study-outcome^Outcome of the study^99CERVIGATE",                               \
        .reason = "priority-reason^Reason of the reading priority^99CERVIGATE",                    \
        .rank = "priority-rank^Reading priority^99CERVIGATE",                                      \
        .study = "110180^Study Instance UID^DCM", .accession = "121022^Accession Number^DCM",      \
        .report = "report-uid^SOP Instance UID of the report^99CERVIGATE",                         \
        .model = "111001^Algorithm Name^DCM", .research = "research^Research^99CERVIGATE"          \
    }
struct conf_announcement {
    enum conf_way way;
    const char *name;                            /* of its own among the announcements */
    bool demo;                                   /* told in demo mode, too, marked RESEARCH */
    int expire_seconds;                          /* news that is older is not told any more: 3600 */
    int answer_seconds;                          /* it may take to answer: 30 */
    int retry_first_seconds, retry_most_seconds; /* 1, 60 */
    int line;

    /* UPS */
    const struct conf_peer *peer;
    bool own_item;              /* never the site's own item, always one of the node's */
    const char *workitem_codes; /* of the site's items that are readings: "VALUE^SCHEME ..." */
    const char *worklist_label; /* (0074,1202) */
    int look_seconds;           /* until a study is looked at again: read by now? 60; 0: never */

    /* HL7 */
    const char *host;
    uint16_t port; /* 2575 */
    bool tls;
    const char *tls_name;          /* that its certificate must bear, or NULL: the host */
    const char *certificate, *key; /* ours with its chain, PEM, shown where asked; NULL: none */
    bool results, priority;        /* ORU^R01 of what was found; a change of the order's priority */
    unsigned version;              /* index of "2.3.1", "2.5.1" */
    enum conf_hl7_characters characters;
    const char *sending_application, *sending_facility;
    const char *receiving_application, *receiving_facility;
    const char *service; /* OBR-4: code^text^coding system */
    struct conf_hl7_profile profile;

    /* webhook; HL7's authorities, too */
    const char *url;
    const char *secret;      /* file: the key of its signature, or NULL: unsigned */
    const char *authorities; /* file of trusted certificates, PEM; NULL: the system's */
};

enum conf_action { CONF_ANALYZE, CONF_STORE_ONLY, CONF_IGNORE };

/* Of the association that brought the object; no attributes of it, in a group that no dataset has.
 */
#define CONF_CALLING_AE_TITLE 0xFFFF0001u
#define CONF_CALLED_AE_TITLE  0xFFFF0002u

/* A bound of a number: in what it counts. */
enum conf_unit { CONF_PLAIN, CONF_YEARS, CONF_MONTHS, CONF_WEEKS, CONF_DAYS };

/* What a rule may look at: DICOM keywords, resolved by the daemon. One of values, pattern, or
 * least and most (one or both) is there. */
struct conf_match {
    const char
        *keyword; /* "Modality", "SOPClassUID", "BodyPartExamined", "StudyDescription", ... */
    uint32_t tag;
    const char *values;       /* blank-separated list of exact values (case-insensitive), or NULL */
    const char *pattern;      /* conf_pattern.h, or NULL */
    const char *least, *most; /* as written, or NULL; CONF_LEAST and CONF_MOST by number: */
    struct conf_bound {
        double number;
        enum conf_unit unit; /* of Patient's Age; CONF_PLAIN of all else */
    } bound[2];
    int line;
};
enum { CONF_LEAST, CONF_MOST };

/* First rule whose matches all hold wins; a missing attribute is empty text. Sets are narrowed by
 * what they name, 0: by nothing. */
struct conf_rule {
    const char *name;
    enum conf_action action;
    const char *ae;            /* title of the <ae> that it is for, its first match; or NULL */
    const char *model;         /* name of the only model that judges, or NULL */
    const char *destinations;  /* blank-separated names of peers, or NULL */
    const char *announcements; /* of announcements, NULL: all, "": none */
    unsigned models;           /* of 1u << index of conf.models */
    unsigned outputs;          /* of enum conf_output */
    bool never_raises;         /* its findings raise no study */
    bool body_part_by_pixels;  /* whatever Body Part Examined says, where the model has a gate */
    struct conf_match match[CONF_MAX_MATCHES + 1];
    size_t matches;
    int line;
};

struct conf_limits {
    int associations, associations_per_peer; /* 200, 50 */
    uint32_t connections_per_peer;           /* in a second: 300 */
    uint32_t echoes, nesting;                /* of an association, at full speed: 100; 64 */
    int association_cpu_seconds;             /* of an association's process: 3600 */
    uint64_t elements, dataset_bytes, inflated_bytes, frame_pixels, frame_bytes;
    uint32_t command_bytes;                         /* 65536 */
    uint32_t frames, quarantine_objects;            /* 65536; refused ones that are kept: 1000 */
    uint64_t object_memory_bytes;                   /* RLIMIT_AS of an object child: 2 GiB */
    int object_cpu_seconds, object_wall_seconds;    /* 60, 120 */
    int object_attempts;                            /* 2, then it is not processed */
    uint64_t spool_reserve_bytes, quarantine_bytes; /* 1 GiB, below it A700; 4 GiB together */
};

/* What the site says of its orders by HL7. */
struct conf_orders {
    bool listen;
    const char *address;       /* numeric */
    uint16_t port;             /* 2575; 0: any free port */
    const char *from;          /* who may call, as conf_caller.addresses; NULL: this machine only */
    int connections;           /* at a time: 16 */
    uint32_t message_bytes;    /* 1 MiB; a longer message is refused */
    int idle_seconds;          /* without a whole message a connection is ended: 300 */
    const char *postoperative; /* regular expression on the procedure's words; NULL: none is */
    /* regular expressions on the rows of a final report: it says that there is an injury, that
     * there is none; NULL: that is not understood */
    const char *finding, *no_finding;
    bool tls;           /* with the files of <tls> */
    bool patients;      /* ADT corrects patients' data */
    const char *issuer; /* who assigned a Patient ID that comes without; NULL: nobody knows */
};

/* The site's Modality Worklist, asked for the orders of studies (DICOM). */
struct conf_order_query {
    const char *peer_name; /* NULL: nobody is asked */
    const struct conf_peer *peer;
    int period_seconds, period_most_seconds; /* until a study is asked about again: 60, doubled up
                                                to 1800 */
    int window_seconds;                      /* after its first image: 14400; later it is not */
    int answer_seconds;                      /* for an association, and for an answer: 30 */
    int matches;                             /* of one question at most: 100 */
    int retry_first_seconds, retry_most_seconds; /* after a failure of the peer: 1, 300 */
};

/* The reading worklist for those who ask (Unified Procedure Step, docs/worklist.md). */
enum conf_offer { CONF_OFFER_NONE, CONF_OFFER_QUERY, CONF_OFFER_PULL };
struct conf_reading {
    enum conf_offer offer; /* pull: items may be claimed and completed, too */
    bool demo;             /* answered in demo mode, too, marked RESEARCH */
    const char *label;     /* Worklist Label (0074,1202): "READING" */
    int matches;           /* of an answer: 1000 */
    int queries;           /* at a time: 4 */
    int query_seconds;     /* that one may take: 30 */
    int claim_seconds;     /* without a word of who claimed it an item is scheduled anew: 14400 */
};

/* How long what is done stays; days of 24 hours. */
struct conf_retention {
    int object_days;      /* of received objects, from the last delivery of their results: 30 */
    int result_days;      /* of our own results' files, likewise: 90 */
    int parked_days;      /* until what a destination refused for good is given up: 14 */
    int quarantine_days;  /* of refused bytes: 14 */
    int row_days;         /* of the job store's rows of a study, from its last file on: 3650 */
    uint64_t space_bytes; /* that objects and results may take together; 0: no limit */
};

/* Limits of the watch over the node itself; docs/health.md says what each promises. */
struct conf_health {
    int check_seconds;           /* between two looks */
    int selftest_seconds;        /* between two self-tests */
    int selftest_retry_seconds;  /* after one that failed */
    int oldest_job_seconds;      /* no job may be older */
    int silence_hours;           /* without a study, of those in which a station usually sends */
    int silence_expected;        /* studies that would have come in them */
    int reference, minimum;      /* studies that make a reference; that follow before an alarm */
    int cusum_limit, odds_ratio; /* nats; of the shift of a rate that is looked for */
    int score_shift;             /* of scores, in hundredths of a standard deviation */
    int certificate_days;        /* before a certificate's end */
};

/* How syslog messages travel. */
enum conf_transport { CONF_TLS, CONF_TCP };

/* What was done, for those who must be able to show it (docs/operations.md). */
struct conf_audit {
    int keep_days;         /* of the log's files: 2190 */
    uint64_t file_bytes;   /* a file of the log is not begun anew before: 16 MiB */
    const char *source_id; /* AuditSourceID, or NULL: the AE title */
    const char *site_id;   /* AuditEnterpriseSiteID, or NULL */
    const char *host;      /* of the collector, or NULL: none, the log stays here */
    uint16_t port;         /* 6514 */
    enum conf_transport transport;
    const char *server_name; /* in the collector's certificate, or NULL: host */
    const char *ca;          /* file of trusted certificates, PEM; NULL: the system's */
    const char *certificate; /* our own with its chain, PEM, and its key; NULL: none */
    const char *key;
    int facility;        /* of syslog: 10 */
    int undrained_hours; /* a record may wait for the collector before there is an alarm: 4 */
};

/* What the console is for people; without accounts it only says how the node is. */
struct conf_web {
    const char *accounts;                /* file of those who may log in, or NULL */
    int connections;                     /* 64 */
    int streams;                         /* of events: 32 */
    int request_seconds, answer_seconds; /* 10, 60 */
    int idle_seconds, session_seconds;   /* 1800, 43200 */
    bool dicomweb;                       /* our own results by DICOMweb */
    const char *certificate, *key;       /* PEM; NULL: no TLS */
    /* numeric addresses of proxies, with blanks between; header in which these name the user; the
     * header of his groups (NULL: he is in `accounts`), and the groups of each role. NULL: none */
    const char *proxies, *user_header, *roles_header;
    const char *viewer_group, *reader_group, *admin_group;
    int tries;            /* files that are tried at a time: 4; 0: nobody may */
    uint64_t try_bytes;   /* of one: 209715200 */
    int try_seconds;      /* for sending one: 600 */
    int tries_per_minute; /* of a session: 12 */
    const char *viewer;   /* address of a study in the site's viewer, with {study}; or NULL */
};

/* auto: the journal under journald, else text. */
enum conf_log_format { CONF_LOG_AUTO, CONF_LOG_TEXT, CONF_LOG_JSON, CONF_LOG_JOURNAL };

struct conf {
    const char *path;                      /* of the first file */
    const char *files[CONF_MAX_FILES + 1]; /* all of them, the first at 0; NULL: none */
    int node_line;                         /* of <node>: where spool and mode stand */
    const char *ae_title;
    const char *bind_address; /* numeric */
    uint16_t port;            /* 0: any free port (tests) */
    bool check_called_ae_title;
    enum conf_mode mode;
    const char *spool;                       /* directory: objects, results, job store, sockets */
    const char *model;                       /* model folder: models[0] */
    const char *models[CONF_MAX_MODELS];     /* each judges what its card is meant for */
    const char *model_name[CONF_MAX_MODELS]; /* for rules; NULL: none */
    int model_line[CONF_MAX_MODELS];         /* where each is named */
    size_t model_count;
    const char *language;     /* of reports and pictures: "en", "de", "fr", "es" */
    const char *templates;    /* directory of report templates, or NULL: the built-in ones */
    int report_line;          /* of <report>; 0: there is none */
    const char *report_shown; /* behind the mark in a report's Series Description: "report" */
    int finding_series, finding_instances; /* numbers of a report with a finding; 0: as any */
    int audit_line;                        /* of <audit>; 0: there is none */
    const char *manufacturer, *station_name;
    int quiet_seconds;      /* study completeness */
    bool require_c7_t1;     /* "no finding" needs an adequate lateral that shows C7-T1 */
    bool judge_unknown_age; /* images whose header tells no age: judged, and the report says so */
    int acse_seconds, dimse_seconds, pdu_seconds;
    int association_seconds, dataset_seconds; /* 86400, 14400 */
    uint32_t minimum_rate;                    /* bytes a second */
    uint32_t max_pdu;
    int threads;                  /* of the network: 0 = all processors */
    uint32_t picture_matrix;      /* largest side of the SC's source half: 1536 */
    const char *picture_modality; /* CS: "OT" */
    uint32_t picture_frames;      /* of a multi-frame picture at most: 64 */
    const char *console_address;
    uint16_t console_port; /* 0: any free port */
    bool console;
    struct conf_web web;
    int log_level; /* 0 debug .. 3 error */
    bool log_patient_data;
    enum conf_log_format log_format;
    const char *log_trace; /* blank-separated areas whose debug lines are written; NULL: none */
    uint32_t log_rate;     /* warnings and errors of one message a minute: 1200; 0: no limit */
    struct conf_limits limits;
    struct conf_retention retention;
    struct conf_health health;
    struct conf_tls tls;
    const struct conf_ae *aes; /* beside ae_title */
    size_t ae_count;
    const struct conf_caller *callers; /* none: everyone */
    size_t caller_count;
    struct conf_audit audit;
    const struct conf_peer *peers;
    size_t peer_count;
    const struct conf_destination *destinations;
    size_t destination_count;
    int ageing_seconds; /* a study is passed only by what came at most so much later: 86400 */
    int delay_seconds;  /* and no more, so long after the first passed it: 28800 */
    int list_most;  /* studies of the list that are shown and searched, first to be read: 10000 */
    int known_days; /* a finding of the same patient so long ago is no news: 30 */
    struct conf_orders orders;
    struct conf_order_query order_query;
    struct conf_reading reading;
    const struct conf_announcement *announcements;
    size_t announcement_count;
    const struct conf_rule *rules;
    size_t rule_count;
};

struct conf_complaint {
    const char *file; /* its path */
    int line;         /* 0: the file as a whole */
    bool warning;     /* told, but no reason to refuse */
    char text[640];   /* what was found, what is expected, "did you mean" */
};
struct conf_complaints {
    struct conf_complaint *list;
    size_t count;
    char *files[CONF_MAX_FILES + 1]; /* whose paths they name; NULL: none */
};
void conf_complaints_finish(struct conf_complaints *complaints);

/* CONF_OK: *conf is the caller's, to conf_destroy; complaints may still hold warnings. Else *conf
 * is NULL and complaints says why, all errors in the order of their lines. complaints is filled in
 * every case (initialised by the callee) and is the caller's to finish. */
CONF_MUST_USE enum conf_status conf_load(const char *path, struct conf **conf,
                                         struct conf_complaints *complaints);
/* The same, but where the status is CONF_BAD *conf may be there, for looking at what else is wrong:
 * what was refused has its default, and peers of destinations may be NULL. */
CONF_MUST_USE enum conf_status conf_load_partly(const char *path, struct conf **conf,
                                                struct conf_complaints *complaints);
/* Lines that struct conf names tell the file, too: "/etc/cervigate/cervigate.d/10-pacs.xml", 12. */
const char *conf_file_of(const struct conf *conf, int line);
int conf_line_in_file(int line);
/* "line 12", or of a file of the folder "line 12 of 10-pacs.xml". */
struct conf_spot {
    char text[300];
};
struct conf_spot conf_spot_of(const struct conf *conf, int line);
void conf_destroy(struct conf *conf); /* takes NULL */
/* The effective configuration as XML: every setting, defaults included; loads again to the same. */
void conf_print(const struct conf *conf, FILE *out);
/* The same for others than whoever may read the file: addresses of webhooks by conf_show_address.
 * Does not load again where one was cut. */
void conf_print_shown(const struct conf *conf, FILE *out);
/* Scheme, host and port; what stands behind them may be a secret, and is a number that tells one
 * such rest from another. */
#define CONF_SHOWN_ADDRESS 504
void conf_show_address(const char *url, char text[CONF_SHOWN_ADDRESS]);
/* The effective value of an attribute of an element that occurs once, as conf_print writes it.
 * False: there is no such option. A text that is not set is "". */
bool conf_value(const struct conf *conf, const char *element, const char *attribute, char *value,
                size_t size);
/* Whether the numeric address (IPv4 in IPv6 as IPv4) is one of the list's. */
bool conf_address_is_in(const char *address, const char *list);
/* Where an option stands that names a port or file; or its element; 0: neither. See read.c. */
int conf_attribute_line(const struct conf *conf, const char *element, const char *attribute);
/* The local AE of this title, in any letter case, as <rule ae> takes it; NULL: none. */
const struct conf_ae *conf_find_ae(const struct conf *conf, const char *title);
/* Tag of a DICOM keyword that rules may use; 0 when unknown. The codes of a sequence are under the
 * tags that dx_object_attributes gives them. */
uint32_t conf_keyword_tag(const char *keyword);
/* Whether the blank-separated list, NULL: none, holds the word, letter case counting. */
bool conf_is_listed(const char *list, const char *word);

#endif
