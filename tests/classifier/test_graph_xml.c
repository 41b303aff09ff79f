/* A model whose graph stands in model.xml: the same graph comes back, bit by bit; what is wrong is
 * refused by line and layer. */
#include "every_op.h"
#include "graph/graph_ops.h"
#include "nn_fixture.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct nn_model_info graph_info(int side)
{
    struct nn_model_info info = fixture_info(side);
    snprintf(info.network, sizeof info.network, "%s", NN_OWN_GRAPH);
    return info;
}

static char *read_whole(const char *path)
{
    char *xml = calloc(1, NN_MODEL_XML_MAX);
    FILE *file = fopen(path, "rb");

    assert_non_null(xml);
    assert_non_null(file);
    assert_true(fread(xml, 1, NN_MODEL_XML_MAX - 1, file) > 0);
    fclose(file);
    return xml;
}

/* Writes a folder with drawn parameters; info gets the digests. */
static void save(const char *dir, const struct nn_graph *graph, struct nn_model_info *info,
                 uint64_t seed)
{
    struct nn_values *values = draw_values(graph, seed);
    size_t count = (size_t)nn_graph_parameter_count(graph);
    struct nn_tensor *tensors = calloc(count + 1, sizeof *tensors);
    const float extra = 1;
    struct nn_error err = {0};

    assert_non_null(tensors);
    for (size_t i = 0; i < count; i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, (int)i);
        float *data = nn_values_at(values, (int)i);
        for (size_t k = 0; p->not_negative && k < p->elements; k++)
            data[k] = fabsf(data[k]) + 0.5f;
        tensors[count - 1 - i] = (struct nn_tensor){
            .name = p->name, .dims = p->dims, .elements = p->elements, .data = data};
        for (int d = 0; d < p->dims; d++)
            tensors[count - 1 - i].dim[d] = p->dim[d];
    }
    tensors[count] = (struct nn_tensor){
        .name = "nobody's", .dims = 1, .dim = {1}, .elements = 1, .data = &extra};
    if (nn_model_save(dir, info, graph, tensors, count + 1, NN_F32, &err) != NN_OK)
        fail_msg("%s", err.text);
    free(tensors);
    nn_values_destroy(values);
}

static void every_op_comes_back(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    struct nn_graph *graph = every_op(3);
    static struct nn_model_info info;
    struct nn_model *model;
    struct nn_weights *weights;
    struct nn_error err = {0};

    (void)state;
    info = graph_info(32);
    save(dir, graph, &info, 4);
    if (nn_model_open(dir, &model, &err) != NN_OK)
        fail_msg("%s", err.text);
    const struct nn_graph *back = nn_model_graph(model);
    assert_int_equal(nn_graph_count(back), nn_graph_count(graph));
    assert_int_equal(nn_graph_parameter_count(back), nn_graph_parameter_count(graph));
    for (int i = 0; i < nn_graph_count(graph); i++) {
        struct nn_shape a = nn_graph_shape(graph, i), b = nn_graph_shape(back, i);
        assert_string_equal(nn_graph_name(back, i), nn_graph_name(graph, i));
        assert_memory_equal(&a, &b, sizeof a);
    }
    /* the digest is over every attribute's bits */
    assert_int_equal(strlen(info.graph_digest), 64);
    assert_string_equal(nn_model_info(model)->graph_digest, info.graph_digest);
    assert_string_equal(nn_model_info(model)->digest, info.digest);
    fixture_path(path, dir, "weights.safetensors");
    assert_int_equal(nn_weights_open(path, &weights, &err), NN_OK);
    assert_int_equal(nn_weights_count(weights), nn_graph_parameter_count(graph));
    assert_null(nn_weights_find(weights, "nobody's"));
    nn_weights_close(weights);

    /* written again from what was read, the file is the same */
    static struct nn_model_info again;
    again = *nn_model_info(model);
    fixture_path(path, dir, "model.xml");
    char *first = read_whole(path);
    assert_int_equal(nn_model_write(dir, &again, back, &err), NN_OK);
    char *second = read_whole(path);
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "low=\"-INF\" high=\"6\""));
    assert_non_null(strstr(first, "alpha=\"0.33333334\""));
    assert_non_null(strstr(first, "epsilon=\"1e-05\" momentum=\"0.1\""));
    free(first);
    free(second);
    nn_model_close(model);
    nn_graph_destroy(graph);
    fixture_remove(dir);
}

/* The named network and its graph in a file judge alike, to the bit. */
static void a_graph_judges_as_the_network(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    static struct nn_model_info info;
    static float plane[64 * 64];
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet(3, 64, &err);
    struct nn_judgement judged[2];

    (void)state;
    fill(plane, 64 * 64, 3);
    for (int i = 0; i < 64 * 64; i++)
        plane[i] = 0.5f + 0.5f * plane[i];
    fixture_path(path, dir, "weights.safetensors");
    fixture_weights(path, 3, 64);
    for (int own = 0; own < 2; own++) {
        struct nn_model *model;
        struct nn_judge *judge;
        info = own ? graph_info(64) : fixture_info(64);
        info.weights_digest[0] = '\0';
        if (nn_model_assemble(&info, own ? graph : NULL, path, &model, &err) != NN_OK)
            fail_msg("%s", err.text);
        info = *nn_model_info(model);
        nn_model_close(model);
        assert_int_equal(nn_model_write(dir, &info, own ? graph : NULL, &err), NN_OK);
        if (nn_model_open(dir, &model, &err) != NN_OK)
            fail_msg("%s", err.text);
        assert_int_equal(nn_judge_create(model, NULL, &judge, &err), NN_OK);
        assert_int_equal(nn_judge_plane(judge, plane, 64, 64, &judged[own], &err), NN_OK);
        nn_judge_destroy(judge);
        nn_model_close(model);
    }
    assert_memory_equal(judged[0].score, judged[1].score, 3 * sizeof(float));
    nn_graph_destroy(graph);
    fixture_remove(dir);
}

static void the_digest_follows_the_graph(void **state)
{
    char template[32];
    const char *dir = fixture_dir(template);
    static struct nn_model_info a, b;
    struct nn_error err = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct nn_graph *g = nn_graph_create();
        int x = nn_graph_input(g, "data", (struct nn_shape){3, 64, 64});
        x = nn_graph_dropout(g, i == 1 ? "drip" : "drop", x, i == 2 ? nextafterf(0.5f, 1) : 0.5f);
        x = nn_graph_linear(g, "scores", x, 3, false);
        nn_graph_softmax(g, "prob", x);
        finished(g);
        b = graph_info(64);
        assert_int_equal(nn_model_write(dir, &b, g, &err), NN_OK);
        if (i == 0)
            a = b;
        else
            assert_string_not_equal(a.digest, b.digest);
        nn_graph_destroy(g);
    }
    fixture_remove(dir);
}

static const char before[] =
    "<?xml version=\"1.0\"?>\n"
    "<model name=\"m\" version=\"1\" network=\"graph\">\n"
    "<intended-use>tests</intended-use>\n"
    "<scope modalities=\"CR DX\" body-parts=\"CSPINE\" views=\"LL\" minimum-age=\"16\"/>\n"
    "<input side=\"32\" fit=\"stretch\" scale=\"255\" mean=\"104 117 123\"/>\n"
    "<classes><class number=\"0\" name=\"a\" finding=\"true\" operating-point=\"0.25\"/>"
    "<class number=\"1\" name=\"b\" finding=\"false\"/></classes>\n"
    "<calibration method=\"none\"/>\n<provenance kind=\"synthetic\">a test</provenance>\n<graph>\n";
static const char data[] = "<layer name=\"data\" op=\"input\" shape=\"3 32 32\"/>\n";
static const char after[] = "<layer name=\"scores\" op=\"linear\" from=\"x\" outputs=\"2\"/>\n"
                            "<layer name=\"prob\" op=\"softmax\" from=\"scores\"/>\n</graph>\n"
                            "<weights sha256=\"" DIGEST "\"/>\n</model>\n";

static enum nn_status parse(const char *a, const char *b, const char *c, struct nn_error *err)
{
    static struct nn_model_info info;
    char xml[8192];
    int size = snprintf(xml, sizeof xml, "%s%s%s%s", before, a, b, c);

    assert_true(size > 0 && (size_t)size < sizeof xml);
    *err = (struct nn_error){0};
    return nn_model_info_parse("m.xml", xml, (size_t)size, &info, err);
}

static void refused(const char *a, const char *b, const char *c, const char *where,
                    const char *what)
{
    struct nn_error err;

    assert_int_equal(parse(a, b, c, &err), NN_BAD_DATA);
    if (!strstr(err.text, where) || !strstr(err.text, what))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err.text, where, what);
}

static void layer_refused(const char *attributes, const char *what)
{
    char layer[256];

    snprintf(layer, sizeof layer, "<layer name=\"x\" %s/>\n", attributes);
    refused(data, layer, after, "m.xml:11:", what);
}

static void refusals_name_line_and_layer(void **state)
{
    struct nn_error err;
    static const char relu[] = "<layer name=\"x\" op=\"relu\" from=\"data\"/>\n";

    (void)state;
    if (parse(data, relu, after, &err) != NN_OK)
        fail_msg("%s", err.text);
    layer_refused("op=\"relu\"", "layer x: it has too few producers");
    layer_refused("op=\"relu\" from=\"data data\"", "layer x: it has too many producers");
    layer_refused("op=\"relu\" from=\"dota\"", "layer x: no layer above it is called dota");
    layer_refused("op=\"relu\" from=\"prob\"", "layer x: no layer above it is called prob");
    layer_refused("op=\"relu\" from=\"data\" rate=\"1\"", "layer x: its op has no attribute rate");
    layer_refused("op=\"gelu\" from=\"data\"", "gelu");
    layer_refused("from=\"data\"", "op");
    layer_refused("op=\"dropout\" from=\"data\"", "layer x: its op needs the attribute rate");
    layer_refused("op=\"dropout\" from=\"data\" rate=\"1\"", "layer x: the rate must be");
    layer_refused("op=\"dropout\" from=\"data\" rate=\"NaN\"", "layer x: a wrong value of rate");
    layer_refused("op=\"dropout\" from=\"data\" rate=\"half\"", "rate");
    layer_refused("op=\"input\" shape=\"3 32 32\"", "layer x: a graph has one input");
    layer_refused("op=\"reshape\" from=\"data\" shape=\"3 32 33\"", "layer x: as many elements");
    layer_refused("op=\"reshape\" from=\"data\" shape=\"3 1024\"",
                  "layer x: a wrong value of shape");
    layer_refused("op=\"max-pool\" from=\"data\" kernel=\"3 3\" stride=\"0 1\" pad=\"0 0\"",
                  "layer x: kernel, stride or padding");
    layer_refused("op=\"max-pool\" from=\"data\" kernel=\"3 3 3\" stride=\"1 1\" pad=\"0 0\"",
                  "layer x: a wrong value of kernel");
    layer_refused("op=\"max-pool\" from=\"data\" kernel=\"3 -3\" stride=\"1 1\" pad=\"0 0\"",
                  "kernel");
    layer_refused("op=\"conv2d\" from=\"data\" channels=\"4\" kernel=\"3 3\" stride=\"1 1\" "
                  "pad=\"1 1\" groups=\"2\"",
                  "layer x: groups do not divide");
    layer_refused("op=\"linear\" from=\"data\" outputs=\"268435457\"", "outputs");
    layer_refused("op=\"linear\" from=\"data\" outputs=\"0\"", "layer x: ");
    layer_refused("op=\"clip\" from=\"data\" low=\"1\" high=\"-INF\"", "layer x: its low bound");
    layer_refused("op=\"pad\" from=\"data\" sides=\"1 1 1 1\" value=\"INF\"", "layer x: its value");
    layer_refused("op=\"relu\" from=\"data\" relu=\"yes\"", "relu");
    refused(data, "<layer name=\"data\" op=\"relu\" from=\"data\"/>\n", after,
            "m.xml:11:", "layer data: the name is taken");
    refused(data, "<layer name=\"a b\" op=\"relu\" from=\"data\"/>\n", after, "m.xml:11:", "name");
    refused(data, "<layer name=\"\" op=\"relu\" from=\"data\"/>\n", after, "m.xml:11:", "name");
    refused("", relu, after, "m.xml:10:", "layer x: no layer above it is called data");
    refused("<layer name=\"data\" op=\"input\" shape=\"3 32 31\"/>\n", relu, after,
            "m.xml:9:", "layer data: an input of 3 x 32 x 32 is expected");
    refused(data, relu,
            "<layer name=\"scores\" op=\"linear\" from=\"x\" outputs=\"3\"/>\n"
            "<layer name=\"prob\" op=\"softmax\" from=\"scores\"/>\n</graph>\n"
            "<weights sha256=\"" DIGEST "\"/>\n</model>\n",
            "m.xml:9:", "layer prob: 2 classes are expected");
    refused(data, relu, "</graph>\n<weights sha256=\"" DIGEST "\"/>\n</model>\n",
            "m.xml:9:", "layer x: a graph ends in softmax");
    refused("", "", "</graph>\n<weights sha256=\"" DIGEST "\"/>\n</model>\n", "m.xml:9:", "graph");
}

/* A few bytes of XML must not name terabytes. */
static void limits_are_kept(void **state)
{
    struct nn_error err;
    char layers[4096] = "";
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        used += (size_t)snprintf(layers + used, sizeof layers - used,
                                 "<layer name=\"p%d\" op=\"pad\" from=\"data\" "
                                 "sides=\"4000 4000 4000 4000\" value=\"0\"/>\n",
                                 i);
    assert_int_equal(parse(data, layers, after, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "layer p2: the layers so far need more memory"));
    char *xml = malloc(NN_MODEL_XML_MAX);
    assert_non_null(xml);
    used = (size_t)snprintf(xml, NN_MODEL_XML_MAX, "%s%s", before, data);
    for (int i = 0; i < 4200; i++)
        used += (size_t)snprintf(xml + used, NN_MODEL_XML_MAX - used,
                                 "<layer name=\"r%d\" op=\"relu\" from=\"data\"/>\n", i);
    used += (size_t)snprintf(xml + used, NN_MODEL_XML_MAX - used, "%s", after);
    static struct nn_model_info info;
    assert_int_equal(nn_model_info_parse("m.xml", xml, used, &info, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "too many layers"));
    free(xml);
}

/* Any bits of a float but NaN's; no more than nine digits. */
static void floats_come_back_bit_by_bit(void **state)
{
    static const uint32_t edges[] = {0,          1,          0x80000000, 0x007fffff, 0x00800000,
                                     0x7f7fffff, 0x7f800000, 0xff800000, 0x3f800001, 0x3eaaaaab};
    const struct nn_field *low = nn_op_form(NN_OP_CLIP)->fields;
    uint32_t bits = 12345;

    (void)state;
    assert_string_equal(low->key, "low");
    for (size_t i = 0; i < 20000; i++) {
        struct nn_layer from = {.op = NN_OP_CLIP}, to = {.op = NN_OP_CLIP};
        char text[NN_FIELD_TEXT];
        bits = i < sizeof edges / sizeof *edges ? edges[i] : bits * 1664525u + 1013904223u;
        memcpy(&from.clip.low, &bits, sizeof bits);
        if (isnan(from.clip.low))
            continue;
        assert_true(nn_field_print(low, &from, text));
        assert_true(strlen(text) <= 15);
        assert_true(nn_field_scan(low, text, &to));
        if (memcmp(&from.clip.low, &to.clip.low, sizeof bits) != 0)
            fail_msg("%08x became %s", bits, text);
    }
}

/* What the fuzzer starts from must reach the graph. */
static void the_fuzzers_seed_is_accepted(void **state)
{
    static struct nn_model_info info;
    struct nn_error err;
    char *xml = read_whole(CERVIGATE_SOURCE_DIR "/tests/fuzz/seeds/model_xml/graph.xml");

    (void)state;
    if (nn_model_info_parse("graph.xml", xml, strlen(xml), &info, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(strlen(info.graph_digest), 64);
    assert_int_equal(info.leaking_pairs, 3);
    free(xml);
}

static void a_graph_and_a_name_exclude_each_other(void **state)
{
    char xml[4096];
    static struct nn_model_info info;
    struct nn_error err = {0};
    char template[32];
    const char *dir = fixture_dir(template);
    struct nn_graph *graph = every_op(3), *wide = every_op(4);

    (void)state;
    snprintf(xml, sizeof xml, "%s%s<layer name=\"x\" op=\"relu\" from=\"data\"/>\n%s", before, data,
             after);
    char *name = strstr(xml, "\"graph\">");
    assert_non_null(name);
    char *graph_element = strstr(xml, "<graph>");
    memcpy(name, "\"stack\">", 8);
    assert_int_equal(nn_model_info_parse("m.xml", xml, strlen(xml), &info, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "m.xml:2: network is not one"));
    memcpy(name, "\"graph\">", 8);
    char *end = strstr(xml, "<weights");
    memmove(graph_element, end, strlen(end) + 1);
    assert_int_equal(nn_model_info_parse("m.xml", xml, strlen(xml), &info, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "m.xml:2: network graph needs a <graph>"));

    info = graph_info(32);
    assert_int_equal(nn_model_write(dir, &info, NULL, &err), NN_INVALID);
    assert_int_equal(nn_model_write(dir, &info, wide, &err), NN_SHAPE);
    info.preprocess.side = 64;
    assert_int_equal(nn_model_write(dir, &info, graph, &err), NN_SHAPE);
    info = fixture_info(32);
    assert_int_equal(nn_model_write(dir, &info, graph, &err), NN_INVALID);
    nn_graph_destroy(graph);
    nn_graph_destroy(wide);
    fixture_remove(dir);
}

static void what_no_file_can_hold_is_refused(void **state)
{
    static const char *const names[] = {"white space", "t\tab", "gr\xc3\xbc\xc3\x9f", "\x01"};
    char template[32];
    const char *dir = fixture_dir(template);
    static struct nn_model_info info;
    struct nn_error err = {0};

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct nn_graph *g = nn_graph_create();
        int x = nn_graph_input(g, "data", (struct nn_shape){3, 32, 32});
        x = nn_graph_relu(g, i < 4 ? names[i] : "relu", x);
        x = nn_graph_linear(g, "scores", x, 3, false);
        if (i == 4) {
            int early = nn_graph_linear(g, "early/scores", 0, 3, false);
            nn_graph_auxiliary(g, nn_graph_softmax(g, "early", early), 0.3f);
        }
        if (i < 5)
            nn_graph_softmax(g, "prob", x);
        finished(g);
        info = graph_info(32);
        assert_int_equal(nn_model_write(dir, &info, g, &err), NN_INVALID);
        assert_non_null(strstr(err.text, "layer "));
        nn_graph_destroy(g);
    }
    fixture_remove(dir);
}

/* What is missing, misshapen or not finite among the tensors to be saved. */
static void tensors_that_do_not_fit_are_refused(void **state)
{
    static struct nn_model_info info;
    const float weight[2 * 3] = {0}, bad[2] = {0, NAN}, good[2] = {0};
    char template[32];
    const char *dir = fixture_dir(template);
    struct nn_error err = {0};
    struct nn_graph *g = nn_graph_create();
    int x = nn_graph_input(g, "data", (struct nn_shape){3, 32, 32});

    (void)state;
    x = nn_graph_global_avg_pool(g, "mean", x);
    x = nn_graph_linear(g, "scores", x, 2, false);
    nn_graph_softmax(g, "prob", x);
    finished(g);
    struct nn_tensor tensors[2] = {
        {.name = "scores.weight", .dims = 2, .dim = {2, 3}, .elements = 6, .data = weight},
        {.name = "scores.bias", .dims = 1, .dim = {2}, .elements = 2, .data = bad}};
    info = graph_info(32);
    info.classes = 2;
    info.class_[1].finding = false;
    assert_int_equal(nn_model_save(dir, &info, g, tensors, 1, NN_F32, &err), NN_MISSING);
    assert_non_null(strstr(err.text, "tensor scores.bias"));
    assert_int_equal(nn_model_save(dir, &info, g, tensors, 2, NN_F32, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "tensor scores.bias"));
    tensors[1].data = good;
    tensors[0].dim[0] = 3;
    tensors[0].dim[1] = 2;
    assert_int_equal(nn_model_save(dir, &info, g, tensors, 2, NN_F32, &err), NN_SHAPE);
    assert_non_null(strstr(err.text, "tensor scores.weight"));
    tensors[0].dim[0] = 2;
    tensors[0].dim[1] = 3;
    if (nn_model_save(dir, &info, g, tensors, 2, NN_F16, &err) != NN_OK)
        fail_msg("%s", err.text);
    nn_graph_destroy(g);
    fixture_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_comes_back),
        cmocka_unit_test(a_graph_judges_as_the_network),
        cmocka_unit_test(the_digest_follows_the_graph),
        cmocka_unit_test(refusals_name_line_and_layer),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(floats_come_back_bit_by_bit),
        cmocka_unit_test(the_fuzzers_seed_is_accepted),
        cmocka_unit_test(a_graph_and_a_name_exclude_each_other),
        cmocka_unit_test(what_no_file_can_hold_is_refused),
        cmocka_unit_test(tensors_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
