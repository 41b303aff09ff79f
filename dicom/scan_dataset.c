/* The walk over a dataset: one loop, an explicit stack of 256 sequences, every byte seen once.
 *
 *   ROOT, ITEM   elements follow      -> [take_element]
 *   SEQUENCE     items follow         -> [take_item]
 *   FRAGMENTS    byte fragments follow-> [take_item]
 *   OPAQUE       a value that began like a sequence and was none: skipped to its end
 *
 * A frame ends at a byte (defined length) or at its delimiter (undefined length, end UNDEFINED).
 * A child never ends behind its parent: checked when it is pushed, so lengths that lie are found
 * at once.
 *
 * Implicit VR does not tell sequences from bytes. A defined-length value that begins with an item
 * tag is taken for a sequence: DCMTK will recurse into it when its dictionary says SQ. In a
 * standard group that must hold; in a private group, and for UN, it is a guess: a contradiction
 * inside makes the value OPAQUE again ([give_up_guess]), but the limits hold for guesses too. */
#include "scan_dataset.h"
#include "bytes.h"

#include <string.h>

#define MAX_NESTING 256u
#define MAX_FRAMES  (2 * MAX_NESTING + 2)
#define UNDEFINED   UINT64_MAX
/* DCMTK finds the place of an element out of order by walking back through those before it: steps
 * of all such walks together, a fraction of a second. */
#define MAX_STEPS (UINT64_C(64) << 20)

#define TAG_ITEM          0xfffee000u
#define TAG_ITEM_END      0xfffee00du
#define TAG_SEQUENCE_END  0xfffee0ddu
#define TAG_PIXEL_DATA    0x7fe00010u
#define TAG_CHARACTER_SET 0x00080005u
#define TAG_MODALITY      0x00080060u
#define TAG_PATIENT_ID    0x00100020u
#define TAG_ISSUER        0x00100021u
#define TAG_ACCESSION     0x00080050u
#define LENGTH_UNDEFINED  0xffffffffu

enum frame_kind { ROOT, ITEM, SEQUENCE, FRAGMENTS, OPAQUE };

struct frame {
    enum frame_kind kind;
    enum scan_encoding encoding;
    bool is_guess;
    uint64_t end;   /* UNDEFINED: at its delimiter */
    uint64_t limit; /* the nearest defined end, its own or an outer one's */
    uint64_t elements;
    uint32_t highest; /* tag */
};

struct walk {
    struct scan_source *source;
    const struct dx_limits *limits;
    struct dx_scan *scan;
    struct dx_error *err;
    uint32_t nesting; /* sequences open */
    size_t depth;     /* frames open */
    uint64_t steps;   /* see MAX_STEPS */
    struct frame stack[MAX_FRAMES];
};

static enum dx_status malformed(struct walk *walk, uint32_t tag, const char *what)
{
    return dx_fail(walk->err, DX_MALFORMED, "(%04x,%04x) at byte %llu: %s", tag >> 16,
                   tag & 0xffffu, (unsigned long long)walk->source->position, what);
}

static struct frame *top(struct walk *walk)
{
    return &walk->stack[walk->depth - 1];
}

static enum dx_status push(struct walk *walk, uint32_t tag, enum frame_kind kind,
                           enum scan_encoding encoding, uint64_t end)
{
    if (kind == SEQUENCE) {
        walk->nesting++;
        if (walk->nesting > walk->scan->nesting)
            walk->scan->nesting = walk->nesting;
        if (walk->nesting > walk->limits->nesting || walk->nesting > MAX_NESTING)
            return dx_fail(walk->err, DX_LIMIT,
                           "limit nesting: more than %u sequences deep; (%04x,%04x) at byte %llu",
                           walk->limits->nesting < MAX_NESTING ? walk->limits->nesting
                                                               : MAX_NESTING,
                           tag >> 16, tag & 0xffffu, (unsigned long long)walk->source->position);
    }
    if (walk->depth == MAX_FRAMES)
        return dx_fail(walk->err, DX_LIMIT, "limit nesting: items nested too deep");
    struct frame *frame = &walk->stack[walk->depth++];
    *frame = (struct frame){.kind = kind, .encoding = encoding, .end = end, .limit = end};
    if (end == UNDEFINED)
        frame->limit = walk->depth > 1 ? frame[-1].limit : walk->source->size;
    return DX_OK;
}

static void pop(struct walk *walk)
{
    if (top(walk)->kind == SEQUENCE)
        walk->nesting--;
    walk->depth--;
}

/* The end of a value of this length at the current position; false when it does not fit. */
static bool value_end(struct walk *walk, uint32_t length, uint64_t *end)
{
    *end = walk->source->position + length;
    return *end <= top(walk)->limit;
}

static uint16_t small_number(const uint8_t *value, size_t length, enum scan_encoding encoding)
{
    if (length < 2)
        return 0;
    return (uint16_t)(encoding == SCAN_EXPLICIT_BIG ? dx_be16(value) : dx_le16(value));
}

static uint32_t decimal_number(const uint8_t *value, size_t length)
{
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++)
        if (value[i] >= '0' && value[i] <= '9' && number < UINT32_MAX)
            number = number * 10 + (uint64_t)(value[i] - '0');
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

void dx_scan_terminate(struct dx_scan *scan)
{
    char *const uids[] = {scan->sop_class,      scan->sop_instance,      scan->study, scan->series,
                          scan->meta_sop_class, scan->meta_sop_instance, scan->digest};
    char *const texts[] = {scan->character_set, scan->patient_id, scan->issuer};
    for (size_t i = 0; i < sizeof uids / sizeof *uids; i++)
        uids[i][DX_UID_MAX - 1] = '\0';
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        texts[i][sizeof scan->issuer - 1] = '\0';
    scan->modality[sizeof scan->modality - 1] = '\0';
    scan->accession[sizeof scan->accession - 1] = '\0';
}

/* Where a text attribute of the main dataset belongs, or NULL. */
static char *text_field(struct dx_scan *scan, uint32_t tag, size_t *size)
{
    *size = DX_UID_MAX;
    switch (tag) {
    case 0x00080016:
        return scan->sop_class;
    case 0x00080018:
        return scan->sop_instance;
    case 0x0020000d:
        return scan->study;
    case 0x0020000e:
        return scan->series;
    case TAG_MODALITY:
        *size = sizeof scan->modality;
        return scan->modality;
    case TAG_CHARACTER_SET:
        *size = sizeof scan->character_set;
        return scan->character_set;
    case TAG_PATIENT_ID:
        *size = sizeof scan->patient_id;
        return scan->patient_id;
    case TAG_ISSUER:
        *size = sizeof scan->issuer;
        return scan->issuer;
    case TAG_ACCESSION:
        *size = sizeof scan->accession;
        return scan->accession;
    default:
        return NULL;
    }
}

/* Keeps what the receiver needs from the main dataset; of a repeated tag the first one, as DCMTK.
 */
static enum dx_status collect(struct walk *walk, const struct scan_element *element)
{
    struct dx_scan *scan = walk->scan;
    const uint8_t *value;
    size_t size, got;
    char *text = text_field(scan, element->tag, &size);

    if (element->tag == TAG_PIXEL_DATA || element->tag == 0x7fe00008 || element->tag == 0x7fe00009)
        scan->has_pixel_data = true;
    if (text == NULL && element->tag >> 16 != 0x0028)
        return DX_OK;

    size_t want = element->length < 256 ? element->length : 256;
    enum dx_status status = dx_scan_source_peek(walk->source, want, &value, &got, walk->err);
    if (status != DX_OK)
        return status;
    if (text != NULL) {
        bool fits = text[0] != '\0' ||
                    (element->length <= 256 && dx_scan_copy_text(text, size, value, got));
        if (!fits && size == DX_UID_MAX)
            return malformed(walk, element->tag, "not a UID: over 64 characters or with NUL");
        scan->cut |= !fits && text != scan->accession;
        return DX_OK;
    }
    switch (element->tag) {
    case 0x00280002:
        scan->samples = small_number(value, got, top(walk)->encoding);
        break;
    case 0x00280008:
        scan->frames = decimal_number(value, got);
        break;
    case 0x00280010:
        scan->rows = small_number(value, got, top(walk)->encoding);
        break;
    case 0x00280011:
        scan->cols = small_number(value, got, top(walk)->encoding);
        break;
    case 0x00280100:
        scan->bits_allocated = small_number(value, got, top(walk)->encoding);
        break;
    default:
        break;
    }
    return DX_OK;
}

/* Values of these groups are bulk bytes in every edition: an item tag in front is chance. */
static bool is_bulk(uint32_t tag)
{
    uint32_t group = tag >> 16;
    return group == 0x7fe0 || group == 0x5400 || (group & 0xff00) == 0x5000 ||
           (group & 0xff00) == 0x6000 || (tag >= 0x00281101 && tag <= 0x00281224) ||
           tag == 0x00283006;
}

/* A value of defined length whose VR is unknown: a sequence when it begins with an item tag. */
static enum dx_status take_ambiguous(struct walk *walk, const struct scan_element *element,
                                     uint64_t end)
{
    static const uint8_t item[4] = {0xfe, 0xff, 0x00, 0xe0};
    const uint8_t *value;
    size_t got;

    if (element->length < 8 || is_bulk(element->tag))
        return dx_scan_source_skip(walk->source, element->length, walk->err);
    enum dx_status status = dx_scan_source_peek(walk->source, 4, &value, &got, walk->err);
    if (status != DX_OK)
        return status;
    if (got < 4 || memcmp(value, item, 4) != 0)
        return dx_scan_source_skip(walk->source, element->length, walk->err);

    status = push(walk, element->tag, SEQUENCE, SCAN_IMPLICIT_LITTLE, end);
    if (status == DX_OK)
        top(walk)->is_guess = (element->tag >> 16 & 1) != 0 || element->vr[0] == 'U';
    return status;
}

static enum dx_status take_undefined(struct walk *walk, const struct scan_element *element)
{
    const char *vr = element->vr;
    enum scan_encoding encoding = top(walk)->encoding;

    if (strcmp(vr, "SQ") == 0)
        return push(walk, element->tag, SEQUENCE, encoding, UNDEFINED);
    /* PS3.5 6.2.2: UN of undefined length is a sequence in implicit VR little endian. */
    if (strcmp(vr, "UN") == 0)
        return push(walk, element->tag, SEQUENCE, SCAN_IMPLICIT_LITTLE, UNDEFINED);
    if (element->tag == TAG_PIXEL_DATA || strcmp(vr, "OB") == 0 || strcmp(vr, "OW") == 0)
        return push(walk, element->tag, FRAGMENTS, encoding, UNDEFINED);
    if (encoding == SCAN_IMPLICIT_LITTLE)
        return push(walk, element->tag, SEQUENCE, encoding, UNDEFINED);
    return malformed(walk, element->tag, "undefined length is not allowed for this VR");
}

static enum dx_status count_elements(struct walk *walk, uint64_t count)
{
    walk->scan->elements += count;
    if (walk->scan->elements > walk->limits->elements)
        return dx_fail(walk->err, DX_LIMIT, "limit elements: more than %llu elements",
                       (unsigned long long)walk->limits->elements);
    return DX_OK;
}

/* `count` elements of this tag, which may be out of order: real files have some, a hostile one has
 * nothing else. */
static enum dx_status check_order(struct walk *walk, uint32_t tag, uint64_t count)
{
    struct frame *frame = top(walk);

    if (frame->elements > 0 && tag < frame->highest)
        walk->steps += count * frame->elements;
    else
        frame->highest = tag;
    frame->elements += count;
    if (walk->steps > MAX_STEPS)
        return dx_fail(walk->err, DX_LIMIT,
                       "limit elements: too many out of order; (%04x,%04x) at byte %llu", tag >> 16,
                       tag & 0xffffu, (unsigned long long)walk->source->position);
    return DX_OK;
}

static enum dx_status take_delimiter(struct walk *walk, const struct scan_element *element)
{
    struct frame *frame = top(walk);

    if (element->length != 0 || frame->kind == ROOT || element->tag != TAG_ITEM_END)
        return malformed(walk, element->tag, "a delimiter that closes nothing");
    /* In an item of defined length the delimiter is superfluous; real files have it. */
    if (frame->end == UNDEFINED)
        pop(walk);
    return DX_OK;
}

static enum dx_status take_element(struct walk *walk, const struct scan_element *element)
{
    uint64_t end;

    enum dx_status status = dx_scan_source_skip(walk->source, element->size, walk->err);
    if (status != DX_OK)
        return status;
    if (element->tag >> 16 == 0xfffe)
        return take_delimiter(walk, element);
    status = count_elements(walk, 1);
    if (status == DX_OK)
        status = check_order(walk, element->tag, 1);
    if (status == DX_OK && element->length == LENGTH_UNDEFINED) {
        if (walk->depth == 1 && element->tag == TAG_PIXEL_DATA)
            walk->scan->has_pixel_data = true;
        return take_undefined(walk, element);
    }
    if (status != DX_OK)
        return status;

    if (!value_end(walk, element->length, &end))
        return malformed(walk, element->tag, "its length exceeds what it is in");
    if (walk->depth == 1) {
        status = collect(walk, element);
        if (status != DX_OK)
            return status;
    }
    if (strcmp(element->vr, "SQ") == 0)
        return push(walk, element->tag, SEQUENCE, top(walk)->encoding, end);
    if (element->vr[0] == '\0' || strcmp(element->vr, "UN") == 0)
        return take_ambiguous(walk, element, end);
    return dx_scan_source_skip(walk->source, element->length, walk->err);
}

static enum dx_status take_item(struct walk *walk, const struct scan_element *element)
{
    struct frame *frame = top(walk);
    uint64_t end = UNDEFINED;

    enum dx_status status = dx_scan_source_skip(walk->source, element->size, walk->err);
    if (status != DX_OK)
        return status;
    if (element->tag == TAG_SEQUENCE_END) {
        if (frame->end == UNDEFINED)
            pop(walk);
        return DX_OK;
    }
    if (element->tag != TAG_ITEM)
        return malformed(walk, element->tag, "not an item of a sequence");
    status = count_elements(walk, 1);
    if (status != DX_OK)
        return status;

    if (element->length != LENGTH_UNDEFINED && !value_end(walk, element->length, &end))
        return malformed(walk, element->tag, "the item's length exceeds what it is in");
    if (frame->kind == FRAGMENTS) {
        if (element->length == LENGTH_UNDEFINED)
            return malformed(walk, element->tag, "a fragment of undefined length");
        return dx_scan_source_skip(walk->source, element->length, walk->err);
    }
    return push(walk, element->tag, ITEM, frame->encoding, end);
}

/* At the end of the input: only the main dataset may be open. */
static enum dx_status check_end(struct walk *walk, const uint8_t *bytes, size_t got)
{
    for (size_t i = 0; i < got; i++)
        if (bytes[i] != 0)
            return dx_fail(walk->err, DX_MALFORMED, "the dataset ends inside an element's header");
    if (walk->depth > 1)
        return dx_fail(walk->err, DX_MALFORMED, "the dataset ends inside a sequence");
    return DX_OK;
}

/* Trailing zeros after the dataset are padding of the medium. DCMTK takes every eight of them for
 * an element, the lowest of all. */
static enum dx_status skip_padding(struct walk *walk, bool *ended)
{
    const uint8_t *bytes;
    size_t got;

    do {
        enum dx_status status = dx_scan_source_peek(walk->source, 4096, &bytes, &got, walk->err);
        if (status != DX_OK)
            return status;
        for (size_t i = 0; i < got; i++)
            if (bytes[i] != 0)
                return malformed(walk, 0, "a command element in a dataset");
        status = count_elements(walk, got / 8);
        if (status == DX_OK)
            status = check_order(walk, 0, got / 8);
        if (status == DX_OK)
            status = dx_scan_source_skip(walk->source, got, walk->err);
        if (status != DX_OK)
            return status;
    } while (got > 0);
    *ended = true;
    return DX_OK;
}

static enum dx_status step(struct walk *walk, bool *ended)
{
    struct frame *frame = top(walk);
    const uint8_t *bytes;
    size_t got;

    if (frame->end == walk->source->position) {
        pop(walk);
        return DX_OK;
    }
    if (frame->kind == OPAQUE) {
        enum dx_status status =
            dx_scan_source_skip(walk->source, frame->end - walk->source->position, walk->err);
        pop(walk);
        return status;
    }

    enum dx_status status = dx_scan_source_peek(walk->source, 12, &bytes, &got, walk->err);
    if (status != DX_OK)
        return status;
    struct scan_element element = dx_scan_element_header(bytes, got, frame->encoding);
    if (element.size == 0) {
        *ended = true;
        return check_end(walk, bytes, got);
    }
    if (frame->kind == ROOT && element.tag == 0 && element.length == 0)
        return skip_padding(walk, ended);
    if (frame->limit != UNDEFINED && element.size > frame->limit - walk->source->position)
        return malformed(walk, element.tag, "does not fit into what it is in");
    if (frame->kind == SEQUENCE || frame->kind == FRAGMENTS)
        return take_item(walk, &element);
    return take_element(walk, &element);
}

/* A contradiction inside a guessed sequence: the outermost guess was plain bytes. */
static bool give_up_guess(struct walk *walk)
{
    for (size_t i = 0; i < walk->depth; i++) {
        if (!walk->stack[i].is_guess)
            continue;
        while (walk->depth > i + 1)
            pop(walk);
        walk->nesting--;
        top(walk)->kind = OPAQUE;
        top(walk)->is_guess = false;
        return true;
    }
    return false;
}

enum dx_status dx_scan_dataset(struct scan_source *source, enum scan_encoding encoding,
                               const struct dx_limits *limits, struct dx_scan *scan,
                               struct dx_error *err)
{
    struct walk walk = {.source = source, .limits = limits, .scan = scan, .err = err};
    bool ended = false;

    enum dx_status status = push(&walk, 0, ROOT, encoding, UNDEFINED);
    while (status == DX_OK && !ended) {
        status = step(&walk, &ended);
        if (status == DX_MALFORMED && give_up_guess(&walk)) {
            status = DX_OK;
            ended = false;
        }
    }
    return status;
}
