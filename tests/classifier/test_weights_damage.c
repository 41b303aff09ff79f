/* Weight files that are wrong, cut, flipped or not finite: each is refused, and by the tensor's
 * name where one can be told. The files are those of a small model. */
#include "networks.h"
#include "nn_fixture.h"
#include "weights/weights_internal.h"

struct bytes {
    unsigned char *at;
    size_t size;
};

/* A model folder with an own small graph: 3 x 32 x 32, a convolution, two fully connected layers.
 */
struct folder {
    char template[32], xml[PATH_MAX], weights[PATH_MAX];
    struct nn_graph *graph;
    struct nn_values *values;
    struct nn_model_info info;
};

static struct nn_tensor tensor_of(const struct folder *f, int i)
{
    const struct nn_parameter *p = nn_graph_parameter(f->graph, i);
    struct nn_tensor tensor = {.name = p->name,
                               .dims = p->dims,
                               .elements = p->elements,
                               .data = nn_values_peek(f->values, i)};
    for (int d = 0; d < p->dims; d++)
        tensor.dim[d] = p->dim[d];
    return tensor;
}

static void open_folder(struct folder *f, enum nn_dtype store)
{
    struct nn_tensor tensors[8];
    struct nn_error err = {0};
    struct nn_graph *g = nn_graph_create();
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 32, 32});

    x = nn_graph_conv2d(g, "conv", x,
                        (struct nn_conv2d){.out_channels = 2,
                                           .kernel_h = 3,
                                           .kernel_w = 3,
                                           .stride_h = 1,
                                           .stride_w = 1,
                                           .groups = 1,
                                           .relu = true});
    x = nn_graph_global_avg_pool(g, "mean", x);
    x = nn_graph_linear(g, "hidden", x, 4, true);
    x = nn_graph_linear(g, "scores", x, 3, false);
    nn_graph_softmax(g, "prob", x);
    *f = (struct folder){.graph = finished(g), .info = fixture_info(32)};
    f->values = draw_values(f->graph, 8);
    const char *dir = fixture_dir(f->template);
    fixture_path(f->xml, dir, "model.xml");
    fixture_path(f->weights, dir, "weights.safetensors");
    snprintf(f->info.network, sizeof f->info.network, "%s", NN_OWN_GRAPH);
    int count = nn_graph_parameter_count(f->graph);
    assert_int_equal(count, 6);
    for (int i = 0; i < count; i++)
        tensors[i] = tensor_of(f, i);
    if (nn_model_save(dir, &f->info, f->graph, tensors, (size_t)count, store, &err) != NN_OK)
        fail_msg("%s", err.text);
}

static void close_folder(struct folder *f)
{
    nn_values_destroy(f->values);
    nn_graph_destroy(f->graph);
    fixture_remove(f->template);
}

static struct bytes read_bytes(const char *path)
{
    struct bytes b = {malloc(1 << 16), 0};
    FILE *file = fopen(path, "rb");

    assert_non_null(b.at);
    assert_non_null(file);
    b.size = fread(b.at, 1, 1 << 16, file);
    fclose(file);
    assert_true(b.size > 8 && b.size < 1 << 16);
    return b;
}

static void write_bytes(const char *path, const unsigned char *at, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(at, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* What opening the folder says; fails the test when it opens. */
static struct nn_error complaint(const struct folder *f)
{
    struct nn_model *model = NULL;
    struct nn_error err = {0};

    if (nn_model_open(f->template, &model, &err) == NN_OK)
        fail_msg("it was opened");
    assert_null(model);
    return err;
}

static void says(const struct nn_error *err, const char *words, const char *name)
{
    if (!strstr(err->text, words) || !strstr(err->text, name))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err->text, words, name);
}

/* Where the data begin in the file. */
static size_t data_start(struct bytes b)
{
    size_t length = 0;
    for (int i = 0; i < 8; i++)
        length |= (size_t)b.at[i] << 8 * i;
    return 8 + length;
}

/* Tensors lie in the graph's order, one after the other. */
static int tensor_at(const struct folder *f, size_t offset, size_t element)
{
    size_t end = 0;
    for (int i = 0; i < nn_graph_parameter_count(f->graph); i++) {
        end += nn_graph_parameter(f->graph, i)->elements * element;
        if (offset < end)
            return i;
    }
    return -1;
}

/* Around every tensor's boundaries: the first tensor that is not whole is named. */
static void cut_at_every_boundary(void **state)
{
    struct folder f;

    (void)state;
    for (int half = 0; half < 2; half++) {
        open_folder(&f, half ? NN_F16 : NN_F32);
        size_t element = half ? 2 : 4, end = 0;
        struct bytes b = read_bytes(f.weights);
        size_t start = data_start(b);
        for (int i = -1; i < nn_graph_parameter_count(f.graph); i++) {
            end += i < 0 ? 0 : nn_graph_parameter(f.graph, i)->elements * element;
            for (int off = -1; off <= 1; off++) {
                size_t size = start + end + (size_t)off;
                if (size >= b.size)
                    continue;
                write_bytes(f.weights, b.at, size);
                struct nn_error err = complaint(&f);
                assert_int_equal(err.status, NN_BAD_DATA);
                if (size < start)
                    says(&err, "header", "");
                else
                    says(&err, "tensor ",
                         nn_graph_parameter(f.graph, tensor_at(&f, size - start, element))->name);
            }
        }
        unsigned char *longer = calloc(1, b.size + 1);
        assert_non_null(longer);
        memcpy(longer, b.at, b.size);
        write_bytes(f.weights, longer, b.size + 1);
        struct nn_error err = complaint(&f);
        says(&err, "SHA-256", "every tensor is there");
        free(longer);
        free(b.at);
        close_folder(&f);
    }
}

static void a_flipped_bit_names_its_tensor(void **state)
{
    struct folder f;

    (void)state;
    for (int half = 0; half < 2; half++) {
        open_folder(&f, half ? NN_F16 : NN_F32);
        struct bytes b = read_bytes(f.weights);
        size_t start = data_start(b);
        for (size_t i = start; i < b.size; i++) {
            b.at[i] ^= (unsigned char)(1u << i % 8);
            write_bytes(f.weights, b.at, b.size);
            struct nn_error err = complaint(&f);
            int tensor = tensor_at(&f, i - start, half ? 2 : 4);
            assert_int_equal(err.status, NN_BAD_DATA);
            says(&err, "damaged", nn_graph_parameter(f.graph, tensor)->name);
            b.at[i] ^= (unsigned char)(1u << i % 8);
        }
        free(b.at);
        close_folder(&f);
    }
}

/* Every bit of the header: the folder never opens, and what opens as a weight file still holds the
 * same tensors (only words about the file have changed). */
static void a_flipped_header_never_misleads(void **state)
{
    struct folder f;
    struct nn_error err;
    size_t harmless = 0, bits = 0;

    (void)state;
    open_folder(&f, NN_F32);
    struct bytes b = read_bytes(f.weights);
    size_t start = data_start(b);
    for (size_t bit = 0; bit < 8 * start; bit++, bits++) {
        struct nn_weights *weights;
        b.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (nn_weights_open_memory(b.at, b.size, "flipped", &weights, &err) == NN_OK) {
            harmless++;
            assert_string_not_equal(nn_weights_digest(weights), f.info.weights_digest);
            assert_int_equal(nn_weights_count(weights), nn_graph_parameter_count(f.graph));
            for (int i = 0; i < nn_graph_parameter_count(f.graph); i++) {
                struct nn_tensor want = tensor_of(&f, i);
                const struct nn_tensor *have = nn_weights_find(weights, want.name);
                assert_non_null(have);
                assert_int_equal(have->dims, want.dims);
                assert_memory_equal(have->dim, want.dim, sizeof want.dim);
                assert_memory_equal(have->data, want.data, want.elements * sizeof(float));
            }
            nn_weights_close(weights);
            if (harmless % 8 == 0) {
                write_bytes(f.weights, b.at, b.size);
                err = complaint(&f);
                says(&err, "SHA-256", "");
            }
        }
        b.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(harmless > 0 && harmless < bits / 4);
    free(b.at);
    close_folder(&f);
}

/* A file without checksums, as others write it. `change` of tensor `which` before it is written. */
enum change { NOTHING, LEFT_OUT, ADDED, TURNED, NOT_A_NUMBER, INFINITE };

static void write_foreign(const struct folder *f, enum nn_dtype store, int which,
                          enum change change)
{
    char header[4096];
    unsigned char data[4096];
    size_t used = (size_t)snprintf(header, sizeof header, "{"), size = 0;

    for (int i = 0; i < nn_graph_parameter_count(f->graph); i++) {
        struct nn_tensor t = tensor_of(f, i);
        size_t begin = size;
        if (i == which && change == LEFT_OUT)
            continue;
        for (size_t k = 0; k < t.elements; k++) {
            float value = t.data[k];
            if (i == which && k == t.elements / 2 && change == NOT_A_NUMBER)
                value = NAN;
            if (i == which && k == t.elements / 2 && change == INFINITE)
                value = -INFINITY;
            uint16_t half = nn_float_to_half(value);
            memcpy(data + size, store == NN_F16 ? (void *)&half : (void *)&value,
                   store == NN_F16 ? 2 : 4);
            size += store == NN_F16 ? 2 : 4;
        }
        if (i == which && change == TURNED) {
            t.dim[t.dims] = 1;
            t.dims++;
        }
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", used > 1 ? "," : "",
                                 t.name, store == NN_F16 ? "F16" : "F32");
        for (int d = 0; d < t.dims; d++)
            used += (size_t)snprintf(header + used, sizeof header - used, d ? ",%lld" : "%lld",
                                     (long long)t.dim[d]);
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 "],\"data_offsets\":[%zu,%zu]}", begin, size);
    }
    if (change == ADDED)
        used += (size_t)snprintf(
            header + used, sizeof header - used,
            ",\"more\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[%zu,%zu]}", size, size);
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    FILE *file = fopen(f->weights, "wb");
    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        fputc((int)(used >> 8 * i & 0xff), file);
    fwrite(header, 1, used, file);
    fwrite(data, 1, size, file);
    assert_int_equal(fclose(file), 0);
}

/* Nothing tells of these but the numbers and shapes themselves: in a folder, where the digest is
 * wrong too, and in a file that something starts from. */
static void what_a_foreign_file_may_hold(void **state)
{
    static const struct {
        enum change change;
        enum nn_status status;
        const char *words;
    } cases[] = {{LEFT_OUT, NN_MISSING, "not in the weights"},
                 {TURNED, NN_SHAPE, "its shape"},
                 {NOT_A_NUMBER, NN_BAD_DATA, "is not finite"},
                 {INFINITE, NN_BAD_DATA, "is not finite"}};
    struct folder f;

    (void)state;
    open_folder(&f, NN_F32);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int half = 0; half < 2; half++)
            for (int i = 0; i < nn_graph_parameter_count(f.graph); i++) {
                const char *name = nn_graph_parameter(f.graph, i)->name;
                struct nn_model_info info = f.info;
                struct nn_model *model;
                struct nn_error err = {0};
                write_foreign(&f, half ? NN_F16 : NN_F32, i, cases[c].change);
                info.weights_digest[0] = '\0';
                assert_int_equal(nn_model_assemble(&info, f.graph, f.weights, &model, &err),
                                 cases[c].status);
                assert_null(model);
                says(&err, cases[c].words, name);
                err = complaint(&f);
                assert_int_equal(err.status, NN_BAD_DATA);
                says(&err, "SHA-256", name);
                says(&err, cases[c].words, name);
            }
    close_folder(&f);
}

static void a_foreign_file_that_fits(void **state)
{
    static const enum change changes[] = {NOTHING, ADDED};
    struct folder f;

    (void)state;
    open_folder(&f, NN_F32);
    for (int i = 0; i < 2; i++) {
        struct nn_model_info info = f.info;
        struct nn_model *model;
        struct nn_error err = {0};
        write_foreign(&f, NN_F32, 0, changes[i]);
        info.weights_digest[0] = '\0';
        if (nn_model_assemble(&info, f.graph, f.weights, &model, &err) != NN_OK)
            fail_msg("%s", err.text);
        nn_model_close(model);
        err = complaint(&f); /* another file than model.xml's, though nothing is wrong in it */
        says(&err, "SHA-256", "every tensor is there and finite");
    }
    close_folder(&f);
}

/* Checksums of some tensors only, or of tensors that are not there. */
static void checksums_must_be_complete(void **state)
{
    static const char one[] = "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    static const char two[] = ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}";
    static const struct {
        const char *sums, *more, *words;
    } cases[] = {
        {"\"crc32/a\":\"2144df1c\"", two, "tensor b: has no checksum"},
        {"\"crc32/a\":\"2144df1c\",\"crc32/z\":\"2144df1c\"", "", "2 checksums of 1 tensors"},
        {"\"crc32/a\":\"2144DF1C\"", "", "tensor a: its bytes are damaged"},
        {"\"crc32/a\":\"\"", "", "tensor a: its bytes are damaged"},
        {"\"crc32/a\":\"2144df1c\"", "", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[512] = {0};
        struct nn_weights *weights;
        struct nn_error err = {0};
        int length = snprintf(file + 8, sizeof file - 8, "{\"__metadata__\":{%s},%s%s}",
                              cases[i].sums, one, cases[i].more);
        file[0] = (char)length;
        size_t size = 8 + (size_t)length + (cases[i].more[0] ? 8 : 4);
        enum nn_status status = nn_weights_open_memory(file, size, "f", &weights, &err);
        assert_int_equal(status, cases[i].words ? NN_BAD_DATA : NN_OK);
        if (cases[i].words)
            says(&err, cases[i].words, "");
        nn_weights_close(weights);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_boundary),
        cmocka_unit_test(a_flipped_bit_names_its_tensor),
        cmocka_unit_test(a_flipped_header_never_misleads),
        cmocka_unit_test(what_a_foreign_file_may_hold),
        cmocka_unit_test(a_foreign_file_that_fits),
        cmocka_unit_test(checksums_must_be_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
