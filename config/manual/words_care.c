/* The words of the options' table: limits, and how it is looked after. See words.h. */
#include "words.h"

const struct conf_word conf_words_care[] = {
    {"limits", NULL,
     "Ceilings against damaged and hostile input. Over one of them an object is refused or "
     "put into quarantine with its reason, and the node lives on."},
    {"limits", "associations", "Open associations, all together (1 to 10000)."},
    {"limits", "associationsPerPeer", "Open associations of one host (1 to 10000)."},
    {"limits", "connectionsPerPeer",
     "Connections of one host in a second (1 to 100000); more are refused at once."},
    {"limits", "echoes",
     "C-ECHOs of an association that are answered at once (1 to 100000); then ten a "
     "second."},
    {"limits", "associationCpuTime",
     "Seconds of processor time of an association's process (1 to 604800)."},
    {"limits", "commandBytes",
     "Bytes of a command set (1024 to 65536); over it the association is aborted."},
    {"limits", "nesting", "Levels of sequences in a dataset (1 to 256)."},
    {"limits", "elements", "Elements in a dataset; items, fragments and padding count, too."},
    {"limits", "datasetBytes", "Bytes of a dataset, as received."},
    {"limits", "inflatedBytes",
     "Bytes of a deflated dataset after inflating, which is done in memory."},
    {"limits", "framePixels", "Pixels of a frame."},
    {"limits", "frameBytes", "Bytes of a decoded frame."},
    {"limits", "frames", "Frames of an object."},
    {"limits", "objectMemory", "Bytes of address space of the process that decodes an object."},
    {"limits", "objectCpuTime", "Seconds of processor time of that process."},
    {"limits", "objectWallTime", "Seconds of wall clock of that process."},
    {"limits", "objectAttempts",
     "Children that die over an object, until it is \"not processed\" (1 to 10); its bytes "
     "stay."},
    {"limits", "spoolReserve",
     "Bytes that stay free on the spool's file system; below it C-STORE is answered with "
     "A700, out of resources. Below twice as many, retention makes room."},
    {"limits", "quarantineObjects",
     "Refused objects that quarantine/ keeps (1 to 100000); those that come then are refused as "
     "before, and their bytes removed."},
    {"limits", "quarantineBytes",
     "Bytes of quarantine/, likewise; one that does not fit any more is not kept. 0: none is."},
    {"retention", NULL,
     "How long the spool keeps what is done; days, 1 to 36500. Nothing goes whose results "
     "are not delivered yet (pending or held) or whose study is open. What goes are files: "
     "the job store remembers each object and result by its UIDs, so that one that comes "
     "again starts nothing. docs/operations.md tells more; `cervigate forget` removes a "
     "patient at once."},
    {"retention", "objects",
     "Days of a received object, from the last delivery of its results, or from its "
     "receipt when there is nothing to deliver."},
    {"retention", "results", "Days of a report's or picture's file, likewise."},
    {"retention", "parked",
     "Days that a copy which a destination refused for good waits for a person (`cervigate "
     "jobs list` shows it); then it expires, and the log and the audit log say so."},
    {"retention", "quarantine", "Days of refused bytes, from their receipt."},
    {"retention", "rows",
     "Days that the job store remembers a study after its last file went. What comes again "
     "after them is a new object."},
    {"retention", "space",
     "Bytes that received objects and results may take together; 0: no limit. Above it, and "
     "while less than twice spoolReserve is free, the oldest that are done go before their "
     "days are over, objects first."},
    {"health", NULL,
     "The node's watch over itself (docs/health.md): what it finds is told by `cervigate "
     "status`, by /healthz and as \"alarm\" lines of the log."},
    {"health", "checkEvery", "Seconds between two looks at the figures."},
    {"health", "selfTestEvery",
     "Seconds between two self-tests (1 to 604800); one is made at every start."},
    {"health", "selfTestRetry",
     "Seconds from a self-test that failed to the next. Until one passes, every study is "
     "answered \"not processed: software failure\"."},
    {"health", "oldestJob",
     "Seconds that an object, a report or a delivery may wait (1 to 604800)."},
    {"health", "silence",
     "Hours without a study, of those hours of the week in which a station usually sends "
     "(1 to 168); with silenceExpected an alarm."},
    {"health", "silenceExpected",
     "Studies that it would have sent in them (1 to 1000): both together are an alarm."},
    {"health", "reference",
     "Studies from which a model's flag rate and scores are learnt (50 to 10000); as many "
     "associations, for the rate of refusals. `cervigate status relearn` begins anew."},
    {"health", "minimum",
     "Studies after those of the reference before there is an alarm (1 to 10000)."},
    {"health", "cusumLimit",
     "Evidence for a shift, in nats, that is an alarm (4 to 60): in 10000 studies without "
     "a shift one chart raises a false one with at most the chance 10000 / e^limit, at 14 "
     "under 1 %."},
    {"health", "oddsRatio",
     "The shift of a rate that is looked for: its odds times, or divided by, this (2 to "
     "20)."},
    {"health", "scoreShift",
     "The shift of scores that is looked for, in hundredths of a standard deviation (10 to "
     "300)."},
    {"health", "certificateDays",
     "Days before a certificate of <tls> ends from which on it is an alarm."},
    {"audit", NULL,
     "The audit log: who did what with whose images, in files below the spool that are "
     "chained by digests (`cervigate audit verify`), and, where a collector is named, as "
     "DICOM audit messages (PS3.15 A.5) over syslog. What the collector has not got waits "
     "in the log: docs/operations.md."},
    {"audit", "keep", "Days that a file of the log stays (1 to 36500); 2190 are six years."},
    {"audit", "fileBytes",
     "Bytes of a file of the log from which on the next record begins a new one (65536 to "
     "1073741824); every day (UTC) begins one, too."},
    {"audit", "sourceId", "What the node calls itself in the messages; without it, its AE title."},
    {"audit", "siteId", "The site's name in them; may be left out."},
    {"audit", "host", "The collector; without it nothing is sent."},
    {"audit", "port", "Its port; 6514 is registered for syslog over TLS."},
    {"audit", "transport",
     "tls, version 1.2 or later. tcp is in the clear, and only to this machine."},
    {"audit", "serverName", "The name that its certificate must have; without it, host."},
    {"audit", "ca",
     "Absolute path of a file of certificates that are trusted; without it, the system's."},
    {"audit", "certificate",
     "Absolute path of the node's own certificate, with its chain: where the collector "
     "asks for one."},
    {"audit", "key", "Absolute path of its private key, which only the node's user may read."},
    {"audit", "facility", "Syslog facility; 10 is security."},
    {"audit", "undrained",
     "Hours that a record may wait for the collector (1 to 8760); then the node is not "
     "well."},
    {"console", NULL,
     "The web console (docs/console.md): HTTP for this machine or a proxy on it, or TLS "
     "for all."},
    {"console", "enabled", "false: none."},
    {"console", "address",
     "Numeric address to listen on; 127.0.0.1: this machine only, which <accounts> need."},
    {"console", "port", "Its port; 0: any free port."},
    {"console", "accounts",
     "Absolute path of the file of those who may log in, which `cervigate user` writes. "
     "Without it the console only tells how the node is."},
    {"console", "connections", "Connections at a time (1 to 200); one too many is answered 503."},
    {"console", "streams", "Pages that follow the list at a time (1 to 200)."},
    {"console", "requestTime",
     "Seconds (1 to 86400) that a connection has for bringing a whole request, or the "
     "next."},
    {"console", "answerTime", "Seconds (1 to 86400) that it has for taking an answer."},
    {"console", "idleTime",
     "Seconds (60 to 604800) without anything that a person did after which he is logged "
     "out."},
    {"console", "sessionTime",
     "Seconds (60 to 604800) after the login after which he is logged out."},
    {"console", "tries",
     "Images that people try on the page at a time (0 to 16), those on their way and those "
     "that wait; one too many is answered 503. 0: nobody may."},
    {"console", "tryBytes",
     "Bytes of one image that is tried (1024 to 1073741824); more is answered 413."},
    {"console", "tryTime", "Seconds for sending one (1 to 86400)."},
    {"console", "triesPerMinute", "Images of one session in a minute (1 to 200)."},
    {"console", "viewer", "Address of a study in the site's viewer, with {study} for its UID."},
    {"console", "dicomweb",
     "true: who may log in reads the node's own results by DICOMweb, below /dicomweb; "
     "programs with HTTP Basic (docs/dicomweb.md)."},
    {"console", "certificate",
     "PEM file of the console's certificate, with those between it and its authority: it "
     "speaks TLS, by the rules of <tls>, and may listen elsewhere than on this machine."},
    {"console", "key", "PEM file of its private key, which only the node's user may read."},
    {"console", "proxies",
     "Numeric addresses of reverse proxies, with blanks between; this machine's need not "
     "be named for X-Forwarded-For, but for userHeader."},
    {"console", "userHeader",
     "Header in which they name the user: nobody is asked for a password."},
    {"console", "rolesHeader",
     "Header in which they name his groups, with blanks or commas between; without it his "
     "role is that of his account."},
    {"console", "viewerGroup readerGroup adminGroup", "What the groups of the roles are called."},
    {"log", NULL,
     "The log: one line an event. docs/messages.md has every message with its cause and remedy."},
    {"log", "level", "debug, info, warn or error."},
    {"log", "patientData", "true: debug lines may hold patient data."},
    {"log", "format",
     "auto\tunder journald its own protocol, with a field for each key (journalctl "
     "CALLING_AE=CT1); "
     "else text;\n"
     "text, json\tlines on standard error;\n"
     "journal\tjournald, whatever standard error is."},
    {"log", "trace",
     "Areas whose debug lines are written, too, blank-separated: node, receive, analyze, results, "
     "deliver, worklist, orders, console, audit, store, dicom; without it none. A reload changes "
     "it; what is under way goes on."},
    {"log", "rate",
     "Warnings and errors of one message a minute that are written, of the whole node (0 to "
     "1000000); what is dropped is counted. 0: no limit."},
    {NULL, NULL, NULL},
};
