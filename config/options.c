/* Every setting that is one attribute of an element that occurs once, and those of <destination>:
 * they are read, printed and tested from these tables. Ranges are the schema's; a test holds its
 * defaults against these. */
#include "conf_private.h"

#define OPTION(element, attribute, type, field, fallback)                                          \
    {                                                                                              \
        element, attribute, OPTION_##type, offsetof(struct conf, field), fallback, NULL            \
    }
#define AUDIT(attribute, type, field, fallback, names)                                             \
    {                                                                                              \
        "audit", attribute, OPTION_##type, offsetof(struct conf, audit.field), fallback, names     \
    }

static const char *const transports[] = {"tls", "tcp", NULL};
_Static_assert(CONF_TLS == 0 && CONF_TCP == 1, "order of names");

#define CHOSEN(element, attribute, type, field, fallback, names)                                   \
    {                                                                                              \
        element, attribute, OPTION_##type, offsetof(struct conf, field), fallback, names           \
    }

static const char *const client_certificates[] = {"required", "optional", "none", NULL};
static const char *const least_versions[] = {"1.2", "1.3", NULL}; /* of a bool */
static const char *const offers[] = {"none", "query", "pull", NULL};
_Static_assert(CONF_OFFER_QUERY == 1 && CONF_OFFER_PULL == 2, "order of names");
_Static_assert(CONF_CLIENT_OPTIONAL == 1 && CONF_CLIENT_NONE == 2, "order of names");

static const char *const languages[] = {"en", "de", "fr", "es", NULL};

static const char *const log_formats[] = {"auto", "text", "json", "journal", NULL};
_Static_assert(CONF_LOG_TEXT == 1 && CONF_LOG_JOURNAL == 3, "order of names");

const struct option conf_options[] = {
    OPTION("node", "aeTitle", TEXT, ae_title, NULL),
    OPTION("node", "address", TEXT, bind_address, "0.0.0.0"),
    OPTION("node", "port", U16, port, "11112"),
    OPTION("node", "mode", MODE, mode, "shadow"),
    OPTION("node", "spool", TEXT, spool, NULL),
    OPTION("node", "model", NULLABLE, model, NULL),
    OPTION("node", "manufacturer", TEXT, manufacturer, "cervigate"),
    OPTION("node", "stationName", TEXT, station_name, "CERVIGATE"),
    OPTION("node", "checkCalledAeTitle", BOOL, check_called_ae_title, "false"),
    OPTION("receive", "acseTimeout", INT, acse_seconds, "30"),
    OPTION("receive", "dimseTimeout", INT, dimse_seconds, "60"),
    OPTION("receive", "pduTimeout", INT, pdu_seconds, "60"),
    OPTION("receive", "minimumRate", U32, minimum_rate, "1024"),
    OPTION("receive", "associationTime", INT, association_seconds, "86400"),
    OPTION("receive", "datasetTime", INT, dataset_seconds, "14400"),
    OPTION("receive", "maximumPdu", U32, max_pdu, "131072"),
    OPTION("tls", "listen", BOOL, tls.listen, "false"),
    OPTION("tls", "port", U16, tls.port, "2762"),
    OPTION("tls", "only", BOOL, tls.only, "false"),
    OPTION("tls", "certificate", NULLABLE, tls.certificate, NULL),
    OPTION("tls", "key", NULLABLE, tls.key, NULL),
    OPTION("tls", "authorities", NULLABLE, tls.authorities, NULL),
    OPTION("tls", "revoked", NULLABLE, tls.revoked, NULL),
    CHOSEN("tls", "clientCertificate", CHOICE, tls.client_certificate, "required",
           client_certificates),
    CHOSEN("tls", "leastVersion", BOOL, tls.newest, "1.2", least_versions),
    OPTION("study", "quietTime", INT, quiet_seconds, "15"),
    OPTION("study", "requireC7T1", BOOL, require_c7_t1, "true"),
    OPTION("study", "judgeUnknownAge", BOOL, judge_unknown_age, "true"),
    OPTION("network", "threads", INT, threads, "0"),
    CHOSEN("report", "language", TEXT, language, "en", languages),
    OPTION("report", "templates", NULLABLE, templates, NULL),
    OPTION("report", "seriesDescription", TEXT, report_shown, "report"),
    OPTION("report", "findingSeriesNumber", INT, finding_series, "0"),
    OPTION("report", "findingInstances", INT, finding_instances, "0"),
    OPTION("picture", "maximumMatrix", U32, picture_matrix, "1536"),
    OPTION("picture", "modality", TEXT, picture_modality, "OT"),
    OPTION("picture", "maximumFrames", U32, picture_frames, "64"),
    OPTION("limits", "associations", INT, limits.associations, "200"),
    OPTION("limits", "associationsPerPeer", INT, limits.associations_per_peer, "50"),
    OPTION("limits", "connectionsPerPeer", U32, limits.connections_per_peer, "300"),
    OPTION("limits", "echoes", U32, limits.echoes, "100"),
    OPTION("limits", "associationCpuTime", INT, limits.association_cpu_seconds, "3600"),
    OPTION("limits", "commandBytes", U32, limits.command_bytes, "65536"),
    OPTION("limits", "nesting", U32, limits.nesting, "64"),
    OPTION("limits", "elements", U64, limits.elements, "2000000"),
    OPTION("limits", "datasetBytes", U64, limits.dataset_bytes, "4294967296"),
    OPTION("limits", "inflatedBytes", U64, limits.inflated_bytes, "536870912"),
    OPTION("limits", "framePixels", U64, limits.frame_pixels, "67108864"),
    OPTION("limits", "frameBytes", U64, limits.frame_bytes, "536870912"),
    OPTION("limits", "frames", U32, limits.frames, "65536"),
    OPTION("limits", "objectMemory", U64, limits.object_memory_bytes, "2147483648"),
    OPTION("limits", "objectCpuTime", INT, limits.object_cpu_seconds, "60"),
    OPTION("limits", "objectWallTime", INT, limits.object_wall_seconds, "120"),
    OPTION("limits", "objectAttempts", INT, limits.object_attempts, "2"),
    OPTION("limits", "spoolReserve", U64, limits.spool_reserve_bytes, "1073741824"),
    OPTION("limits", "quarantineObjects", U32, limits.quarantine_objects, "1000"),
    OPTION("limits", "quarantineBytes", U64, limits.quarantine_bytes, "4294967296"),
    OPTION("retention", "objects", INT, retention.object_days, "30"),
    OPTION("retention", "results", INT, retention.result_days, "90"),
    OPTION("retention", "parked", INT, retention.parked_days, "14"),
    OPTION("retention", "quarantine", INT, retention.quarantine_days, "14"),
    OPTION("retention", "rows", INT, retention.row_days, "3650"),
    OPTION("retention", "space", U64, retention.space_bytes, "0"),
    OPTION("health", "checkEvery", INT, health.check_seconds, "60"),
    OPTION("health", "selfTestEvery", INT, health.selftest_seconds, "86400"),
    OPTION("health", "selfTestRetry", INT, health.selftest_retry_seconds, "60"),
    OPTION("health", "oldestJob", INT, health.oldest_job_seconds, "900"),
    OPTION("health", "silence", INT, health.silence_hours, "2"),
    OPTION("health", "silenceExpected", INT, health.silence_expected, "12"),
    OPTION("health", "reference", INT, health.reference, "500"),
    OPTION("health", "minimum", INT, health.minimum, "30"),
    OPTION("health", "cusumLimit", INT, health.cusum_limit, "14"),
    OPTION("health", "oddsRatio", INT, health.odds_ratio, "2"),
    OPTION("health", "scoreShift", INT, health.score_shift, "50"),
    OPTION("health", "certificateDays", INT, health.certificate_days, "30"),
    AUDIT("keep", INT, keep_days, "2190", NULL),
    AUDIT("fileBytes", U64, file_bytes, "16777216", NULL),
    AUDIT("sourceId", NULLABLE, source_id, NULL, NULL),
    AUDIT("siteId", NULLABLE, site_id, NULL, NULL),
    AUDIT("host", NULLABLE, host, NULL, NULL),
    AUDIT("port", U16, port, "6514", NULL),
    AUDIT("transport", CHOICE, transport, "tls", transports),
    AUDIT("serverName", NULLABLE, server_name, NULL, NULL),
    AUDIT("ca", NULLABLE, ca, NULL, NULL),
    AUDIT("certificate", NULLABLE, certificate, NULL, NULL),
    AUDIT("key", NULLABLE, key, NULL, NULL),
    AUDIT("facility", INT, facility, "10", NULL),
    AUDIT("undrained", INT, undrained_hours, "4", NULL),
    OPTION("priority", "ageing", INT, ageing_seconds, "86400"),
    OPTION("priority", "delay", INT, delay_seconds, "28800"),
    OPTION("priority", "list", INT, list_most, "10000"),
    OPTION("priority", "knownDays", INT, known_days, "30"),
    OPTION("orders", "listen", BOOL, orders.listen, "false"),
    OPTION("orders", "address", TEXT, orders.address, "0.0.0.0"),
    OPTION("orders", "port", U16, orders.port, "2575"),
    OPTION("orders", "from", NULLABLE, orders.from, NULL),
    OPTION("orders", "connections", INT, orders.connections, "16"),
    OPTION("orders", "messageBytes", U32, orders.message_bytes, "1048576"),
    OPTION("orders", "idleTime", INT, orders.idle_seconds, "300"),
    OPTION("orders", "postoperative", NULLABLE, orders.postoperative, NULL),
    OPTION("orders", "finding", NULLABLE, orders.finding, NULL),
    OPTION("orders", "noFinding", NULLABLE, orders.no_finding, NULL),
    OPTION("orders", "tls", BOOL, orders.tls, "false"),
    OPTION("orders", "patients", BOOL, orders.patients, "false"),
    OPTION("orders", "issuer", NULLABLE, orders.issuer, NULL),
    OPTION("orderQuery", "peer", NULLABLE, order_query.peer_name, NULL),
    OPTION("orderQuery", "period", INT, order_query.period_seconds, "60"),
    OPTION("orderQuery", "periodMost", INT, order_query.period_most_seconds, "1800"),
    OPTION("orderQuery", "window", INT, order_query.window_seconds, "14400"),
    OPTION("orderQuery", "answerTime", INT, order_query.answer_seconds, "30"),
    OPTION("orderQuery", "matches", INT, order_query.matches, "100"),
    OPTION("orderQuery", "retryFirst", INT, order_query.retry_first_seconds, "1"),
    OPTION("orderQuery", "retryMost", INT, order_query.retry_most_seconds, "300"),
    CHOSEN("readingWorklist", "offer", CHOICE, reading.offer, "none", offers),
    OPTION("readingWorklist", "demo", BOOL, reading.demo, "false"),
    OPTION("readingWorklist", "label", TEXT, reading.label, "READING"),
    OPTION("readingWorklist", "matches", INT, reading.matches, "1000"),
    OPTION("readingWorklist", "queries", INT, reading.queries, "4"),
    OPTION("readingWorklist", "queryTime", INT, reading.query_seconds, "30"),
    OPTION("readingWorklist", "claimTime", INT, reading.claim_seconds, "14400"),
    OPTION("console", "enabled", BOOL, console, "true"),
    OPTION("console", "address", TEXT, console_address, "127.0.0.1"),
    OPTION("console", "port", U16, console_port, "8104"),
    OPTION("console", "accounts", NULLABLE, web.accounts, NULL),
    OPTION("console", "connections", INT, web.connections, "64"),
    OPTION("console", "streams", INT, web.streams, "32"),
    OPTION("console", "requestTime", INT, web.request_seconds, "10"),
    OPTION("console", "answerTime", INT, web.answer_seconds, "60"),
    OPTION("console", "idleTime", INT, web.idle_seconds, "1800"),
    OPTION("console", "sessionTime", INT, web.session_seconds, "43200"),
    OPTION("console", "tries", INT, web.tries, "4"),
    OPTION("console", "tryBytes", U64, web.try_bytes, "209715200"),
    OPTION("console", "tryTime", INT, web.try_seconds, "600"),
    OPTION("console", "triesPerMinute", INT, web.tries_per_minute, "12"),
    OPTION("console", "viewer", NULLABLE, web.viewer, NULL),
    OPTION("console", "dicomweb", BOOL, web.dicomweb, "false"),
    OPTION("console", "certificate", NULLABLE, web.certificate, NULL),
    OPTION("console", "key", NULLABLE, web.key, NULL),
    OPTION("console", "proxies", NULLABLE, web.proxies, NULL),
    OPTION("console", "userHeader", NULLABLE, web.user_header, NULL),
    OPTION("console", "rolesHeader", NULLABLE, web.roles_header, NULL),
    OPTION("console", "viewerGroup", TEXT, web.viewer_group, "viewer"),
    OPTION("console", "readerGroup", TEXT, web.reader_group, "reader"),
    OPTION("console", "adminGroup", TEXT, web.admin_group, "admin"),
    OPTION("log", "level", LEVEL, log_level, "info"),
    OPTION("log", "patientData", BOOL, log_patient_data, "false"),
    CHOSEN("log", "format", CHOICE, log_format, "auto", log_formats),
    OPTION("log", "trace", NULLABLE, log_trace, NULL),
    OPTION("log", "rate", U32, log_rate, "1200"),
};
const size_t conf_option_count = sizeof conf_options / sizeof *conf_options;

#define DESTINATION(attribute, type, field, fallback, names)                                       \
    {                                                                                              \
        "destination", attribute, OPTION_##type, offsetof(struct conf_destination, field),         \
            fallback, names                                                                        \
    }

const char *const conf_output_names[] = {"SR", "SC", "GSPS", "PMAP", NULL};
static const char *const report_classes[] = {"auto", "comprehensive3d", "comprehensive", "enhanced",
                                             NULL};
static const char *const picture_syntaxes[] = {"uncompressed", "rle", "jpegls", NULL};
static const char *const audiences[] = {"radiologists", "everyone", NULL};
static const char *const looks[] = {"auto", "always", "never", NULL};
static const char *const holds[] = {"none", "reported", NULL}; /* of a bool */
_Static_assert(CONF_SR == 1 && CONF_SC == 2 && CONF_GSPS == 4 && CONF_PMAP == 8, "order of names");
_Static_assert(CONF_SR_ENHANCED == 3 && CONF_JPEG_LS == 2 && CONF_EVERYONE == 1 &&
                   CONF_LOOK_NEVER == 2,
               "order of names");

const struct option conf_destination_options[] = {
    DESTINATION("outputs", OUTPUTS, outputs, "SR SC", conf_output_names),
    DESTINATION("reportClass", CHOICE, report_class, "auto", report_classes),
    DESTINATION("pictureSyntax", CHOICE, picture_syntax, "uncompressed", picture_syntaxes),
    DESTINATION("audience", CHOICE, audience, "radiologists", audiences),
    DESTINATION("hold", BOOL, hold_until_reported, "none", holds),
    DESTINATION("latePictures", BOOL, late_pictures, "false", NULL),
    DESTINATION("look", CHOICE, look, "auto", looks),
    DESTINATION("lookMost", INT, look_most_seconds, "7200", NULL),
    DESTINATION("commitment", BOOL, commitment, "false", NULL),
    DESTINATION("commitmentTimeout", INT, commitment_seconds, "3600", NULL),
    DESTINATION("answerTime", INT, answer_seconds, "60", NULL),
    DESTINATION("rate", INT, rate, "0", NULL),
    DESTINATION("window", NULLABLE, window, NULL, NULL),
    DESTINATION("rejectionNotes", BOOL, rejection_notes, "false", NULL),
    DESTINATION("demo", BOOL, demo, "false", NULL),
    DESTINATION("retryFirst", INT, retry_first_seconds, "1", NULL),
    DESTINATION("retryMost", INT, retry_most_seconds, "300", NULL),
};
const size_t conf_destination_option_count =
    sizeof conf_destination_options / sizeof *conf_destination_options;

#define ANNOUNCEMENT(element, attribute, type, field, fallback, names)                             \
    {                                                                                              \
        element, attribute, OPTION_##type, offsetof(struct conf_announcement, field), fallback,    \
            names                                                                                  \
    }
#define EACH(element)                                                                              \
    ANNOUNCEMENT(element, "demo", BOOL, demo, "false", NULL),                                      \
        ANNOUNCEMENT(element, "expire", INT, expire_seconds, "3600", NULL),                        \
        ANNOUNCEMENT(element, "answerTime", INT, answer_seconds, "30", NULL),                      \
        ANNOUNCEMENT(element, "retryFirst", INT, retry_first_seconds, "1", NULL),                  \
        ANNOUNCEMENT(element, "retryMost", INT, retry_most_seconds, "60", NULL)

static const char *const items[] = {"site", "own", NULL}; /* of a bool */
static const char *const versions[] = {"2.3.1", "2.5.1", NULL};
static const char *const characters[] = {"utf-8", "latin-1", "ascii", NULL};
_Static_assert(CONF_HL7_LATIN_1 == 1 && CONF_HL7_ASCII == 2, "order of names");

static const char *const priority_places[] = {"version", "TQ1-9", "ORC-7", "OBR-27", "OBR-5", NULL};
static const char *const number_places[] = {"filler", "placer", "both", NULL};
static const char *const accession_places[] = {"OBX", "OBR-18", "both", NULL};
_Static_assert(CONF_HL7_OBR_5 == 4 && CONF_HL7_BOTH_NUMBERS == 2 && CONF_HL7_BOTH_ACCESSIONS == 2,
               "order of names");

#define PROFILE(attribute, type, field, fallback, names)                                           \
    ANNOUNCEMENT("profile", attribute, type, profile.field, fallback, names)

const struct option conf_announcement_options[] = {
    ANNOUNCEMENT("ups", "name", TEXT, name, NULL, NULL),
    ANNOUNCEMENT("ups", "item", BOOL, own_item, "site", items),
    ANNOUNCEMENT("ups", "workitemCodes", TEXT, workitem_codes, "110005^DCM", NULL),
    ANNOUNCEMENT("ups", "worklistLabel", TEXT, worklist_label, "READING", NULL),
    ANNOUNCEMENT("ups", "lookEvery", INT, look_seconds, "60", NULL),
    EACH("ups"),
    ANNOUNCEMENT("hl7", "name", TEXT, name, NULL, NULL),
    ANNOUNCEMENT("hl7", "host", TEXT, host, NULL, NULL),
    ANNOUNCEMENT("hl7", "port", U16, port, "2575", NULL),
    ANNOUNCEMENT("hl7", "tls", BOOL, tls, "false", NULL),
    ANNOUNCEMENT("hl7", "tlsName", NULLABLE, tls_name, NULL, NULL),
    ANNOUNCEMENT("hl7", "authorities", NULLABLE, authorities, NULL, NULL),
    ANNOUNCEMENT("hl7", "certificate", NULLABLE, certificate, NULL, NULL),
    ANNOUNCEMENT("hl7", "key", NULLABLE, key, NULL, NULL),
    ANNOUNCEMENT("hl7", "results", BOOL, results, "true", NULL),
    ANNOUNCEMENT("hl7", "priority", BOOL, priority, "false", NULL),
    ANNOUNCEMENT("hl7", "version", CHOICE, version, "2.5.1", versions),
    ANNOUNCEMENT("hl7", "characters", CHOICE, characters, "utf-8", characters),
    ANNOUNCEMENT("hl7", "sendingApplication", TEXT, sending_application, "CERVIGATE", NULL),
    ANNOUNCEMENT("hl7", "sendingFacility", TEXT, sending_facility, "", NULL),
    ANNOUNCEMENT("hl7", "receivingApplication", TEXT, receiving_application, "", NULL),
    ANNOUNCEMENT("hl7", "receivingFacility", TEXT, receiving_facility, "", NULL),
    ANNOUNCEMENT("hl7", "service", TEXT, service,
                 "CERVIGATE^Cervical spine radiograph, automatic second look^99CERVIGATE", NULL),
    EACH("hl7"),
    PROFILE("control", TEXT, control, "XO", NULL),
    PROFILE("raised", TEXT, raised, "A^ASAP^HL70485", NULL),
    PROFILE("routine", TEXT, routine, "R^Routine^HL70485", NULL),
    PROFILE("priorityIn", CHOICE, priority_in, "version", priority_places),
    PROFILE("numberIn", CHOICE, number_in, "filler", number_places),
    PROFILE("accessionIn", CHOICE, accession_in, "OBX", accession_places),
    PROFILE("preliminary", TEXT, preliminary, "P", NULL),
    PROFILE("none", TEXT, none, "X", NULL),
    PROFILE("withdrawn", TEXT, withdrawn, "W", NULL),
    PROFILE("outcome", TEXT, outcome, "study-outcome^Outcome of the study^99CERVIGATE", NULL),
    PROFILE("reason", TEXT, reason, "priority-reason^Reason of the reading priority^99CERVIGATE",
            NULL),
    PROFILE("rank", TEXT, rank, "priority-rank^Reading priority^99CERVIGATE", NULL),
    PROFILE("study", TEXT, study, "110180^Study Instance UID^DCM", NULL),
    PROFILE("accession", TEXT, accession, "121022^Accession Number^DCM", NULL),
    PROFILE("report", TEXT, report, "report-uid^SOP Instance UID of the report^99CERVIGATE", NULL),
    PROFILE("model", TEXT, model, "111001^Algorithm Name^DCM", NULL),
    PROFILE("research", TEXT, research, "research^Research^99CERVIGATE", NULL),
    ANNOUNCEMENT("webhook", "name", TEXT, name, NULL, NULL),
    ANNOUNCEMENT("webhook", "url", TEXT, url, NULL, NULL),
    ANNOUNCEMENT("webhook", "secret", NULLABLE, secret, NULL, NULL),
    ANNOUNCEMENT("webhook", "authorities", NULLABLE, authorities, NULL, NULL),
    EACH("webhook"),
};
const size_t conf_announcement_option_count =
    sizeof conf_announcement_options / sizeof *conf_announcement_options;

const char *conf_way_name(enum conf_way way)
{
    static const char *const names[] = {"ups", "hl7", "webhook"};

    return names[way];
}

const char *conf_level_name(int level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return level >= 0 && level <= 3 ? names[level] : "info";
}
