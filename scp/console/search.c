/* QIDO-RS: searches among our own results (PS3.18 10.6). */
#include "dicomweb.h"

#include "dx_attrs.h"
#include "dx_result.h"
#include "json_time.h"
#include "qido.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DICOM_JSON "application/dicom+json"

/* What is answered of each level: PS3.18 tables 10.6.3-3 to 5, as far as we hold it. */
static const char *const of_study[] = {"00080005", "00080020", "00080030", "00080050", "00080090",
                                       "00080201", "00081030", "00100010", "00100020", "00100021",
                                       "00100030", "00100040", "0020000D", "00200010"};
static const char *const of_series[] = {"00080005", "00080060", "00080201", "0008103E", "0020000D",
                                        "0020000E", "00200011", "00400244", "00400245"};
static const char *const of_instance[] = {"00080005", "00080016", "00080018", "00080201",
                                          "0020000D", "0020000E", "00200013", "00280008",
                                          "00280010", "00280011", "00280100"};
static const struct level {
    const char *const *tags;
    size_t count;
} levels[] = {
    [STORE_BY_STUDY] = {of_study, sizeof of_study / sizeof *of_study},
    [STORE_BY_SERIES] = {of_series, sizeof of_series / sizeof *of_series},
    [STORE_BY_INSTANCE] = {of_instance, sizeof of_instance / sizeof *of_instance},
};

static json_t *element(const char *vr, json_t *value)
{
    return json_pack("{s:s, s:[o]}", "vr", vr, "Value", value);
}

static void pick(json_t *into, json_t *all, const char *tag)
{
    json_t *value = json_object_get(all, tag);
    if (value != NULL)
        (void)json_object_set(into, tag, value);
}

/* What was asked for beside: never pixels. */
static void pick_more(json_t *into, json_t *all, const struct qido *qido)
{
    const char *tag;
    json_t *value;
    for (size_t i = 0; i < qido->include_count; i++) {
        char name[9];
        (void)snprintf(name, sizeof name, "%08X", (unsigned)qido->include[i]);
        pick(into, all, name);
    }
    if (qido->include_all)
        json_object_foreach(all, tag, value) if (json_object_get(value, "BulkDataURI") ==
                                                 NULL)(void) json_object_set(into, tag, value);
}

static json_t *modalities(const struct store_extent *extent, const char *picture)
{
    json_t *list = json_array();
    if (extent->kind[RESULT_SR])
        (void)json_array_append_new(list, json_string("SR"));
    if (extent->kind[RESULT_SC])
        (void)json_array_append_new(list, json_string(picture));
    if (extent->kind[RESULT_MAP] && !(extent->kind[RESULT_SC] && strcmp(picture, "OT") == 0))
        (void)json_array_append_new(list, json_string("OT"));
    if (extent->kind[RESULT_GSPS])
        (void)json_array_append_new(list, json_string("PR"));
    return list;
}

/* Of all that the node holds of it, whatever the search was for. */
static bool add_extent(struct console *console, const struct result *result,
                       const struct qido *qido, json_t *into)
{
    struct store_extent extent;
    bool whole = qido->search.level == STORE_BY_STUDY;
    if (store_extent(console->store, result->study, whole ? "" : result->series, &extent) !=
        STORE_OK)
        return false;
    if (whole) {
        (void)json_object_set_new(into, "00080061",
                                  json_pack("{s:s, s:o}", "vr", "CS", "Value",
                                            modalities(&extent, qido->search.picture_modality)));
        (void)json_object_set_new(into, "00201206",
                                  element("IS", json_integer((json_int_t)extent.series)));
    }
    (void)json_object_set_new(into, whole ? "00201208" : "00201209",
                              element("IS", json_integer((json_int_t)extent.instances)));
    return true;
}

static void add_address(const struct result *result, enum store_level level, const char *root,
                        json_t *into)
{
    char text[DICOMWEB_ADDRESS_MAX + 3 * DX_UID_MAX + 32];
    int n = snprintf(text, sizeof text, "%s/studies/%s", root, result->study);
    if (level != STORE_BY_STUDY)
        n += snprintf(text + n, sizeof text - (size_t)n, "/series/%s", result->series);
    if (level == STORE_BY_INSTANCE)
        (void)snprintf(text + n, sizeof text - (size_t)n, "/instances/%s", result->uid);
    (void)json_object_set_new(into, "00081190", element("UR", json_string(text)));
    (void)json_object_set_new(into, "00080056", element("CS", json_string("ONLINE")));
}

/* One match; NULL: its file cannot be read. */
static json_t *match(struct console *console, const struct result *result, const struct qido *qido,
                     const char *root)
{
    const struct level *level = &levels[qido->search.level];
    json_t *all = dicomweb_metadata(console, result, root);
    json_t *one = all != NULL ? json_object() : NULL;
    for (size_t i = 0; one != NULL && i < level->count; i++)
        pick(one, all, level->tags[i]);
    if (one != NULL && qido->search.study[0] == '\0' && qido->search.level != STORE_BY_STUDY)
        for (size_t i = 0; i < sizeof of_study / sizeof *of_study; i++)
            pick(one, all, of_study[i]);
    if (one != NULL) {
        add_address(result, qido->search.level, root, one);
        pick_more(one, all, qido);
    }
    json_decref(all);
    if (one != NULL && qido->search.level != STORE_BY_INSTANCE &&
        !add_extent(console, result, qido, one)) {
        json_decref(one);
        return NULL;
    }
    return one;
}

static enum MHD_Result take_parameter(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct qido *qido = context;
    (void)kind;
    return qido->why[0] == '\0' && qido_take(qido, name, value) ? MHD_YES : MHD_NO;
}

/* `more` are behind the last of these. */
static enum MHD_Result answer(const struct http_request *request, const struct qido *qido,
                              json_t *matches, int64_t more)
{
    char *text = json_text(matches, JSON_COMPACT), warning[160];
    json_decref(matches);
    if (text == NULL)
        return http_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the node is out of memory", 0);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, DICOM_JSON);
    (void)snprintf(warning, sizeof warning,
                   "299 cervigate \"There are %lld additional results that can be requested\"",
                   (long long)more);
    if (more > 0)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WARNING, warning);
    if (qido->fuzzy)
        (void)MHD_add_response_header(
            response, MHD_HTTP_HEADER_WARNING,
            "299 cervigate \"The fuzzymatching parameter is not supported. Only literal matching "
            "has been performed.\"");
    return http_respond(request, MHD_HTTP_OK, response);
}

static enum MHD_Result run(struct console *console, const struct http_request *request,
                           const struct qido *qido)
{
    char root[DICOMWEB_ADDRESS_MAX];
    size_t count = 0;
    int64_t more = 0;
    struct result *list = calloc(QIDO_RESULTS_MOST, sizeof *list);
    if (list == NULL ||
        store_search(console->store, &qido->search, list, qido->limit, &count, &more) != STORE_OK) {
        free(list);
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    }
    json_t *matches = json_array();
    dicomweb_root(console, request, root);
    bool good = matches != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = json_array_append_new(matches, match(console, &list[i], qido, root)) == 0;
    free(list);
    if (good)
        return answer(request, qido, matches, more);
    json_decref(matches);
    return http_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
                      "a result cannot be read; the node's log says which", 0);
}

enum MHD_Result dicomweb_search(struct console *console, const struct http_request *request,
                                const struct dicomweb_target *target, enum store_level level)
{
    static const struct accept_offer offers[] = {{DICOM_JSON, NULL}, {"application/json", NULL}};
    struct qido qido;
    qido_init(&qido, level, target->study);
    qido.search.picture_modality = console->node->conf->picture_modality;
    if (target->series[0] != '\0')
        (void)snprintf(qido.search.series, sizeof qido.search.series, ",%s,", target->series);
    if (http_accepts(request, offers, 2) < 0)
        return http_error(request, MHD_HTTP_NOT_ACCEPTABLE,
                          "searches are answered in application/dicom+json", 0);
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, take_parameter,
                                    &qido);
    if (qido.why[0] != '\0')
        return http_error(request, MHD_HTTP_BAD_REQUEST, qido.why, 0);
    return run(console, request, &qido);
}
