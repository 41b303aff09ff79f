# docs/3am.md as a page that prints on one sheet of A4: awk -f card.awk 3am.md > 3am.html. It knows the Markdown of that page: a heading, paragraphs,
# one table, blocks, and code, bold, italics and links within lines; a link is its text, since paper has none.

function inline(text,    out, at, length_of) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    out = ""
    while ((at = index(text, "`")) > 0) {
        length_of = index(substr(text, at + 1), "`")
        out = out marks(substr(text, 1, at - 1)) "<code>" substr(text, at + 1, length_of - 1) "</code>"
        text = substr(text, at + length_of + 1)
    }
    return out marks(text)
}

# Bold may begin before code and end after it: each mark opens or closes.
function marks(text) {
    while (match(text, /\[[^]]*\]\([^)]*\)/))
        text = substr(text, 1, RSTART - 1) substr(text, RSTART + 1, index(substr(text, RSTART), "]") - 2) substr(text, RSTART + RLENGTH)
    while (match(text, /\*\*/)) {
        text = substr(text, 1, RSTART - 1) (bold ? "</b>" : "<b>") substr(text, RSTART + 2)
        bold = !bold
    }
    while (match(text, /\*/)) {
        text = substr(text, 1, RSTART - 1) (italic ? "</i>" : "<i>") substr(text, RSTART + 1)
        italic = !italic
    }
    return text
}

function begin(what) {
    if (what != inside && inside != "")
        print "</" inside ">"
    if (what != inside && what != "")
        print "<" what ">"
    inside = what
}

function row(line, cell,    cells, i, n) {
    sub(/^\| /, "", line)
    sub(/ \|$/, "", line)
    n = split(line, cells, / \| /)
    printf "<tr>"
    for (i = 1; i <= n; i++)
        printf "<%s>%s</%s>", cell, inline(cells[i]), cell
    print "</tr>"
}

BEGIN {
    print "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>cervigate at 3 a.m.</title><style>"
    print "@page { size: A4; margin: 8mm }"
    print "body { font: 8.8pt/1.2 \"Liberation Sans\", Arial, sans-serif; max-width: 194mm; margin: 0 }"
    print "code, pre { font-family: \"Liberation Mono\", monospace; font-size: 92% } h1 { font-size: 13pt; margin: 0 } p, pre { margin: 1mm 0 }"
    print "pre { background: #eee } table { border-collapse: collapse; width: 100% } td, th { border: 0.3pt solid; padding: 0.3mm 1mm; text-align: left; vertical-align: top }"
    print "td:first-child { width: 26% } td:last-child { width: 39% }\n</style></head><body>"
}

/^```/ {
    begin(fenced ? "" : "pre")
    fenced = !fenced
    next
}

fenced {
    gsub(/&/, "\\&amp;")
    gsub(/</, "\\&lt;")
    print
    next
}

/^# / {
    print "<h1>" inline(substr($0, 3)) "</h1>"
    next
}

/^\|[-|]*$/ { next }

/^\|/ {
    row($0, inside == "table" ? "td" : begin("table") "th")
    next
}

/^$/ {
    begin("")
    next
}

{
    begin("p")
    print inline($0)
}

END {
    begin("")
    print "</body></html>"
}
