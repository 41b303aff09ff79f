/* The words of the options' table: the node, its doors, its models, its reports. See words.h. */
#include "words.h"

const struct conf_word conf_words_node[] = {
    {"node", NULL, "The node itself."},
    {"node", "aeTitle",
     "1 to 16 characters; under it the node is called and calls. More titles: see <aes>."},
    {"node", "address", "Numeric IPv4 or IPv6 address to listen on; 0.0.0.0: all of IPv4."},
    {"node", "port",
     "DICOM port; 0: any free one (SPOOL/run/node). Under systemd: cervigate.socket's."},
    {"node", "mode",
     "\n"
     "shadow\tresults stay on the node: to watch it before it may speak;\n"
     "demo\tresults go to the destinations with demo=\"true\";\n"
     "clinical\tresults go to all destinations. Refused, with exit status 78, for a model "
     "that learnt from synthetic images or that the site has not validated. What "
     "`cervigate mode` has set since stands above this option."},
    {"node", "spool", "Absolute path: received objects, results, job store."},
    {"node", "model", "Absolute path of a model folder. Two: see <models>."},
    {"node", "manufacturer", "Written into our reports and pictures."},
    {"node", "stationName", "Likewise; at most 16 characters."},
    {"node", "checkCalledAeTitle",
     "true: who calls an AE title that is not the node's is rejected. false: a misspelt "
     "title at a modality loses no study."},
    {"models", NULL, "Two models, in place of <node model=\"...\">, each in a <model> of its own:"},
    {"model", CONF_EXAMPLE,
     "<models>\n"
     "  <model folder=\"/usr/share/cervigate/models/cervigate-phantom\"/>\n"
     "  <model folder=\"/srv/models/second\"/>\n"
     "</models>"},
    {"model", "folder", "Absolute path of a model folder; not the same twice."},
    {"model", "name", "For <rule model> and <ae model>: letters, digits, . _ -"},
    {"models", NULL,
     "Each judges what its card (model.xml) is meant for, and the report says what each of "
     "them found. Where they disagree the answer is \"undetermined\": there is no average. "
     "clinical mode needs a validation of both."},
    {"aes", NULL,
     "AE titles under which the node is called beside that of <node>, at most 16: for "
     "sites that send different things to different titles, on the same port. Results, "
     "questions and orders go out under that of <node>."},
    {"aes", CONF_EXAMPLE,
     "<aes>\n"
     "  <ae aeTitle=\"NECK_ER\" model=\"xray\" dimseTimeout=\"20\"/>\n"
     "  <ae aeTitle=\"NECK_CT\" datasetTime=\"3600\"/>\n"
     "</aes>\n"
     "<rule name=\"er\" action=\"analyze\" ae=\"NECK_ER\"/>"},
    {"ae", "aeTitle",
     "1 to 16 characters; of its own, case aside. Its rules are those with <rule ae>, and "
     "those without ae."},
    {"ae", "model",
     "Name of the <model> of <models> that alone judges what comes there, unless the rule "
     "names one; without it each that its card is meant for."},
    {"ae", "dimseTimeout pduTimeout minimumRate associationTime datasetTime",
     "As in <receive>, whose values hold where they are not given. (acseTimeout and "
     "maximumPdu are due before the title is known.)"},
    {"receive", NULL,
     "How associations are received. What an <ae> of <aes> has of its own stands above it. "
     "docs/limits.md tells what a peer sees at each of these and of <limits>."},
    {"receive", "acseTimeout", "Seconds for the negotiation of an association (1 to 3600)."},
    {"receive", "dimseTimeout", "Seconds that an open association may be silent (1 to 3600)."},
    {"receive", "pduTimeout", "Seconds for the rest of a PDU that has begun (1 to 3600)."},
    {"receive", "minimumRate",
     "Bytes a second within a dataset, over half a minute; slower peers are cut off. 0: no "
     "limit."},
    {"receive", "associationTime",
     "Seconds that an association may last, however lively (1 to 604800); an object that "
     "has begun may end."},
    {"receive", "datasetTime", "Seconds that the transfer of one object may last (1 to 604800)."},
    {"receive", "maximumPdu", "Bytes of a PDU (4096 to 131072); larger is faster."},
    {"tls", NULL,
     "DICOM over TLS (docs/security.md), by BCP 195: TLS 1.2 with ECDHE and AEAD, and TLS "
     "1.3."},
    {"tls", "listen", "true: there is a port for TLS, beside the plain one."},
    {"tls", "port", "The port for TLS; 0: any free port."},
    {"tls", "only", "true: there is no plain port."},
    {"tls", "certificate",
     "Absolute path of a PEM file: the node's certificate, then those between it and its "
     "authority."},
    {"tls", "key",
     "PEM file: its private key, without a passphrase; a file that only the node's user "
     "may read (0600)."},
    {"tls", "authorities",
     "PEM file: the certificates of those whom the node trusts, be they authorities or "
     "peers themselves. Nobody else is trusted."},
    {"tls", "revoked",
     "PEM file: the authorities' revocation lists (CRL). With it, every authority of a "
     "peer needs one that has not ended."},
    {"tls", "clientCertificate",
     "\n"
     "required\twho calls shows a certificate that an authority vouches for;\n"
     "optional\twho shows none may call, too;\n"
     "none\tnone is asked for."},
    {"tls", "leastVersion", "TLS 1.2, or 1.3 only."},
    {"tls", NULL,
     "What stands in the files may be replaced while the node runs: new associations take "
     "it, when it is good; else they go on with what there was, and there is an alarm."},
    {"callers", NULL,
     "Who may call. Not there: everyone who knows the port (and has a certificate, where "
     "that is required). Else whoever is none of these is rejected, and the log tells who, "
     "why, and what to add here. Of a caller all that is given must hold."},
    {"caller", CONF_EXAMPLE,
     "<callers>\n"
     "  <caller aeTitle=\"CT1\" addresses=\"10.1.2.3 10.1.3.0/24\" tls=\"false\"/>\n"
     "  <caller aeTitle=\"DX7\" tls=\"true\" certificate=\"dx7.example.org\"/>\n"
     "</callers>"},
    {"caller", "aeTitle", "The calling AE title; without it any."},
    {"caller", "addresses", "Numeric addresses and networks, blank-separated; without it any."},
    {"caller", "tls", "true: over TLS only. Without it: false."},
    {"caller", "certificate", "Host name or address that its certificate bears; without it any."},
    {"study", NULL, "When a study is complete. A later image gives an amended report."},
    {"study", "quietTime",
     "Seconds without an instance of it after which a study is complete (0 to 86400); the "
     "time does not run while an association that carries the study is open."},
    {"study", "requireC7T1",
     "true: \"no finding\" needs an adequate lateral that shows C7-T1; a study without one "
     "is answered \"no suspicion, incomplete\". false: it does not."},
    {"study", "judgeUnknownAge",
     "true: images whose header tells no age, frequent in trauma, are judged, and the "
     "report says \"age unknown\". false: they are answered with \"not processed\"."},
    {"network", NULL, "The neural network. Scores do not depend on its threads, to the bit."},
    {"network", "threads", "Its threads (0 to 256); 0: all processors."},
    {"report", NULL, "The report, and what is written in pictures."},
    {"report", "language", "en, de, fr or es."},
    {"report", "templates",
     "Absolute path of a folder with the site's own cspine.xml and words.xml; not given: "
     "the built-in ones. `cervigate check` names a row that is wrong."},
    {"report", NULL, "For a PACS that sorts and flags by them, of the report alone:"},
    {"report", "seriesDescription",
     "What follows \"AI - not for diagnosis: \" in its Series Description, at most 30 characters "
     "when "
     "{outcome} is replaced by finding, no-finding, undetermined, incomplete or not-processed, and "
     "{priority} by the study's rank in the reading worklist: HIGH, MEDIUM or LOW, never below its "
     "order's. Both say to everyone who sees the study's list of series what was found: refused "
     "beside "
     "a destination with audience=\"everyone\" that does not hold."},
    {"report", "findingSeriesNumber",
     "Its Series Number when there is a finding that is not known, post-operative or of "
     "priority=\"never\"; 0: 9901, as any report's."},
    {"report", "findingInstances", "Added to its Instance Number then."},
    {"report", NULL, "An amended report with another outcome then stands in a series of its own."},
    {"picture", NULL, "The pictures."},
    {"picture", "maximumMatrix",
     "Longest side, in pixels, of the source half (256 to 8192): both halves of 1536 fit "
     "on a reading monitor; larger ones take archives and networks longer."},
    {"picture", "modality",
     "Their Modality. OT, \"other\": no hanging protocol takes a picture for an image."},
    {"picture", "maximumFrames",
     "Most frames of a multi-frame picture, which a series of slices gets (1 to 1024)."},
    {NULL, NULL, NULL},
};
