/* What an SR document is, by its content: for who has to know whose it is when its header does not
 * tell. */
#include "object.hh"

#include <cstring>

namespace
{

const char private_mark[] = "99"; /* begins a designator that no standard gives (PS3.3 8.2) */

DcmItem *concept_of(DcmItem *item)
{
    DcmItem *code = nullptr;
    return item->findAndGetSequenceItem(DCM_ConceptNameCodeSequence, code, 0).good() ? code
                                                                                     : nullptr;
}

bool is_code(DcmItem *code, const char *scheme, const char *value)
{
    return code != nullptr && dx_text_of(code, DCM_CodingSchemeDesignator) == scheme &&
           dx_text_of(code, DCM_CodeValue) == value;
}

struct document {
    OFString scheme;   /* the first private one of its concept names */
    OFString observer; /* as Observer Type (0040,A084): a person's, if there is one */
};

/* TID 1002: Observer Type; who leaves it out still names a person or a device (TID 1003, 1004). */
const char *observer_of(DcmItem *item, DcmItem *name)
{
    DcmItem *value = nullptr;
    if (is_code(name, "DCM", "121008"))
        return dx_text_of(item, DCM_PersonName).empty() ? "" : "PSN";
    if (is_code(name, "DCM", "121012") || is_code(name, "DCM", "121013"))
        return "DEV";
    if (!is_code(name, "DCM", "121005") ||
        item->findAndGetSequenceItem(DCM_ConceptCodeSequence, value, 0).bad())
        return "";
    return is_code(value, "DCM", "121006") ? "PSN" : is_code(value, "DCM", "121007") ? "DEV" : "";
}

void take_observer(const OFString &observer, document *found)
{
    if (observer == "PSN" || (observer == "DEV" && found->observer.empty()))
        found->observer = observer;
}

void look_at(DcmItem *item, bool is_top, document *found)
{
    DcmItem *name = concept_of(item);
    if (name == nullptr)
        return;
    OFString scheme = dx_text_of(name, DCM_CodingSchemeDesignator);
    if (found->scheme.empty() && scheme.compare(0, strlen(private_mark), private_mark) == 0)
        found->scheme = scheme;
    if (is_top)
        take_observer(observer_of(item, name), found);
}

/* The root's children and theirs: no deeper, whatever the document is. */
void look_below(DcmItem *item, int depth, document *found)
{
    DcmSequenceOfItems *content = nullptr;
    if (item->findAndGetSequence(DCM_ContentSequence, content).bad() || content == nullptr)
        return;
    for (DcmObject *o = content->nextInContainer(nullptr); o != nullptr;
         o = content->nextInContainer(o)) {
        DcmItem *child = dynamic_cast<DcmItem *>(o);
        if (child == nullptr)
            continue;
        look_at(child, depth == 0, found);
        if (depth == 0)
            look_below(child, depth + 1, found);
    }
}

/* The header's authors (PS3.3 C.17.2). */
void look_at_authors(DcmItem *dataset, document *found)
{
    DcmSequenceOfItems *authors = nullptr;
    if (dataset->findAndGetSequence(DCM_AuthorObserverSequence, authors).bad() ||
        authors == nullptr)
        return;
    for (DcmObject *o = authors->nextInContainer(nullptr); o != nullptr;
         o = authors->nextInContainer(o)) {
        DcmItem *author = dynamic_cast<DcmItem *>(o);
        if (author != nullptr)
            take_observer(dx_text_of(author, DCM_ObserverType), found);
    }
}

} /* namespace */

enum dx_status dx_collect_document(DcmItem *dataset, struct dx_attrs *attrs)
{
    document found;
    enum dx_status status = DX_OK;
    DcmItem *name = concept_of(dataset);
    if (name == nullptr)
        return DX_OK;
    OFString title = dx_text_of(name, DCM_CodingSchemeDesignator) == "DCM"
                         ? dx_text_of(name, DCM_CodeValue)
                         : "";
    look_at_authors(dataset, &found);
    look_below(dataset, 0, &found);
    const struct {
        uint32_t tag;
        const char *vr;
        OFString text;
    } all[] = {{DX_TAG(0x0040, 0xa043), "SH", title},
               {DX_TAG(0x0040, 0xa084), "CS", found.observer},
               {DX_TAG(0x0008, 0x0102), "SH", found.scheme}};
    for (const auto &one : all)
        if (status == DX_OK && !one.text.empty())
            status = dx_attrs_set(attrs, one.tag, one.vr, one.text.c_str(), one.text.length());
    return status == DX_LIMIT ? DX_OK : status;
}
