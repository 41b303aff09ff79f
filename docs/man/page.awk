# A man page out of what --help prints, and of what more.txt says of that page.
#   awk -f page.awk -v page=cervigate-check -v section=1 -v version=0.1.0 -v does="..." HELP more.txt
# Understood: "usage: ..." (SYNOPSIS); "  TAG  text" with deeper lines below it; "Word:" or "WORDS" alone on a line
# (a heading); "Exit status: 0 done; 1 no." (a list); anything else is a paragraph.

function escaped(s) {
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    sub(/^\./, "\\\\\\&.", s)
    sub(/^'/, "\\\\\\&'", s)
    return s
}

# A text: options and `code` in bold.
function text(s,    out, word) {
    s = escaped(s)
    while (match(s, /`[^`]+`|\\-\\-[a-z][a-z\\-]*/)) {
        word = substr(s, RSTART, RLENGTH)
        out = out substr(s, 1, RSTART - 1)
        s = substr(s, RSTART + RLENGTH)
        gsub(/`/, "", word)
        out = out "\\fB" word "\\fR"
    }
    out = out s
    gsub(/,/, ",\\:", out) # a line may break there
    return out
}

# What is typed: options and words in bold, PLACES in italics.
function typed(s,    out, word) {
    s = escaped(s)
    while (match(s, /[A-Za-z0-9_.\/\\-]+/)) {
        word = substr(s, RSTART, RLENGTH)
        out = out substr(s, 1, RSTART - 1) (word ~ /^[A-Z][A-Z_0-9]*$/ ? "\\fI" : "\\fB") word "\\fR"
        s = substr(s, RSTART + RLENGTH)
    }
    return out s
}

function heading(words) {
    if (words == last) return
    print ".SH " escaped(words)
    last = words
}

# "0 whole; found; 1 it is not": what follows without a number belongs to the one before.
function statuses(said,    n, i, part, parts) {
    heading("EXIT STATUS")
    sub(/\.$/, "", said)
    n = split(said, parts, /; /)
    for (i = 1; i <= n; i++) {
        part = parts[i]
        while (i < n && parts[i + 1] !~ /^[0-9]+ /) part = part "; " parts[++i]
        print ".TP\n.B " (part + 0)
        sub(/^[0-9]+ /, "", part)
        print text(part)
    }
}

function item(line,    at) {
    if (line ~ /^  [^ ]/) {
        sub(/^  /, "", line)
        at = match(line, /  +/)
        print ".TP\n" typed(at ? substr(line, 1, at - 1) : line)
        if (!at) return
        line = substr(line, at)
        nested = 0
    }
    sub(/^ +/, "", line)
    at = match(line, /  +/)
    if (at) line = substr(line, 1, at - 1) ": " substr(line, at + RLENGTH)
    if (nested) print ".br"
    nested = at > 0
    print text(line)
}

function list(from, to,    i, options, tags) {
    for (i = from; i <= to; i++) {
        if (lines[i] ~ /^  -/) options++
        if (lines[i] ~ /^  .*[^ ]  +[^ ]/ || lines[i] ~ /^   /) tags++
    }
    if (last == "" || (last == "DESCRIPTION" && options)) heading(options ? "OPTIONS" : "DESCRIPTION")
    for (i = from; i <= to; i++)
        if (tags) item(lines[i])
        else print text(substr(lines[i], 3))
}

function is_usage(line) { return tolower(line) ~ /^usage: / }
function is_heading(line) { return line ~ /^[A-Z][A-Z -]+$/ || line ~ /^[A-Za-z]+:$/ }
# Whether `next_line` goes on where `line` ended.
function goes_on(line, next_line) {
    if (next_line == "" || is_heading(line) || is_heading(next_line) || next_line ~ /^Exit status: /) return 0
    return (line ~ /^  /) == (next_line ~ /^  /)
}

function block(from, to,    i, said) {
    if (lines[from] ~ /^[A-Za-z]+:$/) {
        heading("OPTIONS")
        print ".SS " toupper(substr(lines[from], 1, 1)) substr(lines[from], 2, length(lines[from]) - 2)
    } else if (is_heading(lines[from])) {
        heading(lines[from])
    } else if (lines[from] ~ /^  /) {
        list(from, to)
    } else {
        for (i = from; i <= to; i++) said = said (i > from ? " " : "") lines[i]
        if (sub(/^Exit status: /, "", said)) statuses(said)
        else {
            if (last == "") heading("DESCRIPTION")
            else print ".PP"
            print text(said)
        }
    }
}

FNR == 1 { file++ }
file == 1 && /--help there/ { next }
file == 1 { lines[++count] = $0; if (/--config FILE/) configured = 1; next }
/^\[.*\]$/ {
    mine = $0 == "[" page "]" || (page ~ /^cervigate-/ && ($0 == "[every command]" || ($0 == "[with --config]" && configured)))
    next
}
mine { lines[++count] = $0 }

END {
    print ".TH " escaped(toupper(page)) " " section " \"\" \"cervigate " version "\" cervigate"
    print ".ad l\n.nh\n.SH NAME\n" escaped(page) " \\- " escaped(does)
    print ".SH SYNOPSIS\n.nf"
    for (i = 1; i <= count; i++)
        if (is_usage(lines[i])) {
            do {
                print typed(substr(lines[i], 8))
                lines[i++] = ""
            } while (lines[i] ~ /^       /)
            i--
        }
    print ".fi"
    for (i = 1; i <= count; i++)
        if (lines[i] != "") {
            from = i
            while (i < count && goes_on(lines[i], lines[i + 1])) i++
            block(from, i)
        }
}
