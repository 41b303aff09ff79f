/* Any bytes as what a DICOMweb client asks for: names and values of a query string, each ended by a
 * NUL, and all of them as an Accept header. What is taken is within its bounds, what is refused
 * says why in printable ASCII. */
#include "console/accept.h"
#include "console/qido.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void check_text(const char *text, size_t room)
{
    must(memchr(text, '\0', room) != NULL);
}

static void check(const struct qido *q, bool good)
{
    check_text(q->search.studies, STORE_SEARCH_TEXT);
    check_text(q->search.series, STORE_SEARCH_TEXT);
    check_text(q->search.instances, STORE_SEARCH_TEXT);
    check_text(q->search.classes, STORE_SEARCH_TEXT);
    check_text(q->search.patient, STORE_SEARCH_TEXT);
    check_text(q->search.name, STORE_SEARCH_TEXT);
    check_text(q->search.accession, STORE_SEARCH_TEXT);
    check_text(q->search.modality, STORE_SEARCH_TEXT);
    check_text(q->search.first_date, sizeof q->search.first_date);
    check_text(q->search.last_date, sizeof q->search.last_date);
    must(q->limit <= QIDO_RESULTS_MOST && q->include_count <= QIDO_INCLUDE_MOST);
    must(q->search.offset >= 0 && good == (q->why[0] == '\0'));
    for (const char *c = q->why; *c != '\0'; c++)
        must(*c >= ' ' && *c < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct accept_offer offers[] = {{"multipart/related", "application/dicom"},
                                                 {"application/dicom", NULL},
                                                 {"image/png", NULL}};
    struct qido qido;
    bool good = true;
    char *text = malloc(size + 2);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    qido_init(&qido, STORE_BY_STUDY, "");
    for (size_t at = 0; at < size && good;) {
        const char *name = text + at, *value = name + strlen(name) + 1;
        good = qido_take(&qido, name, value <= text + size ? value : NULL);
        at = (size_t)(value - text) + (value <= text + size ? strlen(value) + 1 : 0);
        check(&qido, good);
    }
    for (size_t i = 0; i < size; i++)
        text[i] = text[i] == '\0' ? ' ' : text[i];
    int choice = accept_choose(text, offers, 3);
    must(choice >= -1 && choice < 3);
    free(text);
    return 0;
}
