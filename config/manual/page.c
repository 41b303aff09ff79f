/* cervigate.xml(5), in man(7)'s macros. */
#include "words.h"
#include <string.h>

static const char head[] =
    ".TH CERVIGATE.XML 5 \"\" \"cervigate\" \"File formats\"\n"
    ".SH NAME\n"
    "cervigate.xml \\- the configuration of a cervigate node\n"
    ".SH DESCRIPTION\n"
    "An XML file in the namespace\n"
    ".IR urn:cervigate:config:1 .\n"
    "Its root is\n"
    ".BR <cervigate> ;\n"
    "the elements below stand in it in any order, each once, and options are their attributes. "
    "What is\n"
    "not given has its default. Only\n"
    ".B <node>\n"
    "(with aeTitle, spool and a model) and\n"
    ".B <rules>\n"
    "must be there.\n"
    ".PP\n"
    ".B cervigate check\n"
    "tells every error with file and line;\n"
    ".B cervigate check \\-\\-print\\-effective\n"
    "prints what is in force. After a change:\n"
    ".BR \"systemctl reload cervigate\" .\n"
    "A configuration that is wrong is refused, and the node keeps what it has.\n"
    ".PP\n"
    "Secrets (keys, passwords, tokens) are never in it: it names their files.\n"
    ".SH FILES\n"
    ".TP\n"
    ".I /etc/cervigate/cervigate.xml\n"
    "The configuration. As it is shipped it shows every option.\n"
    ".TP\n"
    ".I /etc/cervigate/cervigate.d/*.xml\n"
    "Further files, each a whole\n"
    ".B <cervigate>\n"
    "with any of the elements, read in the order of their names (of FILE.xml: FILE.d). What an "
    "option\n"
    "says there stands above what the files before say. Entries of a list are added, rules before "
    "those\n"
    "of the first file; an entry that bears the name of an earlier one (model: folder; ae: "
    "aeTitle;\n"
    "destination: peer; others: name) changes that one. At most 64 files.\n"
    ".TP\n"
    ".I /usr/share/cervigate/cervigate.xsd\n"
    "The schema (XSD 1.0), for editors and xmllint.\n"
    ".SH OPTIONS\n";
static const char tail[] = ".SH SEE ALSO\n"
                           ".BR cervigated (8),\n"
                           ".BR cervigate (1)\n";

/* A backslash, a minus that is meant, a quote that would be made round; and a line's first dot. */
static void put_text(FILE *out, const char *text, size_t length, bool verbatim)
{
    if (length > 0 && (*text == '.' || *text == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-' &&
                 (verbatim || text[i + 1] == '-' || (i > 0 && text[i - 1] == '-')))
            fputs("\\-", out);
        else if (text[i] == '^')
            fputs("\\(ha", out);
        else if (text[i] == '~')
            fputs("\\(ti", out);
        else if (text[i] == '`')
            fputs("\\(ga", out);
        else
            fputc(text[i], out);
    }
}

static void put_says(FILE *out, const char *says)
{
    bool values = false;

    for (const char *at = says, *end; at; at = end ? end + 1 : NULL) {
        size_t length = strcspn(at, "\n");
        end = strchr(at, '\n');
        const char *tab = memchr(at, '\t', length);
        if (length == 0)
            continue;
        if (tab) {
            fputs(values ? ".TP\n.B " : ".RS\n.TP\n.B ", out);
            values = true;
            put_text(out, at, (size_t)(tab - at), true);
            fputc('\n', out);
            length -= (size_t)(tab + 1 - at);
            at = tab + 1;
        }
        put_text(out, at, length, false);
        fputc('\n', out);
    }
    if (values)
        fputs(".RE\n", out);
}

static void put_example(FILE *out, const char *says)
{
    fputs(".PP\n.in +4n\n.nf\n", out);
    while (says && *says) {
        const size_t length = strcspn(says, "\n");
        put_text(out, says, length, true);
        fputc('\n', out);
        says += length + (says[length] == '\n');
    }
    fputs(".fi\n.in\n", out);
}

/* "Takes ...; default ..." of the row's first option, and of others whose words differ. */
static void put_facts(FILE *out, const struct conf_word *word)
{
    const char *elements = word->element, *attributes = word->attribute;
    char element[64], attribute[64], before[400] = "", text[400];
    bool several = strchr(word->attribute, ' ') != NULL;
    struct facts facts;

    if (!words_take(&elements, element))
        return;
    while (words_take(&attributes, attribute)) {
        if (!facts_of(element, attribute, &facts))
            continue;
        snprintf(text, sizeof text, "%s%s%s", facts.takes,
                 facts.required   ? "; required"
                 : facts.fallback ? "; default: "
                                  : "; no default",
                 !facts.required && facts.fallback ? facts.fallback[0] ? facts.fallback : "empty"
                                                   : "");
        if (strcmp(text, before) == 0)
            continue;
        if (before[0])
            fputs(".br\n", out);
        memcpy(before, text, sizeof before);
        fputs("Takes ", out);
        put_text(out, text, strlen(text), false);
        if (several)
            fprintf(out, " (%s)", attribute);
        fputs(".\n", out);
    }
    fputs(".br\n", out);
}

static void put_option(FILE *out, const struct conf_word *word)
{
    const char *list = word->attribute;
    char attribute[64];

    fputs(".TP\n.B ", out);
    for (bool first = true; words_take(&list, attribute); first = false)
        fprintf(out, "%s%s", first ? "" : ", ", attribute);
    fputc('\n', out);
    put_facts(out, word);
    put_says(out, word->says);
}

bool page_write(FILE *out)
{
    const char *before = "";

    fputs(head, out);
    for (const struct conf_word *word = words_first(); word; word = words_next(word)) {
        bool begins = facts_is_block(word->element) && word == words_about(word->element, NULL);
        bool option = word->attribute && word->attribute[0];
        if (begins || (option && strcmp(word->element, before) != 0)) {
            const char *list = word->element;
            char element[64];
            fputs(".SS ", out);
            for (bool first = true; words_take(&list, element); first = false)
                fprintf(out, "%s<%s>", first ? "" : " ", element);
            fputc('\n', out);
            before = word->element;
        }
        if (!word->attribute) {
            fputs(".PP\n", out);
            put_says(out, word->says);
        } else if (option) {
            put_option(out, word);
        } else {
            put_example(out, word->says);
        }
    }
    fputs(tail, out);
    return true;
}
