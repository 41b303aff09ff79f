/* The strategies: what real systems, broken disks and attackers do to an object. */
#include "mutate_work.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define EXPLICIT "1.2.840.10008.1.2.1"
#define DEFLATED "1.2.840.10008.1.2.1.99"

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct work *work)
{
    uint64_t z = work->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

size_t below(struct work *work, size_t limit)
{
    return limit == 0 ? 0 : (size_t)(next(work) % limit);
}

static void put_number(const struct work *work, uint8_t *p, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        p[work->encoding == EXPLICIT_BIG ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static struct element *any(struct work *work)
{
    return work->count == 0 ? NULL : &work->element[below(work, work->count)];
}

struct element *find(struct work *work, uint32_t tag)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->element[i].tag == tag)
            return &work->element[i];
    return NULL;
}

static void flip(struct work *work, size_t from, size_t to)
{
    for (size_t i = 1 + below(work, 8); i > 0 && to > from; i--)
        work->data->at[from + below(work, to - from)] ^= (uint8_t)(1u << below(work, 8));
}

static void bytes_flipped(struct work *work)
{
    flip(work, 0, work->data->count);
}

static void vr_swapped(struct work *work)
{
    static const char vrs[][3] = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO",
                                  "LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN", "SH", "SL", "SQ",
                                  "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT"};
    struct element *e = any(work);
    if (e != NULL && e->vr_at > 0)
        memcpy(work->data->at + e->at + 4, vrs[below(work, sizeof vrs / sizeof vrs[0])], 2);
    else
        bytes_flipped(work);
}

static void vr_junk(struct work *work)
{
    struct element *e = any(work);
    if (e == NULL || e->vr_at == 0) {
        bytes_flipped(work);
        return;
    }
    work->data->at[e->at + 4] = (uint8_t)next(work);
    work->data->at[e->at + 5] = (uint8_t)next(work);
}

void set_length(struct work *work, const struct element *e, uint32_t value)
{
    put_number(work, work->data->at + e->at + e->length_at, e->length_size, value);
}

static void length_at_an_edge(struct work *work)
{
    static const uint32_t edges[] = {0,          1,          2,         7,       0x7f,
                                     0xff,       0x7fff,     0x8000,    0xfffe,  0xffff,
                                     0x10000,    0xffffff,   1 << 24,   1 << 30, 0x7fffffff,
                                     0x80000000, 0xfffffffe, 0xffffffff};
    struct element *e = any(work);
    if (e != NULL)
        set_length(work, e, edges[below(work, sizeof edges / sizeof edges[0])]);
}

static void length_nearly_right(struct work *work)
{
    struct element *e = any(work);
    if (e != NULL)
        set_length(work, e, (uint32_t)e->length + (uint32_t)below(work, 17) - 8);
}

static void length_undefined(struct work *work)
{
    struct element *e = any(work);
    if (e != NULL)
        set_length(work, e, 0xffffffffu);
}

static void set_tag(struct work *work, const struct element *e, uint32_t tag)
{
    put_number(work, work->data->at + e->at, 2, tag >> 16);
    put_number(work, work->data->at + e->at + 2, 2, tag & 0xffff);
}

static void tags_swapped(struct work *work)
{
    struct element *a = any(work), *b = any(work);
    if (a == NULL)
        return;
    set_tag(work, a, b->tag);
    set_tag(work, b, a->tag);
}

static void tag_junk(struct work *work)
{
    static const uint32_t tags[] = {0,          0x00020010, 0x00080005, 0x00280008, 0x7fe00010,
                                    0xfffee000, 0xfffee00d, 0xfffee0dd, 0xffffffff, 0x00091010,
                                    0x52009230, 0x00081140, 0x0040a730, 0x50003000, 0x60003000};
    struct element *e = any(work);
    size_t n = below(work, 2 * sizeof tags / sizeof tags[0]);
    if (e != NULL)
        set_tag(work, e, n < sizeof tags / sizeof tags[0] ? tags[n] : (uint32_t)next(work));
}

/* Takes an element, with `keep` leaves it too, and puts it in front of another. */
static void copy_element(struct work *work, bool keep)
{
    struct element *from = any(work), *to = any(work);
    struct bytes copy = {NULL, 0, 0};
    if (from == NULL)
        return;
    size_t size = from->value + from->length - from->at, at = to->at;
    if (size > 65536)
        return;
    bytes_add(&copy, work->data->at + from->at, size);
    bytes_splice(work->data, at, 0, copy.at, copy.count);
    if (!keep)
        bytes_splice(work->data, from->at + (from->at >= at ? size : 0), size, NULL, 0);
    bytes_finish(&copy);
}

static void tag_out_of_order(struct work *work)
{
    copy_element(work, false);
}

static void tag_twice(struct work *work)
{
    copy_element(work, true);
}

static void element_missing(struct work *work)
{
    struct element *e = any(work);
    if (e != NULL)
        bytes_splice(work->data, e->at, e->value + e->length - e->at, NULL, 0);
}

static void cut_short(struct work *work)
{
    work->data->count = below(work, work->data->count);
}

void set_small(struct work *work, uint32_t tag, uint32_t value)
{
    struct element *e = find(work, tag);
    if (e != NULL && e->length >= 2)
        put_number(work, work->data->at + e->value, 2, value);
}

static uint32_t edge16(struct work *work)
{
    static const uint16_t edges[] = {0,  1,  2,  3,  7,  8,   9,    12,    15,    16,
                                     17, 31, 32, 33, 64, 255, 4096, 32768, 65534, 65535};
    return edges[below(work, sizeof edges / sizeof edges[0])];
}

static void pixel_module(struct work *work)
{
    static const uint32_t tags[] = {0x00280002, 0x00280006, 0x00280010, 0x00280011, 0x00280100,
                                    0x00280101, 0x00280102, 0x00280103, 0x00281101, 0x00281102};
    for (size_t i = 1 + below(work, 3); i > 0; i--)
        set_small(work, tags[below(work, sizeof tags / sizeof tags[0])], edge16(work));
}

static void bits_contradict(struct work *work)
{
    set_small(work, 0x00280100, (uint32_t)(8u << below(work, 4)));
    set_small(work, 0x00280101, (uint32_t)below(work, 70));
    set_small(work, 0x00280102, (uint32_t)below(work, 70));
    set_small(work, 0x00280103, (uint32_t)below(work, 3));
}

static struct element *any_item(struct work *work)
{
    size_t items = 0, wanted;
    for (size_t i = 0; i < work->count; i++)
        items += work->element[i].tag == 0xfffee000;
    if (items == 0)
        return NULL;
    wanted = below(work, items);
    for (size_t i = 0; i < work->count; i++)
        if (work->element[i].tag == 0xfffee000 && wanted-- == 0)
            return &work->element[i];
    return NULL;
}

static void encapsulation(struct work *work)
{
    struct element *e = any_item(work), *pixels = find(work, 0x7fe00010);
    if (e != NULL && below(work, 2) == 0)
        set_length(work, e, (uint32_t)e->length + (uint32_t)below(work, 5) - 2);
    else if (e != NULL)
        bytes_splice(work->data, e->at, below(work, e->value + e->length - e->at), NULL, 0);
    else if (pixels != NULL)
        set_length(work, pixels, 0xffffffffu);
}

/* The first item behind Pixel Data is the Basic Offset Table. */
static void offset_table(struct work *work)
{
    struct element *pixels = find(work, 0x7fe00010);
    uint8_t offsets[64];
    if (pixels == NULL || pixels + 1 >= work->element + work->count ||
        pixels[1].tag != 0xfffee000) {
        pixel_module(work);
        return;
    }
    for (size_t i = 0; i < sizeof offsets; i++)
        offsets[i] = (uint8_t)(below(work, 3) == 0 ? next(work) : 0);
    size_t count = 4 * below(work, 17);
    set_length(work, &pixels[1], (uint32_t)count);
    bytes_splice(work->data, pixels[1].value, pixels[1].length, offsets, count);
}

static void codestream(struct work *work)
{
    static const uint8_t markers[][4] = {{0xff, 0x01, 0, 0},       {0xff, 0xc0, 0, 3},
                                         {0xff, 0xc4, 0xff, 0xff}, {0xff, 0xda, 0, 0},
                                         {0xff, 0xd9, 0xff, 0xd8}, {0xff, 0x51, 0xff, 0xff},
                                         {0xff, 0x52, 0, 2},       {0xff, 0x90, 0, 10},
                                         {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0}};
    struct element *e = any_item(work), *pixels = find(work, 0x7fe00010);
    if (e == NULL)
        e = pixels;
    if (e == NULL || e->length < 8)
        return;
    /* Headers are at the front, and matter most. */
    size_t reach = below(work, 2) == 0 && e->length > 128 ? 128 : e->length;
    if (below(work, 2) == 0)
        flip(work, e->value, e->value + reach);
    else
        memcpy(work->data->at + e->value + below(work, reach - 4),
               markers[below(work, sizeof markers / sizeof markers[0])], 4);
}

static void sequences_nested(struct work *work)
{
    static const uint8_t with_vr[] = {8,    0,    0x40, 0x11, 'S', 'Q',  0,    0,    0xff, 0xff,
                                      0xff, 0xff, 0xfe, 0xff, 0,   0xe0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t without[] = {8,    0,    0x40, 0x11, 0xff, 0xff, 0xff, 0xff,
                                      0xfe, 0xff, 0,    0xe0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t ends[] = {0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0,
                                   0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0};
    bool has_vr = work->encoding == EXPLICIT_LITTLE;
    size_t depth = 1 + below(work, below(work, 8) == 0 ? 2000 : 80);
    struct element *e = any(work);
    size_t at = e == NULL ? 0 : e->at;
    struct bytes nest = {NULL, 0, 0};
    for (size_t i = 0; i < depth; i++)
        bytes_add(&nest, has_vr ? with_vr : without, has_vr ? sizeof with_vr : sizeof without);
    for (size_t i = below(work, 4) == 0 ? below(work, depth) : depth; i > 0; i--)
        bytes_add(&nest, ends, sizeof ends);
    bytes_splice(work->data, at, 0, nest.at, nest.count);
    bytes_finish(&nest);
}

static void delimiters(struct work *work)
{
    static const uint8_t items[3][8] = {{0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff},
                                        {0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0},
                                        {0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0}};
    struct element *e = any(work);
    if (e == NULL)
        return;
    if (e->tag >> 16 == 0xfffe && below(work, 2) == 0)
        bytes_splice(work->data, e->at, 8, NULL, 0);
    else
        bytes_splice(work->data, e->at, 0, items[below(work, 3)], 8);
}

/* Deflated, now and then with more zeros behind than it is long, then damaged or not. */
static void deflated(struct work *work)
{
    static const uint8_t zeros[65536];
    size_t more = below(work, 4) == 0 ? below(work, 256) : 0;
    struct bytes out = {NULL, 0, 0};
    uint8_t part[16384];
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    for (size_t i = 0; i <= more; i++) {
        z.next_in = i == 0 ? work->data->at : (uint8_t *)(uintptr_t)zeros;
        z.avail_in = i == 0 ? (uInt)work->data->count : (uInt)sizeof zeros;
        do {
            z.next_out = part;
            z.avail_out = sizeof part;
            (void)deflate(&z, i == more ? Z_FINISH : Z_NO_FLUSH);
            bytes_add(&out, part, sizeof part - z.avail_out);
        } while (z.avail_out == 0);
    }
    (void)deflateEnd(&z);
    bytes_finish(work->data);
    *work->data = out;
    (void)snprintf(work->mutation->transfer_syntax, DX_UID_MAX, DEFLATED);
    if (below(work, 2) == 0)
        flip(work, 0, out.count);
}

/* A Part 10 file's head where a dataset begins. */
static void preamble(struct work *work)
{
    uint8_t head[256] = {0};
    memcpy(head + 128, "DICM\2\0\0\0UL\4\0\x62\0\0\0\2\0\x10\0UI\x12\0" EXPLICIT, 43);
    size_t from = below(work, 3) == 0 ? 128 : below(work, 144);
    size_t to = 144 + below(work, 100);
    bytes_splice(work->data, 0, 0, head + from, to - from);
    if (below(work, 2) == 0)
        flip(work, 0, to - from);
}

static void syntax_mismatch(struct work *work)
{
    static const char *const syntaxes[] = {
        "",      ".1",    ".1.98", ".1.99", ".2",    ".4.50",  ".4.51",  ".4.57",  ".4.70", ".4.80",
        ".4.81", ".4.90", ".4.91", ".5",    ".4.53", ".4.100", ".4.201", ".4.203", ".99"};
    (void)snprintf(work->mutation->transfer_syntax, DX_UID_MAX, "1.2.840.10008.1.2%s",
                   syntaxes[below(work, sizeof syntaxes / sizeof syntaxes[0])]);
}

static void private_tags(struct work *work)
{
    struct element *e = any(work);
    uint8_t element[64] = {9, 0, 1, 0x10, 'U', 'N', 0, 0, 24, 0, 0, 0};
    size_t head = work->encoding == IMPLICIT_LITTLE ? 8 : 12;
    if (head == 8)
        memcpy(element + 4, "\x18\0\0\0", 4);
    for (size_t i = 0; i < 24; i++)
        element[head + i] = (uint8_t)next(work);
    if (below(work, 2) == 0) /* looks like a sequence */
        memcpy(element + head, "\xfe\xff\0\xe0\x10\0\0\0\x09\0\2\x10", 12);
    element[0] = (uint8_t)(9 + 2 * below(work, 3));
    bytes_splice(work->data, e == NULL ? 0 : e->at, 0, element, head + 24);
}

/* Half of one object, half of another. */
static void grown_with_itself(struct work *work)
{
    work->count = elements_find(work->data, work->encoding, work->element);
    struct element *from = any(work), *to = any(work);
    struct bytes copy = {NULL, 0, 0};
    if (from == NULL)
        return;
    size_t left = work->data->count - from->at;
    bytes_add(&copy, work->data->at + from->at, left < 32768 ? left : 32768);
    bytes_splice(work->data, to->at, work->data->count - to->at, copy.at, copy.count);
    bytes_finish(&copy);
}

#define STRATEGY_MAP(X)                                                                            \
    X(bytes_flipped)                                                                               \
    X(vr_swapped)                                                                                  \
    X(vr_junk)                                                                                     \
    X(length_at_an_edge)                                                                           \
    X(length_nearly_right)                                                                         \
    X(length_undefined)                                                                            \
    X(tags_swapped)                                                                                \
    X(tag_junk)                                                                                    \
    X(tag_out_of_order)                                                                            \
    X(tag_twice)                                                                                   \
    X(element_missing)                                                                             \
    X(cut_short)                                                                                   \
    X(pixel_module)                                                                                \
    X(bits_contradict)                                                                             \
    X(photometric)                                                                                 \
    X(frame_count)                                                                                 \
    X(encapsulation)                                                                               \
    X(offset_table)                                                                                \
    X(codestream)                                                                                  \
    X(sequences_nested)                                                                            \
    X(delimiters)                                                                                  \
    X(deflated)                                                                                    \
    X(preamble)                                                                                    \
    X(syntax_mismatch)                                                                             \
    X(private_tags)                                                                                \
    X(uids)                                                                                        \
    X(texts)                                                                                       \
    X(numbers)

#define X(name) #name,
const char *const strategy_names[STRATEGIES] = {STRATEGY_MAP(X)};
#undef X

static enum encoding encoding_of(const char *transfer_syntax)
{
    if (strcmp(transfer_syntax, "1.2.840.10008.1.2") == 0)
        return IMPLICIT_LITTLE;
    return strcmp(transfer_syntax, "1.2.840.10008.1.2.2") == 0 ? EXPLICIT_BIG : EXPLICIT_LITTLE;
}

/* Every mutation is an object of its own: its number ends its SOP Instance UID. */
static void name_anew(struct work *work, uint64_t number)
{
    struct mutation *mutation = work->mutation;
    struct element *e = find(work, 0x00080018);
    char digits[10];
    memcpy(mutation->sop_instance, mutation->from->sop_instance, DX_UID_MAX);
    size_t length = strlen(mutation->sop_instance);
    if (e == NULL || length < 20 || e->length < length)
        return;
    (void)snprintf(digits, sizeof digits, "1%08llu", (unsigned long long)(number % 100000000));
    memcpy(mutation->sop_instance + length - 9, digits, 9);
    memcpy(work->data->at + e->value, mutation->sop_instance, length);
}

void mutate(const struct corpus *corpus, uint64_t seed, uint64_t number, struct mutation *mutation)
{
#define X(name) name,
    static void (*const strategies[STRATEGIES])(struct work *) = {STRATEGY_MAP(X)};
#undef X
    static struct work work;
    work.state = seed * 0x2545f4914f6cdd1du ^ number;
    work.mutation = mutation;
    work.data = &mutation->dataset;
    memset(mutation, 0, sizeof *mutation);
    mutation->strategy = (unsigned)(number % STRATEGIES);
    mutation->from = &corpus->object[below(&work, corpus->count)];
    memcpy(mutation->transfer_syntax, mutation->from->transfer_syntax, DX_UID_MAX);
    bytes_add(work.data, mutation->from->dataset.at, mutation->from->dataset.count);

    work.encoding = encoding_of(mutation->transfer_syntax);
    work.count = strcmp(mutation->transfer_syntax, DEFLATED) == 0
                     ? 0
                     : elements_find(work.data, work.encoding, work.element);
    name_anew(&work, number);
    strategies[mutation->strategy](&work);
    /* A third get a second fault, of any kind. */
    if (below(&work, 3) == 0) {
        if (strcmp(mutation->transfer_syntax, DEFLATED) != 0)
            work.count = elements_find(work.data, work.encoding, work.element);
        else
            work.count = 0;
        strategies[below(&work, STRATEGIES)](&work);
    }
    if (below(&work, 200) == 0)
        grown_with_itself(&work);
}
