/* Selection rules: whatever pattern, values, bounds and header are, there is one answer, the same
 * each time; what is settled before an object is parsed is what is found after.
 *
 * The input is lines: a match ("p3..." pattern, "v3..." values, "l3..." least, "m3..." most of the
 * attribute number 3 of the list below; "r" begins the next rule) or an attribute's value
 * ("=3..."). */
#include "conf_pattern.h"
#include "rules.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#define RULES 4

static const struct {
    uint32_t tag;
    const char *vr;
} attributes[] = {
    {DX_TAG(0x0008, 0x0016), "UI"}, {DX_TAG(0x0008, 0x0060), "CS"}, {DX_TAG(0x0008, 0x1030), "LO"},
    {DX_TAG(0x0008, 0x103e), "LO"}, {DX_TAG(0x0010, 0x1010), "AS"}, {DX_TAG(0x0010, 0x0030), "DA"},
    {DX_TAG(0x0008, 0x0020), "DA"}, {DX_TAG(0x0028, 0x0010), "US"}, {DX_TAG(0x0008, 0x0005), "CS"},
    {CONF_CALLING_AE_TITLE, "AE"},  {CONF_CALLED_AE_TITLE, "AE"},
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

static struct conf_rule rule[RULES];
static const char *calling, *called;
static size_t rules_used;

static void add_match(char kind, int attribute, const char *text)
{
    struct conf_rule *to = &rule[rules_used - 1];
    if (to->matches >= CONF_MAX_MATCHES)
        return;
    struct conf_match *match = &to->match[to->matches++];
    match->keyword = "Fuzz";
    match->tag = attributes[attribute].tag;
    if (kind == 'p')
        match->pattern = text;
    else if (kind == 'v')
        match->values = text;
    else if (kind == 'l')
        match->least = text;
    else
        match->most = text;
    for (int i = 0; i < 2; i++) {
        match->bound[i].number = strtod(text, NULL);
        match->bound[i].unit = (enum conf_unit)(strlen(text) % 5);
    }
}

static void read_line(char *line, struct dx_attrs *attrs)
{
    int attribute = line[0] && line[1] >= '0' && line[1] <= ':' ? line[1] - '0' : -1;
    if (line[0] == 'r' && rules_used < RULES)
        rules_used++;
    if (attribute < 0 || attribute >= ATTRIBUTES)
        return;
    if (line[0] == '=' && attributes[attribute].tag == CONF_CALLING_AE_TITLE)
        calling = line + 2;
    else if (line[0] == '=' && attributes[attribute].tag == CONF_CALLED_AE_TITLE)
        called = line + 2;
    else if (line[0] == '=')
        (void)!dx_attrs_set_text(attrs, attributes[attribute].tag, attributes[attribute].vr,
                                 line + 2);
    else if (strchr("pvlm", line[0]) != NULL)
        add_match(line[0], attribute, line + 2);
}

static void ask(struct rules *rules, const struct dx_attrs *attrs)
{
    struct rules_object object;
    const struct conf_rule *settled = NULL;
    char text[64];
    rules_object_init(&object, attrs, calling, called);
    const struct conf_rule *found = rules_select(rules, &object);
    if (rules_select(rules, &object) != found)
        abort();
    if (rules_settle(rules, &object, &settled) && settled != found)
        abort();
    for (size_t i = 0; i < rules_used; i++) {
        const struct conf_match *failed = NULL;
        bool holds = rules_hold(rules, i, &object, &failed);
        if (holds != (failed == NULL) || (found == &rule[i] && !holds))
            abort();
        if (failed)
            rules_value(&object, failed, text, sizeof text);
    }
    rules_object_finish(&object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char error[8192], *text = malloc(count + 1);
    struct dx_attrs *attrs = dx_attrs_create();
    if (text == NULL || attrs == NULL)
        abort();
    if (count > 0)
        memcpy(text, bytes, count);
    text[count] = '\0';
    memset(rule, 0, sizeof rule);
    for (size_t i = 0; i < RULES; i++)
        rule[i].name = "fuzz";
    calling = called = "";
    rules_used = 1;
    char *rest = text;
    while (rest != NULL) {
        char *line = rest, *end = strchr(rest, '\n');
        rest = end == NULL ? NULL : end + 1;
        if (end != NULL)
            *end = '\0';
        read_line(line, attrs);
    }
    const struct conf conf = {.rules = rule, .rule_count = rules_used};
    struct rules *rules = rules_create(&conf, error, sizeof error);
    if (rules != NULL)
        ask(rules, attrs);
    else if (strstr(error, "expected") == NULL)
        abort();
    rules_destroy(rules);
    dx_attrs_destroy(attrs);
    free(text);
    return 0;
}
