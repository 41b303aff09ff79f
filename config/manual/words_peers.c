/* The words of the options' table: whom it talks to. See words.h. */
#include "words.h"

const struct conf_word conf_words_peers[] = {
    {"peers", NULL,
     "The systems that the node talks to, at most 64: by DICOM, with title, host and port; "
     "or an archive with DICOMweb, with url."},
    {"peer", "name",
     "For destinations and commands (`cervigate echo pacs`): letters, digits, . _ -"},
    {"peer", "aeTitle", "Its AE title, 1 to 16 characters."},
    {"peer", "host", "Its name or address."},
    {"peer", "port", "Its port (1 to 65535)."},
    {"peer", "tls",
     "true: it is called over TLS, and must show a certificate that one of <tls "
     "authorities> vouches for. The node shows its own where it is asked to. Without it: "
     "false."},
    {"peer", "tlsName", "The name or address that its certificate must bear, if not the host."},
    {"peer", "url",
     "An archive with DICOMweb: where STOW-RS and QIDO-RS begin, that is, what stands "
     "before /studies: https, or http, without user and query. With https its certificate "
     "must bear the address's host, and one of <tls authorities> must vouch for it."},
    {"peer", "user", "User of Basic authentication, with passwordFile."},
    {"peer", "passwordFile tokenFile",
     "Absolute path of a file (0600, the node's user's) with the password, or a bearer "
     "token, as its first line; read anew for each batch. Only over https, or to this "
     "machine."},
    {"destinations", NULL, "Where results go."},
    {"destination", "peer", "Name of a peer; each at most once."},
    {"destination", "outputs",
     "Any of, blank-separated:\n"
     "SR\tthe coded report;\n"
     "SC\tthe saliency picture;\n"
     "GSPS\tthe most salient region, drawn on the original, where viewers take it;\n"
     "PMAP\tthe saliency map as numbers (Parametric Map)."},
    {"destination", "reportClass",
     "SOP class of the report: comprehensive3d (Comprehensive 3D SR), comprehensive "
     "(Comprehensive SR) or enhanced (Enhanced SR); auto: the first of these that the peer "
     "takes."},
    {"destination", "pictureSyntax",
     "Transfer syntax of the pictures: uncompressed, rle or jpegls. What the peer does not "
     "take is sent uncompressed."},
    {"destination", "audience",
     "\n"
     "radiologists\ta workstation, or an archive of results;\n"
     "everyone\tthe main archive, which every web viewer's user sees: check warns of it, "
     "unless hold=\"reported\"."},
    {"destination", "hold",
     "\n"
     "none\tresults go there at once;\n"
     "reported\tnot before the study has a report of somebody else's."},
    {"destination", "latePictures",
     "false: no picture goes into a study that has a report of somebody else's."},
    {"destination", "look",
     "Whether the peer is asked for the images first, by C-FIND (Study Root) or QIDO-RS: a "
     "result that is there before its images would open a study of its own, and one whose "
     "patient was corrected meanwhile would stand beside the wrong name.\n"
     "auto\twhere the peer answers that;\n"
     "always\tnothing goes there unless it does;\n"
     "never\tnot asked."},
    {"destination", "lookMost",
     "Seconds (1 to 604800); what was looked for in vain is then parked, with an alarm."},
    {"destination", "commitment",
     "true: delivered is only what the peer has committed to keep (Storage Commitment, "
     "Push Model). Its answer may come on an association of its own: the peer must know "
     "this node's aeTitle, address and port."},
    {"destination", "commitmentTimeout",
     "Seconds (1 to 604800) without an answer until it is asked anew."},
    {"destination", "answerTime",
     "Seconds (1 to 600) that an answer by DICOM may take; then the association is aborted, "
     "and what was not answered is tried again."},
    {"destination", "rate", "Objects a minute at most (0 to 60000; 0: no limit)."},
    {"destination", "window",
     "Local hours in which results go there, as in 22:00-06:00; those of a study with a "
     "finding go at any time."},
    {"destination", "rejectionNotes",
     "true: the peer honours rejection notes (IHE IOCM), so that what we take back "
     "disappears there. false: it gets the corrected report only."},
    {"destination", "demo", "true: in demo mode, too."},
    {"destination", "retryFirst",
     "Seconds until the first retry (1 to 86400); doubled each time up to retryMost."},
    {"destination", "retryMost",
     "Seconds between two retries at most (1 to 86400). Delivery is tried until it "
     "succeeds or a person cancels it; what a peer refuses for good is parked."},
    {"priority", NULL,
     "The order in which studies are to be read (docs/priority.md); it is only ever "
     "raised."},
    {"priority", "ageing",
     "Seconds (1 to 604800): a study is passed only by what came at most so much later, "
     "and by a STAT. Longer than the longest wait, or the raise is gone when it is needed."},
    {"priority", "delay",
     "Seconds (1 to 604800) that a study waits at most because of others: so long after the first "
     "that came later was read before it, no other passes it but a STAT."},
    {"priority", "list",
     "Studies of the list that are shown and searched at most (10 to 100000): those that are to be "
     "read first. Where there are more, who looks is told."},
    {"priority", "knownDays",
     "Days for which a patient's finding is known, so that another one raises nothing (0 "
     "to 3650; 0: never)."},
    {"orders", NULL,
     "What the site says of its orders, by HL7 version 2 over MLLP (docs/hl7.md): "
     "priority, numbers, that a study has been read; and of patients. Without tls in the "
     "clear: not over a network that others share."},
    {"orders", "listen", "true: it is listened to."},
    {"orders", "address port",
     "Numeric address, and port, to listen on; 2575 is registered for it."},
    {"orders", "from",
     "Addresses and networks that may call, as in <callers>; without it, this machine."},
    {"orders", "connections", "Connections at a time (1 to 256)."},
    {"orders", "messageBytes", "Bytes of a message (1024 to 1048576); a longer one is refused."},
    {"orders", "idleTime",
     "Seconds (1 to 86400) without a whole message after which a connection is ended."},
    {"orders", "postoperative",
     "Regular expression (as in <rules>), letter case aside: an order whose procedure "
     "(OBR-4) matches is post-operative, and its findings raise nothing."},
    {"orders", "finding",
     "Regular expression (likewise): a final report (ORU, OBR-25 F or C) says that there is an "
     "injury where one of its rows, OBX-3 \": \" OBX-5, matches: the outcomes of the console "
     "compare that with the node's answer (docs/console.md). Meant for coded rows: \"no fracture\" "
     "has a fracture in it. Rows of 1024 bytes and more are passed over."},
    {"orders", "noFinding",
     "Likewise: it says that there is none. Rows of both: it is not compared."},
    {"orders", "tls",
     "true: callers use TLS, with the files, versions and clientCertificate of <tls> "
     "(whose listen is for DICOM alone); who calls in plain is not heard."},
    {"orders", "patients",
     "true: messages of patients (ADT) correct name, ID, birth date and sex in what the "
     "node tells from then on. They must be the same that the archive gets: it corrects "
     "itself what it has. false: they are refused."},
    {"orders", "issuer",
     "Who assigned a Patient ID that comes without an issuer, in images and messages. "
     "Without it such an ID is not known to be the same as one with an issuer, and nothing "
     "is corrected by it."},
    {"orders", CONF_EXAMPLE,
     "<orders listen=\"true\" from=\"10.1.2.0/24\" postoperative=\"post-?op|control after "
     "fusion\"/>\n"
     "<orders listen=\"true\" from=\"10.1.2.0/24\" finding=\"^CSPINE\\^.*: (FX|DISL)\\^\" "
     "noFinding=\"^CSPINE\\^.*: NEG\\^\"/>\n"
     "<orders listen=\"true\" from=\"10.1.2.0/24\" tls=\"true\" patients=\"true\" "
     "issuer=\"HOSP\"/>"},
    {"orderQuery", NULL,
     "The site's Modality Worklist (DICOM): it is asked for the orders of studies that "
     "stand unread in the reading worklist and have no order whose priority is known "
     "(docs/worklist/orders.md). What it says counts as an order by HL7 does; <orders "
     "postoperative> holds for it, too. Works beside <orders> and without."},
    {"orderQuery", "peer", "Name of a peer; without it nobody is asked."},
    {"orderQuery", "period",
     "Seconds (1 to 86400) until a study without an answer is asked about again; doubled "
     "each time up to periodMost."},
    {"orderQuery", "periodMost",
     "Seconds between two questions about a study at most (1 to 86400)."},
    {"orderQuery", "window",
     "Seconds (1 to 604800) after its first image in which a study is asked about: most "
     "worklists drop an order once its images are taken."},
    {"orderQuery", "answerTime",
     "Seconds (1 to 86400) that an association, and an answer, may take."},
    {"orderQuery", "matches",
     "Of one question at most (1 to 1000); where there are more, none counts."},
    {"orderQuery", "retryFirst retryMost",
     "Seconds until the peer is tried again after a failure, doubled each time."},
    {"orderQuery", CONF_EXAMPLE, "<orderQuery peer=\"ris\"/>"},
    {"readingWorklist", NULL,
     "The reading worklist for those who ask: DICOM Unified Procedure Step, for sites "
     "without a workflow manager (docs/worklist/asked.md). Who may ask: <callers>, as for "
     "images. In shadow mode nobody."},
    {"readingWorklist", "offer",
     "\n"
     "none\tnobody may ask;\n"
     "query\tthe list may be read (UPS Query, C-FIND);\n"
     "pull\tstudies may be claimed and completed, too (UPS Pull, C-FIND, N-GET, N-SET, "
     "N-ACTION): what is completed leaves the list."},
    {"readingWorklist", "demo", "true: answered in demo mode, too, marked RESEARCH."},
    {"readingWorklist", "label", "Worklist Label (0074,1202) of the items."},
    {"readingWorklist", "matches",
     "Items of an answer at most (1 to 10000): the first in the list's order, and then "
     "A700."},
    {"readingWorklist", "queries", "Queries at a time (1 to 64); one more is answered A700."},
    {"readingWorklist", "queryTime", "Seconds that a query may take (1 to 600)."},
    {"readingWorklist", "claimTime",
     "Seconds (60 to 604800): a study that is claimed, and of which its reader says "
     "nothing for so long, is scheduled anew."},
    {NULL, NULL, NULL},
};
