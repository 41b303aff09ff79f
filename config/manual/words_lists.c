/* The words of the options' table: whom it tells, and what rules decide. See words.h. */
#include "words.h"

const struct conf_word conf_words_lists[] = {
    {"announcements", NULL,
     "Who is told of a study's place in the reading worklist, and why it has it; at most "
     "16, in any order (docs/worklist.md). In shadow mode nobody is. <ups>: a workflow "
     "manager, by DICOM's Unified Procedure Step. <hl7>: a system that takes HL7 version 2 "
     "(MLLP). <webhook>: a web service that gets JSON: UIDs, outcome and priority, no "
     "patient data."},
    {"announcements", CONF_EXAMPLE,
     "<announcements>\n"
     "  <ups name=\"ris\" peer=\"ris\" item=\"site\" workitemCodes=\"110005^DCM\" "
     "worklistLabel=\"READING\"/>\n"
     "  <hl7 name=\"ai\" host=\"hl7.example.org\" port=\"2575\" tls=\"false\" "
     "results=\"true\"\n"
     "       priority=\"false\" version=\"2.5.1\" characters=\"utf-8\">\n"
     "    <profile raised=\"A^ASAP^HL70485\" accessionIn=\"OBX\"/>\n"
     "  </hl7>\n"
     "  <webhook name=\"chat\" url=\"https://hooks.example.org/neck\" "
     "secret=\"/etc/cervigate/hook\"/>\n"
     "</announcements>"},
    {"ups hl7 webhook", "name", "Letters, digits, . _ - ; of its own."},
    {"ups hl7 webhook", "demo", "true: told in demo mode, too, marked RESEARCH."},
    {"ups hl7 webhook", "expire",
     "Seconds (1 to 86400) after which news is stale and told no more."},
    {"ups hl7 webhook", "answerTime", "Seconds (1 to 86400) that an answer may take."},
    {"ups hl7 webhook", "retryFirst retryMost",
     "Seconds until the first retry, doubled each time, and between two at most (1 to "
     "86400)."},
    {"ups", "peer", "Name of a peer; one with url is told by UPS-RS."},
    {"ups", "item",
     "\n"
     "site\tthe priority of the site's own item of that study is set, where there is one "
     "that is still scheduled; else the node makes one of its own;\n"
     "own\talways one of its own."},
    {"ups", "workitemCodes",
     "The Scheduled Workitem Codes (0040,4018) by which the site's own item is a reading: 1 to 16, "
     "each value^coding system, with a space between two. An item without a code is one, too, "
     "where "
     "the study has no other."},
    {"ups", "worklistLabel", "Worklist Label of the node's own items."},
    {"ups", "lookEvery",
     "Seconds (0 to 86400): so often at most it is asked whether a study of the list has "
     "been read there, its item COMPLETED: it leaves the list; 0: never."},
    {"hl7", "host port", "Its name or address, and port; 2575 is registered for it."},
    {"hl7", "tls",
     "true: over TLS; it must show a certificate that one of authorities vouches for."},
    {"hl7 webhook", "authorities",
     "Absolute path of a file of certificates that are trusted, PEM; without it, the "
     "system's."},
    {"hl7", "tlsName", "The name that its certificate must bear, if not the host."},
    {"hl7", "certificate key",
     "Absolute paths of the node's own certificate, with those between it and its authority, and "
     "of its key, both PEM; shown to a receiver that asks for one (mutual TLS, as ITI-19 of IHE "
     "ATNA has it). Only the node's user may read the key. Both or neither; they may be those of "
     "<tls>. Read anew for each message: a renewal needs no reload."},
    {"hl7", "results", "true: it is told what was found: ORU^R01, preliminary."},
    {"hl7", "service", "OBR-4 of the node's own results: code^text^coding system."},
    {"hl7", "priority",
     "true: the order's priority is changed there: ORM^O01 (2.3.1), OMI^O23 (2.5.1)."},
    {"hl7", "version", "2.3.1 or 2.5.1."},
    {"hl7", "characters",
     "utf-8, latin-1 or ascii; what these do not have becomes a question mark."},
    {"hl7", "sendingApplication sendingFacility receivingApplication receivingFacility",
     "MSH-3 to 6."},
    {"hl7", NULL,
     "<profile>, inside <hl7>: what receivers have their own way with (docs/hl7.md). Codes "
     "are code^text^coding system."},
    {"profile", "control", "ORC-1 of a change of priority."},
    {"profile", "raised routine", "The priority of a raise, and of one taken back; never STAT."},
    {"profile", "priorityIn",
     "version: TQ1-9 of 2.5.1, ORC-7 and OBR-27 of 2.3.1; or one of TQ1-9, ORC-7, OBR-27, "
     "OBR-5."},
    {"profile", "numberIn",
     "Of the node's own results: filler (ORC-3, OBR-3), placer (ORC-2, OBR-2), both."},
    {"profile", "accessionIn", "Of results: OBX, OBR-18, both."},
    {"profile", "preliminary none withdrawn",
     "OBR-25 and OBX-11 of a result, of none, and of one taken back: P, R or I, never F or "
     "C; X or I; W, D or X."},
    {"profile", "outcome reason rank study accession report model research",
     "OBX-3 of the rows; all but outcome, study and research may be empty: there is no "
     "such row then."},
    {"webhook", "url", "https:// (http:// to this machine only)."},
    {"webhook", "secret",
     "Absolute path of a file whose first line is the key of an HMAC-SHA-256 over the "
     "body; only the node's user may read it. Without it unsigned, which `cervigate check` warns "
     "of."},
    {"rules", NULL,
     "What happens to a received object: the first rule whose matches ALL hold decides. An "
     "object that no rule takes is ignored: counted and audited, nothing is sent. The "
     "node's own results that come back, and rejection notes (Key Object Selections that "
     "reject an image), are recognised before any rule: they need none. docs/rules.md has "
     "it all as tables."},
    {"rule", "name", "For logs and `cervigate rules test`; of its own."},
    {"rule", "action",
     "\n"
     "analyze\tjudge and answer;\n"
     "store\tkeep, answer nothing;\n"
     "ignore\tcount only."},
    {"rule", "ae",
     "AE title of <node> or of an <ae>: only what was sent to it. Without it: what was "
     "sent to any."},
    {"rule", NULL, "Of what it analyzes a rule may narrow what comes of it, and never widens it:"},
    {"rule", "model",
     "Name of the only model that judges: <model name=\"...\" folder=\"...\"/> of "
     "<models>. Without it each model that its card is meant for."},
    {"rule", "destinations", "Peers of <destination>s, blank-separated; without it all."},
    {"rule", "announcements",
     "Names of <announcements>, blank-separated, that are told of the study; \"\" none; without "
     "it all."},
    {"rule", "outputs", "Of SR, SC, GSPS and PMAP; without it all that the destination gets."},
    {"rule", "bodyPart",
     "\n"
     "header\ta Body Part Examined that is another refuses an image;\n"
     "pixels\tit does not, where the model has a gate that looks at the pixels."},
    {"rule", "priority",
     "\n"
     "raise\ta finding raises its study in the reading worklist;\n"
     "never\tit does not. A study is raised when one of its findings is of a rule that "
     "raises."},
    {"rule", NULL,
     "Several rules in one study: a destination gets an output of the study when the rule "
     "of one of its images gives it that; and what it has got of a study is amended there, "
     "even if no rule would give it any more. So it is with who is told of it."},
    {"match", "attribute",
     "DICOM keyword: Modality, SOPClassUID, BodyPartExamined, StudyDescription, "
     "SeriesDescription, ProtocolName, ViewPosition, PresentationIntentType, ImageType "
     "(ORIGINAL or DERIVED), StationName, PatientAge, Rows, Columns, ...; the code values "
     "of ViewCodeSequence and AnatomicRegionSequence; CallingAETitle and CalledAETitle, of "
     "the association that brought the object."},
    {"match", "values", "One of these, blank-separated, is the attribute's value; or"},
    {"match", "pattern",
     "this POSIX extended regular expression is found in it, without back-references; or"},
    {"match", "least most",
     "it is a number, and within these (one or both). PatientAge, if it is missing from "
     "the dates of birth and study, in whole years, or with a unit: least=\"16\" "
     "most=\"18M\" \"6W\" \"10D\"."},
    {"match", NULL,
     "Case does not matter; a missing attribute is empty text, and no number; a rule "
     "without a match takes everything. Text is UTF-8 here, and compared so, whatever the "
     "object's character set is. `cervigate rules test FILE.dcm` tells which rule takes an "
     "object, why the others do not, and what comes of it. After a reload, what is judged "
     "from then on goes by the new rules; what has been judged keeps what the old ones "
     "gave it."},
    {NULL, NULL, NULL},
};
