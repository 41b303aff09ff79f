/* What is negotiated: of who calls us, and when we call. */
#include "conformance.h"
#include "dx_commitment.h"
#include "dx_scu.h"
#include "dx_services.h"
#include "dx_ups_scp.h"
#include "proposed.h"
#include "report_class.h"
#include "sender.h"
#include <stdlib.h>
#include <string.h>

#define PROPOSALS_MOST 128 /* contexts that an association has room for: PS3.8 9.3.2.2 */

/* Whether it is answered, by the configuration: UPS is where it has the service, whatever the mode.
 */
static bool is_offered(const struct conf *conf, const char *sop_class)
{
    const struct dx_service *service = dx_service_of(sop_class);
    if (service == NULL)
        return dx_is_storage_class(sop_class);
    if (service->kind == DX_SERVICE_UPS_PULL)
        return conf->reading.offer == CONF_OFFER_PULL;
    return service->kind != DX_SERVICE_UPS_QUERY || conf->reading.offer != CONF_OFFER_NONE;
}

/* ---- as SCP ---- */

void conformance_storage_classes(const struct statement *s, FILE *out)
{
    static struct dx_named list[DX_NAMED_MOST];
    size_t count = dx_storage_classes(list, DX_NAMED_MOST);
    (void)s;
    fputs("| SOP class | SOP class UID |\n|---|---|\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s |\n", list[i].name, list[i].uid);
}

void conformance_syntaxes(const struct statement *s, FILE *out)
{
    static struct dx_named list[DX_NAMED_MOST];
    size_t count = dx_storable_syntaxes(list, DX_NAMED_MOST);
    (void)s;
    fputs("| transfer syntax | UID | kept | judged |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | yes | %s |\n", list[i].name, list[i].uid,
                dx_is_decodable_syntax(list[i].uid) ? "yes" : "no");
}

void conformance_services(const struct statement *s, FILE *out)
{
    fputs(
        "| SOP class | SOP class UID | role of this node | messages | transfer syntaxes | in this "
        "configuration |\n|---|---|---|---|---|---|\n",
        out);
    for (size_t i = 0; i < dx_service_count; i++) {
        const struct dx_service *service = &dx_services[i];
        fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", service->name, service->sop_class,
                service->as_scu ? "SCU (answers to its requests)" : "SCP", service->messages,
                service->implicit_only ? "Implicit VR Little Endian" : "as for storage",
                is_offered(s->conf, service->sop_class) ? "yes" : "no");
    }
}

void conformance_store_statuses(const struct statement *s, FILE *out)
{
    static const struct {
        unsigned status;
        const char *meaning, *when;
    } rows[] = {
#define X(name, status, meaning, when) {status, meaning, when},
        DX_STORE_STATUS_MAP(X)
#undef X
    };
    (void)s;
    fputs("| status | meaning | when |\n|---|---|---|\n", out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(out, "| %04X | %s | %s |\n", rows[i].status, rows[i].meaning, rows[i].when);
}

void conformance_step_statuses(const struct statement *s, FILE *out)
{
    static const struct {
        unsigned status;
        const char *operations, *when;
    } rows[] = {
#define X(name, status, operations, when) {status, operations, when},
        DX_UPS_STATUS_MAP(X)
#undef X
    };
    (void)s;
    fputs("| status | of | when |\n|---|---|---|\n", out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(out, "| %04X | %s | %s |\n", rows[i].status, rows[i].operations, rows[i].when);
}

void conformance_read_attributes(const struct statement *s, FILE *out)
{
    static uint32_t list[DX_READ_ATTRIBUTES];
    char name[65];
    (void)s;
    for (int copied = 1; copied >= 0; copied--) {
        size_t count = dx_read_attributes(copied != 0, list, DX_READ_ATTRIBUTES);
        fprintf(out, "%s: ",
                copied ? "**Of patient and study**, copied into results"
                       : "\n**Of series and image**, looked at");
        for (size_t i = 0; i < count; i++) {
            dx_tag_name(list[i], name);
            fprintf(out, "%s%s (%04X,%04X)", i > 0 ? ", " : "", name, list[i] >> 16,
                    list[i] & 0xffffu);
        }
        fputs(".\n", out);
    }
}

/* ---- as SCU ---- */

struct proposing {
    const char *what, *when;
    size_t count;
    struct dx_scu_context all[PROPOSALS_MOST];
};

static void propose(struct proposing *to, const char *what, const char *when,
                    const struct dx_scu_context *contexts, size_t count)
{
    *to = (struct proposing){.what = what, .when = when};
    to->count = dx_scu_proposals(contexts, count, to->all, PROPOSALS_MOST);
    if (to->count > PROPOSALS_MOST)
        to->count = PROPOSALS_MOST;
}

/* All that a batch of results may hold. */
static size_t result_contexts(struct dx_scu_context contexts[PROPOSALS_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < report_class_count; i++) {
        const struct report_class *class_ = &report_classes[i];
        const char *syntaxes[1 + PROPOSED_PICTURES] = {DX_SYNTAX_EXPLICIT};
        size_t pictures = class_->kind == RESULT_SC ? PROPOSED_PICTURES : 0;
        memcpy(syntaxes + 1, proposed_pictures, sizeof proposed_pictures);
        for (size_t j = 0; j < 1 + pictures; j++, count++) {
            snprintf(contexts[count].sop_class, DX_UID_MAX, "%s", class_->uid);
            snprintf(contexts[count].transfer_syntax, DX_UID_MAX, "%s", syntaxes[j]);
        }
    }
    return count;
}

enum { PROPOSINGS = 6 };
static void list_proposings(struct proposing list[PROPOSINGS])
{
    struct dx_scu_context contexts[PROPOSALS_MOST];
    size_t count = result_contexts(contexts);
    propose(&list[0], "sends results (C-STORE)",
            "those of its SOP classes that the batch holds, to `<destination>`s with an AE title",
            contexts, count);
    propose(&list[1], "looks for the original (C-FIND, Study Root)",
            "beside the former, where `look` is not `never`", &proposed_look, 1);
    propose(&list[2], "asks for commitment (N-ACTION)", "where `commitment` is true",
            &proposed_commitment, 1);
    propose(&list[3], "tells a workflow manager (UPS: N-CREATE, N-SET, N-GET, N-ACTION, C-FIND)",
            "`<announcements><ups>`", proposed_news, PROPOSED_NEWS);
    propose(&list[4], "asks for orders (C-FIND, Modality Worklist)", "`<orderQuery peer>`",
            &proposed_orders, 1);
    propose(&list[5], "asks whether a peer is there (C-ECHO)",
            "`cervigate echo` and the console's button", NULL, 0);
}

void conformance_proposals(const struct statement *s, FILE *out)
{
    static struct proposing list[PROPOSINGS];
    (void)s;
    list_proposings(list);
    for (size_t i = 0; i < PROPOSINGS; i++) {
        fprintf(out,
                "%s**The node %s**: %s.\n\n| SOP class | SOP class UID | transfer syntax | UID "
                "|\n|---|---|---|---|\n",
                i > 0 ? "\n" : "", list[i].what, list[i].when);
        for (size_t j = 0; j < list[i].count; j++) {
            const struct dx_scu_context *context = &list[i].all[j];
            fprintf(out, "| %s | %s | %s | %s |\n", dx_name_of(context->sop_class),
                    context->sop_class, dx_name_of(context->transfer_syntax),
                    context->transfer_syntax);
        }
    }
}

void conformance_verdicts(const struct statement *s, FILE *out)
{
    static const uint16_t statuses[] = {0x0000, 0x0107, 0x0110, 0x0111, 0x0117,
                                        0x0122, 0x0124, 0x0211, 0x0213, 0xa700,
                                        0xa900, 0xb000, 0xb006, 0xb007, 0xc000};
    static const char *const words[] = {
        [VERDICT_DELIVERED] = "stored",
        [VERDICT_LATER] = "tried again, and what follows waits",
        [VERDICT_REFUSED] = "parked with its reason, and an alarm; a person decides",
    };
    (void)s;
    fputs("| C-STORE answered | the node takes it as |\n|---|---|\n", out);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        fprintf(out, "| %04X | %s |\n", statuses[i], words[sender_verdict(statuses[i])]);
}

/* ---- both ---- */

/* Whether the class was proposed before the j-th of list[p]. */
static bool is_told(const struct proposing *list, size_t p, size_t j)
{
    const char *sop_class = list[p].all[j].sop_class;
    for (size_t i = 0; i <= p; i++)
        for (size_t k = 0; k < (i < p ? list[i].count : j); k++)
            if (strcmp(list[i].all[k].sop_class, sop_class) == 0)
                return true;
    return false;
}

static bool is_proposed(const struct proposing *list, const char *sop_class)
{
    for (size_t i = 0; i < PROPOSINGS; i++)
        for (size_t j = 0; j < list[i].count; j++)
            if (strcmp(list[i].all[j].sop_class, sop_class) == 0)
                return true;
    return false;
}

static const char *as_scp(const struct conf *conf, const char *sop_class)
{
    const struct dx_service *service = dx_service_of(sop_class);
    if (service != NULL ? service->as_scu : !dx_is_storage_class(sop_class))
        return "no";
    return is_offered(conf, sop_class) ? "yes" : "not in this configuration";
}

/* The classes that are proposed, those of storage or the others, each once. */
static void put_proposed(const struct conf *conf, bool storage, FILE *out)
{
    static struct proposing list[PROPOSINGS];
    list_proposings(list);
    fputs("| SOP class | as user (SCU) | as provider (SCP) |\n|---|---|---|\n", out);
    for (size_t p = 0; p < PROPOSINGS; p++)
        for (size_t j = 0; j < list[p].count; j++) {
            const char *sop_class = list[p].all[j].sop_class;
            if (dx_is_storage_class(sop_class) == storage && !is_told(list, p, j))
                fprintf(out, "| %s | yes | %s |\n", dx_name_of(sop_class), as_scp(conf, sop_class));
        }
}

void conformance_content(const struct statement *s, FILE *out)
{
    static struct dx_named named[DX_NAMED_MOST];
    put_proposed(s->conf, true, out);
    fprintf(out, "| all other classes of storage (%zu are known to this build) | no | yes |\n",
            dx_storage_classes(named, DX_NAMED_MOST));
}

void conformance_overview(const struct statement *s, FILE *out)
{
    static struct proposing list[PROPOSINGS];
    put_proposed(s->conf, false, out);
    list_proposings(list);
    for (size_t i = 0; i < dx_service_count; i++)
        if (!is_proposed(list, dx_services[i].sop_class))
            fprintf(out, "| %s | no | %s |\n", dx_services[i].name,
                    as_scp(s->conf, dx_services[i].sop_class));
}

/* ---- for programs ---- */

static json_t *json_syntaxes(void)
{
    static struct dx_named list[DX_NAMED_MOST];
    size_t count = dx_storable_syntaxes(list, DX_NAMED_MOST);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array,
                              json_pack("{s:s,s:s,s:b}", "uid", list[i].uid, "name", list[i].name,
                                        "judged", dx_is_decodable_syntax(list[i].uid)));
    return array;
}

static json_t *json_storage(void)
{
    static struct dx_named list[DX_NAMED_MOST];
    size_t count = dx_storage_classes(list, DX_NAMED_MOST);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array,
                              json_pack("{s:s,s:s}", "uid", list[i].uid, "name", list[i].name));
    return array;
}

static json_t *json_services(const struct conf *conf)
{
    json_t *array = json_array();
    for (size_t i = 0; i < dx_service_count; i++)
        json_array_append_new(
            array, json_pack("{s:s,s:s,s:s,s:b,s:b}", "uid", dx_services[i].sop_class, "name",
                             dx_services[i].name, "role", dx_services[i].as_scu ? "SCU" : "SCP",
                             "implicit_only", dx_services[i].implicit_only, "offered",
                             is_offered(conf, dx_services[i].sop_class)));
    return array;
}

json_t *conformance_json(const struct statement *statement)
{
    static struct proposing list[PROPOSINGS];
    json_t *proposed = json_array();
    list_proposings(list);
    for (size_t i = 0; i < PROPOSINGS; i++)
        for (size_t j = 0; j < list[i].count; j++)
            json_array_append_new(proposed, json_pack("{s:s,s:s,s:s}", "what", list[i].what, "uid",
                                                      list[i].all[j].sop_class, "transfer_syntax",
                                                      list[i].all[j].transfer_syntax));
    return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "version", CERVIGATE_VERSION, "ae_title",
                     statement->conf->ae_title, "storage", json_storage(), "transfer_syntaxes",
                     json_syntaxes(), "services", json_services(statement->conf), "proposed",
                     proposed);
}
