#include "cards.h"

#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_text(const char *folder, const char *name)
{
    char path[PATH_MAX];
    char *text = malloc(CARD_TEXT_MOST + 1);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = text != NULL ? fopen(path, "re") : NULL;
    size_t size = file != NULL ? fread(text, 1, CARD_TEXT_MOST + 1, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    if (size == 0 || size > CARD_TEXT_MOST || memchr(text, '\0', size) != NULL) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    char *fitting = realloc(text, size + 1);
    return fitting != NULL ? fitting : text;
}

static void take_attribute(xmlNode *node, const char *name, char *value, size_t size)
{
    xmlChar *text = xmlGetProp(node, (const xmlChar *)name);
    (void)snprintf(value, size, "%s", text != NULL ? (const char *)text : "");
    xmlFree(text);
}

/* The reader of the model has checked the file already; here only who vouches for it is looked at.
 */
static void read_validation(const char *xml, size_t size, struct card *card)
{
    xmlDoc *document = xmlReadMemory(xml, (int)size, "model.xml", NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNode *root = document != NULL ? xmlDocGetRootElement(document) : NULL;
    for (xmlNode *n = root != NULL ? root->children : NULL; n != NULL; n = n->next) {
        if (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, "validation") != 0)
            continue;
        take_attribute(n, "site", card->site, sizeof card->site);
        take_attribute(n, "person", card->person, sizeof card->person);
        take_attribute(n, "date", card->date, sizeof card->date);
        take_attribute(n, "data", card->data, sizeof card->data);
        take_attribute(n, "measures", card->measures, sizeof card->measures);
    }
    xmlFreeDoc(document);
}

void card_read(const char *folder, const char *model_xml, size_t size, struct card *card)
{
    *card = (struct card){.text = read_text(folder, "card.md"),
                          .history = read_text(folder, "history.csv"),
                          .first_history = read_text(folder, "history.first.csv"),
                          .gate_text = read_text(folder, "gate/card.md"),
                          .gate_history = read_text(folder, "gate/history.csv")};
    read_validation(model_xml, size, card);
}

void card_finish(struct card *card)
{
    free(card->text);
    free(card->history);
    free(card->first_history);
    free(card->gate_text);
    free(card->gate_history);
    *card = (struct card){0};
}
