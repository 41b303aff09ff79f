#!/usr/bin/python3
"""The law as a script: `lint.py LAW BUILD_DIR`, run in the source tree. Exit 1 names every breach as file:line."""
import os
import re
import shutil
import subprocess
import sys

ROOMS = ("classifier", "dicom", "config", "sr_templates", "scp")
# room -> patterns of headers that it must not include (design: "The rooms")
OTHER = {
    "classifier": r"dcmtk/|^dx_|^conf\.h|^srt|store\.h|node\.h|sqlite3|seccomp|microhttpd",
    "dicom": r"^nn_|^conf\.h|^srt|store\.h|node\.h|cblas|sqlite3",
    "config": r"dcmtk/|^nn_|^dx_|^srt|store\.h|node\.h|cblas|sqlite3",
    "sr_templates": r"dcmtk/|^nn_|^conf\.h|store\.h|node\.h|cblas|sqlite3|dx_object|dx_scp|dx_scu",
    "scp": r"dcmtk/|cblas|_internal\.h",
}
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "atof", "strtok", "alloca", "system",
          "popen", "tmpnam", "mktemp", "rand", "srand", "strncpy", "strncat", "asctime", "ctime", "gmtime", "localtime")
LIBRARY_BANNED = ("printf", "fputs", "puts", "perror", "exit", "_exit", "abort", "syslog")
MAX_LINES, MAX_FUNCTION = 500, 60


def tracked(*endings):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    return sorted(f for f in set(out.split("\n")) if f.endswith(endings) and os.path.exists(f))


def sources(*endings):
    return [f for f in tracked(*(endings or (".c", ".h", ".cc", ".hh")))]


def bare(text):
    """C source with comments and string contents blanked, line numbers kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def law_format(_):
    tool = next((t for t in ("clang-format-14", "clang-format") if subprocess.run(["which", t], capture_output=True).returncode == 0), None)
    if tool is None:
        return ["clang-format-14 is not installed (scripts/deps)"]
    run = subprocess.run([tool, "--dry-run", "-Werror", *sources()], capture_output=True, text=True)
    return [line for line in run.stderr.split("\n") if "error:" in line]


def law_includes(_):
    bad = []
    for path in sources():
        room = path.split("/")[0]
        for number, line in enumerate(read(path).split("\n"), 1):
            m = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not m:
                continue
            name = m.group(1)
            if room in OTHER and re.search(OTHER[room], name) and not (room == "dicom" and path.startswith("dicom/dcmtk/") and "dcmtk/" in name):
                bad.append(f"{path}:{number}: {room}/ must not include {name}")
            if "dcmtk/" in name and not path.startswith(("dicom/dcmtk/", "tests/")):
                bad.append(f"{path}:{number}: DCMTK is for dicom/dcmtk/ only")
    bad += [f"{p}: C++ is for dicom/dcmtk/ only" for p in sources(".cc", ".hh") if not p.startswith(("dicom/dcmtk/", "tests/"))]
    return bad


def law_banned(_):
    bad = []
    for path in sources():
        room, text = path.split("/")[0], bare(read(path))
        is_library = room in ("classifier", "dicom", "sr_templates", "config") and not path.startswith("config/manual/")  # a program
        names = BANNED + (LIBRARY_BANNED if is_library else ())
        for number, line in enumerate(text.split("\n"), 1):
            for m in re.finditer(r"(?<![\w.>:])(\w+)\s*\(", line):
                if m.group(1) in names and not path.startswith("tests/"):
                    bad.append(f"{path}:{number}: {m.group(1)}() is banned here")
        for number, line in enumerate(read(path).split("\n"), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                bad.append(f"{path}:{number}: left-over mark")
    return bad


def law_lengths(_):
    bad = []
    for path in sources() + tracked(".py", ".sh", ".js"):
        lines = read(path).split("\n")
        if len(lines) > MAX_LINES + 1:
            bad.append(f"{path}: {len(lines) - 1} lines (at most {MAX_LINES})")
        if path.endswith((".c", ".cc")):
            start = None
            for number, line in enumerate(lines, 1):
                if line == "{":
                    start = number
                elif line.startswith("}") and start:
                    if number - start - 1 > MAX_FUNCTION:
                        bad.append(f"{path}:{start}: function of {number - start - 1} lines (at most {MAX_FUNCTION})")
                    start = None
    return bad


def law_symbols(build):
    """A room's library exports only names with its prefix."""
    bad = []
    for library, prefix in (("classifier/libnn.a", "nn_"), ("dicom/libdx.a", "dx_"), ("config/libconf.a", "conf_"),
                            ("sr_templates/libsrt.a", "srt_")):
        path = os.path.join(build, library)
        if not os.path.exists(path):
            return [f"{path} is not built"]
        run = subprocess.run(["nm", "-g", "--defined-only", path], capture_output=True, text=True)
        for line in run.stdout.split("\n"):
            parts = line.split()
            if len(parts) == 3 and parts[1] in "TDBR" and not parts[2].startswith((prefix, "_Z", "__odr", "_binary_" + prefix)):
                bad.append(f"{library}: {parts[2]} lacks the prefix {prefix}")
    return bad


def law_shell(_):
    scripts = [f for f in tracked("") if f.startswith(("scripts/", ".ci/", "tests/", "debian/", "docs/man/", "scp/admin/")) and os.path.isfile(f)]
    shell = [f for f in scripts if re.match(r"#!.*\b(ba)?sh\b|# shellcheck shell=", read_head(f))]
    run = subprocess.run(["shellcheck", "-x", *shell], capture_output=True, text=True)
    return [line for line in run.stdout.split("\n") if line] if run.returncode else []


def read_head(path):
    with open(path, "rb") as f:
        return f.read(64).decode("latin-1").split("\n")[0]


def law_web(_):
    """The console's modules parse, and none makes elements or code out of text: scp/console/web/dom.js."""
    bad, folder = [], "scp/console/web/"
    unsafe = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTML|https?:\\?/\\?/")
    for path in (f for f in tracked(".js", ".html", ".css") if f.startswith(folder)):
        text = read(path)
        bad += [f"{path}:{n}: {line.strip()}" for n, line in enumerate(text.split("\n"), 1)
                if unsafe.search(line) and not line.lstrip().startswith("//")]
    if shutil.which("node"):
        parse = """for (const path of process.argv.slice(1)) try {
            new (require('vm').SourceTextModule)(require('fs').readFileSync(path, 'utf8'));
        } catch (error) { console.log(`${path}: ${error}`); }"""
        modules = [f for f in tracked(".js") if f.startswith(folder)]
        run = subprocess.run(["node", "--no-warnings", "--experimental-vm-modules", "-e", parse, *modules], capture_output=True, text=True)
        bad += [line for line in run.stdout.split("\n") if line] + ([run.stderr] if run.returncode else [])
    return bad


def law_xml(_):
    bad = []
    pairs = [("config/cervigate.xsd", ["config/cervigate.xml"]), ("sr_templates/template.xsd", ["sr_templates/cspine.xml"]),
             ("classifier/model.xsd", [m for m in tracked("model.xml") if m.startswith("models/")])]
    for schema, files in pairs:
        for path in files:
            run = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", schema, path], capture_output=True, text=True)
            if run.returncode:
                bad.append(run.stderr.strip())
    return bad


def law_tree(_):
    """Top level by the plan; no machine's path, no generated file."""
    allowed = set(ROOMS) | {"tests", "systemd", "docs", "models", "scripts", "debian", ".ci", "CMakeLists.txt", "CMakePresets.json",
                            "README.md", "LICENSE", "CHANGELOG.md", ".clang-format", ".editorconfig", ".gitignore"}
    out = subprocess.run(["git", "ls-files"], capture_output=True, text=True).stdout.split()
    bad = [f"{f}: top-level name outside the plan" for f in out if f.split("/")[0] not in allowed]
    here = os.path.dirname(os.getcwd()) + "/"
    if len(here) > 5:
        run = subprocess.run(["git", "grep", "-nIF", "-e", here], capture_output=True, text=True)
        bad += [f"machine's path: {line}" for line in run.stdout.split("\n") if line]
    return bad


def main():
    law, build = sys.argv[1], sys.argv[2]
    bad = globals()["law_" + law](build)
    for line in bad:
        print(line)
    print(f"lint {law}: {len(bad)} breaches")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
