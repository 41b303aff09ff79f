#include "gate.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG_MODALITY           DX_TAG(0x0008, 0x0060)
#define TAG_STUDY_DATE         DX_TAG(0x0008, 0x0020)
#define TAG_CODE_VALUE         DX_TAG(0x0008, 0x0100) /* of (0054,0220): dx_object_attributes */
#define TAG_BIRTH_DATE         DX_TAG(0x0010, 0x0030)
#define TAG_AGE                DX_TAG(0x0010, 0x1010)
#define TAG_BODY_PART_EXAMINED DX_TAG(0x0018, 0x0015)
#define TAG_VIEW_POSITION      DX_TAG(0x0018, 0x5101)

/* Defined terms of View Position (PS3.3 C.8.1.2, C.8.11.7) and codes of CID 4010 in SCT and its
 * SNOMED-RT forerunner; words that are seen in the field beside them. */
static const struct {
    const char *term, *view;
    bool lateral;
} views[] = {
    {"LL", "left lateral", true},
    {"RL", "right lateral", true},
    {"LATERAL", "lateral", true},
    {"LAT", "lateral", true},
    {"XTABLE", "cross-table lateral", true},
    {"399067008", "lateral", true},
    {"R-102CD", "lateral", true},
    {"49370004", "lateral", true},
    {"G-A104", "lateral", true},
    {"399198007", "right lateral", true},
    {"R-10232", "right lateral", true},
    {"399173006", "left lateral", true},
    {"R-10236", "left lateral", true},
    {"399260004", "medial-lateral", true},
    {"R-10224", "medial-lateral", true},
    {"399352003", "lateral-medial", true},
    {"R-10228", "lateral-medial", true},
    {"AP", "AP", false},
    {"PA", "PA", false},
    {"399348003", "AP", false},
    {"R-10206", "AP", false},
    {"272479007", "PA", false},
    {"R-40888", "PA", false},
    {"R-10214", "PA", false},
    {"399033003", "frontal", false},
    {"R-10202", "frontal", false},
    {"399182000", "oblique", false},
    {"R-102C1", "oblique", false},
    {"399184004", "left oblique", false},
    {"R-10238", "left oblique", false},
    {"399236003", "right oblique", false},
    {"R-10234", "right oblique", false},
    {"399312000", "AP oblique", false},
    {"R-10208", "AP oblique", false},
    {"399059000", "PA oblique", false},
    {"R-10216", "PA oblique", false},
    {"399135007", "left anterior oblique", false},
    {"R-10220", "left anterior oblique", false},
    {"399356000", "right anterior oblique", false},
    {"R-40985", "right anterior oblique", false},
    {"399006002", "left posterior oblique", false},
    {"R-10212", "left posterior oblique", false},
    {"399038007", "right posterior oblique", false},
    {"R-10210", "right posterior oblique", false},
    {"399061009", "axial", false},
    {"R-10241", "axial", false},
    {"118438002", "transoral", false},
    {"G-D00B", "transoral", false},
    {"LLO", "left oblique", false},
    {"RLO", "right oblique", false},
    {"LAO", "left anterior oblique", false},
    {"RAO", "right anterior oblique", false},
    {"LPO", "left posterior oblique", false},
    {"RPO", "right posterior oblique", false},
    {"ODONTOID", "odontoid", false},
    {"OPENMOUTH", "odontoid", false},
    {"DENS", "odontoid", false},
    {"SWIMMERS", "swimmer's", false},
};

static bool same_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

static bool is_listed(const char *list, const char *text, size_t length)
{
    while (*list) {
        list += strspn(list, " ");
        size_t word = strcspn(list, " ");
        if (word > 0 && word == length && strncasecmp(list, text, word) == 0)
            return true;
        list += word;
    }
    return false;
}

static int find_view(const struct dx_attrs *attrs)
{
    static const uint32_t tags[] = {TAG_VIEW_POSITION, TAG_CODE_VALUE};
    for (size_t t = 0; t < sizeof tags / sizeof tags[0]; t++) {
        const char *text = dx_attrs_text(attrs, tags[t]);
        size_t length = strcspn(text, " \\");
        for (size_t i = 0; length > 0 && i < sizeof views / sizeof views[0]; i++)
            if (same_word(text, length, views[i].term))
                return (int)i;
    }
    return -1;
}

const char *gate_view(const struct dx_attrs *attrs)
{
    int found = find_view(attrs);
    return found < 0 ? "" : views[found].view;
}

/* "19840131" -> 19840131; 0 when it is not a date. */
static int date_number(const char *text)
{
    int number = 0;
    for (int i = 0; i < 8; i++) {
        if (!isdigit((unsigned char)text[i]))
            return 0;
        number = number * 10 + (text[i] - '0');
    }
    int month = number / 100 % 100, day = number % 100;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? number : 0;
}

int gate_age(const struct dx_attrs *attrs)
{
    const char *age = dx_attrs_text(attrs, TAG_AGE);
    if (isdigit((unsigned char)age[0]) && isdigit((unsigned char)age[1]) &&
        isdigit((unsigned char)age[2])) {
        int number = (age[0] - '0') * 100 + (age[1] - '0') * 10 + (age[2] - '0');
        switch (age[3]) {
        case 'Y':
            return number;
        case 'M':
            return number / 12;
        case 'W':
            return number / 52;
        case 'D':
            return number / 365;
        default:
            break;
        }
    }

    int born = date_number(dx_attrs_text(attrs, TAG_BIRTH_DATE));
    int seen = date_number(dx_attrs_text(attrs, TAG_STUDY_DATE));
    if (born == 0 || seen == 0 || seen < born)
        return -1;
    return (seen - born) / 10000; /* whole years: months and days borrow from them */
}

/* Body parts that do not contradict a model of the cervical spine (PS3.16 annex L). */
static bool body_part_fits(const struct nn_model_info *model, const char *text)
{
    static const char *const near[] = {"CSPINE",  "NECK",        "SPINE",        "WSPINE",
                                       "CTSPINE", "SKULLCSPINE", "CERVICALSPINE"};
    size_t length = strcspn(text, "\\");
    while (length > 0 && text[length - 1] == ' ')
        length--;
    if (length == 0 || is_listed(model->body_parts, text, length))
        return true;

    char letters[64];
    size_t count = 0;
    for (size_t i = 0; i < length && count + 1 < sizeof letters; i++)
        if (isalnum((unsigned char)text[i]))
            letters[count++] = text[i];
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        if (same_word(letters, count, near[i]))
            return true;
    return false;
}

/* Copies a header's text as far as it is short and printable: it goes into reports. */
static void quote(char to[33], const char *text)
{
    size_t i = 0;
    for (; i < 32 && text[i]; i++)
        to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    to[i] = 0;
}

enum srt_reason gate_check(const struct nn_model_info *model, const struct dx_attrs *attrs,
                           const struct gate_image *image, char detail[GATE_DETAIL_MAX])
{
    char found[33];
    const char *modality = dx_attrs_text(attrs, TAG_MODALITY);
    size_t length = strcspn(modality, " \\");
    detail[0] = 0;
    if (length > 0 && !is_listed(model->modalities, modality, length)) {
        quote(found, modality);
        snprintf(detail, GATE_DETAIL_MAX, "Modality is %s; the model is meant for %s", found,
                 model->modalities);
        return SRT_WRONG_MODALITY;
    }
    bool by_pixels = model->gate_digest[0] != 0;
    if (!(by_pixels && image->body_part_by_pixels) &&
        !body_part_fits(model, dx_attrs_text(attrs, TAG_BODY_PART_EXAMINED))) {
        quote(found, dx_attrs_text(attrs, TAG_BODY_PART_EXAMINED));
        snprintf(detail, GATE_DETAIL_MAX, "Body Part Examined is %s", found);
        return SRT_WRONG_BODY_PART;
    }
    int view = find_view(attrs);
    if (!by_pixels && view >= 0 && !views[view].lateral) {
        snprintf(detail, GATE_DETAIL_MAX, "the view is %s; the model is meant for lateral views",
                 views[view].view);
        return SRT_WRONG_VIEW;
    }
    int age = gate_age(attrs);
    if (age >= 0 && age < model->minimum_age) {
        snprintf(detail, GATE_DETAIL_MAX, "the patient is under %d years", model->minimum_age);
        return SRT_OUTSIDE_AGE;
    }
    if (age < 0 && image->age_needed) {
        snprintf(detail, GATE_DETAIL_MAX, "the header tells neither age nor birth date");
        return SRT_AGE_UNKNOWN;
    }
    if (!image->has_pixels) {
        snprintf(detail, GATE_DETAIL_MAX, "the object has no pixel data");
        return SRT_NO_PIXEL_DATA;
    }
    if (image->frames > 1) {
        snprintf(detail, GATE_DETAIL_MAX, "the object has %u frames", image->frames);
        return SRT_MULTI_FRAME;
    }
    return SRT_REASON_NONE;
}

/* The input gate's classes (docs/gate.md); one that is not here is no spine. */
static const struct kind {
    const char *name, *words;
    enum srt_reason reason;
    bool lateral; /* a header that says lateral does not contradict it */
} kinds[] = {
    {"lateral", "a lateral cervical spine", SRT_NOT_SPINE, true},
    {"lateral-short", "a lateral cervical spine that ends above C7-T1", SRT_CROPPED, true},
    {"ap", "an AP view of the cervical spine", SRT_WRONG_VIEW, false},
    {"odontoid", "an odontoid view", SRT_WRONG_VIEW, false},
    {"oblique", "an oblique view of the cervical spine", SRT_WRONG_VIEW, false},
    {"swimmers", "a swimmer's view", SRT_WRONG_VIEW, true},
    {"skull-lateral", "a lateral skull", SRT_WRONG_BODY_PART, true},
    {"thoracic-lateral", "a lateral thoracic spine", SRT_WRONG_BODY_PART, true},
    {"hardware", "a cervical spine with implants, laminectomy or ankylosis", SRT_HARDWARE, true},
    {"inverted", "a cervical spine with black bone", SRT_INVERTED, true},
    {"cropped", "a cervical spine that is not in the field from C1 to C4", SRT_CROPPED, true},
    {"chest", "a chest", SRT_WRONG_BODY_PART, false},
    {"extremity", "a hand, hip or other joint", SRT_WRONG_BODY_PART, false},
    {"dental", "teeth", SRT_WRONG_BODY_PART, false},
    {"section", "a sectional image", SRT_NOT_SPINE, false},
    {"picture", "no radiograph", SRT_NOT_SPINE, false},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* "; the header says AP", when it says another thing than the pixels. */
static void tell_header(const struct dx_attrs *attrs, bool lateral, char *detail)
{
    int view = find_view(attrs);
    size_t used = strlen(detail);
    if (view >= 0 && views[view].lateral != lateral)
        snprintf(detail + used, GATE_DETAIL_MAX - used, "%sthe header says %s, the pixels do not",
                 used > 0 ? "; " : "", views[view].view);
}

/* Only a rule that leaves the body part to the pixels lets another one come so far. */
static void tell_body_part(const struct nn_model_info *model, const struct dx_attrs *attrs,
                           char *detail)
{
    char found[33];
    const char *part = dx_attrs_text(attrs, TAG_BODY_PART_EXAMINED);
    size_t used = strlen(detail);
    if (body_part_fits(model, part))
        return;
    quote(found, part);
    snprintf(detail + used, GATE_DETAIL_MAX - used, "%sBody Part Examined is %s",
             used > 0 ? "; " : "", found);
}

enum srt_reason gate_look(const struct nn_model_info *model, const struct dx_attrs *attrs,
                          const struct nn_verdict *verdict, char detail[GATE_DETAIL_MAX])
{
    const struct kind *kind = find_kind(verdict->kind);
    detail[0] = 0;
    if (verdict->accepted) {
        if (gate_age(attrs) < 0)
            snprintf(detail, GATE_DETAIL_MAX, "age unknown, judged as an adult's");
        if (model->gate_digest[0] != 0)
            tell_header(attrs, true, detail);
        tell_body_part(model, attrs, detail);
        return SRT_REASON_NONE;
    }
    if (kind)
        snprintf(detail, GATE_DETAIL_MAX, "the pixels look most like %s", kind->words);
    else
        snprintf(detail, GATE_DETAIL_MAX, "the pixels look most like: %s", verdict->kind);
    tell_header(attrs, kind && kind->lateral, detail);
    tell_body_part(model, attrs, detail);
    return kind ? kind->reason : SRT_NOT_SPINE;
}

enum srt_coverage gate_coverage(const struct nn_model *model, const struct nn_verdict *verdict)
{
    const struct nn_model *gate = nn_model_gate(model);
    if (!gate)
        return SRT_COVERAGE_UNKNOWN;
    const struct nn_model_info *info = nn_model_info(gate);
    for (int i = 0; i < info->classes; i++)
        if (strcmp(info->class_[i].name, "lateral" NN_GATE_SHORT) == 0)
            return strcmp(verdict->kind, "lateral" NN_GATE_SHORT) == 0 ? SRT_COVERAGE_SHORT
                   : strcmp(verdict->kind, "lateral") == 0             ? SRT_COVERAGE_FULL
                                                                       : SRT_COVERAGE_UNKNOWN;
    return SRT_COVERAGE_UNKNOWN;
}
