/* conformance.h: the parts of the DICOM conformance statement (PS3.2 annex N), each printed from
 * the table by which the node works. The text between them is conformance.md. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "conf.h"
#include "srt.h"
#include <jansson.h>
#include <stdio.h>

struct statement {
    const struct conf *conf;
    const struct srt_template *template_;
};

typedef void conformance_part(const struct statement *statement, FILE *out);
/* conformance_services.c: who calls us, and whom we call. */
conformance_part conformance_content, conformance_overview, conformance_storage_classes,
    conformance_syntaxes, conformance_services, conformance_proposals, conformance_store_statuses,
    conformance_verdicts, conformance_step_statuses, conformance_read_attributes;
/* conformance_keys.c: what the identifiers that we send hold. */
conformance_part conformance_keys_of_orders, conformance_keys_of_steps;
/* conformance_site.c: what the configuration says. */
conformance_part conformance_aes, conformance_policies, conformance_tls, conformance_audit,
    conformance_callers, conformance_peers, conformance_destinations, conformance_announcements;
/* conformance_objects.c: what we make. */
conformance_part conformance_results, conformance_attributes, conformance_codes, conformance_rows;

/* Of the same tables, for programs; NULL: no memory. */
json_t *conformance_json(const struct statement *statement);

#endif
