# SPDX-License-Identifier: Apache-2.0
"""The rules of the repository. Each takes a file and yields (line, message); RULES lists them all."""
import re

import cpp

FILE_LINES = 500
FUNCTION_LINES = 70

# Folder -> folders that it may include. The daemon is the only one that sees everything.
MAY_INCLUDE = {
    "core": {"core"},
    "detectors": {"core", "detectors"},
    "actions": {"core", "actions"},
    "config": {"core", "detectors", "actions", "config"},
    "systemd": {"core", "systemd"},
    "daemon": {"core", "detectors", "actions", "config", "systemd", "daemon"},
}
# Pure folders: the standard library only, in these kinds of files.
STD_ONLY = {"core": (".h", ".cpp"), "detectors": (".h", ".cpp"), "actions": (".h",)}
# Inside the daemon, in the order of the street: a folder never includes one further down.
STREET = ["io", "sources", "journal", "runner", "notify", "report", "api", "shell", "ctl"]

_NOT_IN_HEADERS = re.compile(
    r"curl/|rapidjson/|yaml-cpp/|prometheus/|sqlite3|CLI/|systemd/sd-|openssl/|re2/|fmt/|spdlog/(?!fwd\.h)|boost/beast|boost/asio\.hpp"
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
_SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
_CLOCK = re.compile(r"::now\s*\(\s*\)(?!\s*const\b)|\b(?:clock_gettime|gettimeofday)\s*\(|\btime\s*\(\s*(?:nullptr|NULL|0)\s*\)")
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
_MACHINE = re.compile(r"(?<![\w.])/work(?=[/\s\"'`)]|$)", re.MULTILINE)
_REGISTRY = re.compile(
    r"deb\.debian\.org|pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org|static\.crates\.io|(?:docker|ghcr|quay|gcr)\.io/"
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:actions|bench|cmake|config|core|daemon|detectors|docs|packaging|systemd|tests)/[\w./*-]*)`")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def include_edges(file):
    if not file.is_cpp:
        return
    for match in _INCLUDE.finditer(file.text):
        line, quoted, name = cpp.line_of(file.text, match.start()), match[1] == '"', match[2]
        target = name.split("/")[0]
        if not quoted:
            yield from _foreign(file, line, name)
        elif file.folder in MAY_INCLUDE and target not in MAY_INCLUDE[file.folder]:
            yield line, f'{file.folder}/ may not include "{name}"'
        elif not file.exists(name):
            yield line, f'"{name}" is not a path from the root'
        elif file.folder == "daemon" and target == "daemon":
            yield from _street(file, line, name)


def _foreign(file, line, name):
    std_only = file.path.suffix in STD_ONLY.get(file.folder, ())
    if std_only and re.search(r"[/.]", name):
        yield line, f"<{name}>: {file.folder}/*{file.path.suffix} may include the standard library only"
    elif file.path.suffix == ".h" and _NOT_IN_HEADERS.match(name):
        yield line, f"<{name}> belongs into a .cpp file"
    elif name in ("boost/asio.hpp", "boost/beast.hpp"):
        yield line, f"<{name}> is an umbrella header: include the parts"


def _street(file, line, name):
    own, other = file.path.parts[1], name.split("/")[1]
    if own in STREET and other in STREET and STREET.index(other) > STREET.index(own):
        yield line, f"daemon/{own} stands before daemon/{other} in the street and may not include it"


def file_length(file):
    lines = file.text.count("\n")
    if file.is_code and lines > FILE_LINES:
        yield lines, f"{lines} lines; at most {FILE_LINES}"


def function_length(file):
    if not file.is_cpp:
        return
    for first, last, head in cpp.functions(file.code):
        if last - first + 1 > FUNCTION_LINES:
            name = " ".join(head.split("(")[0].split())
            yield first, f"{name}: {last - first + 1} lines; at most {FUNCTION_LINES}"


def no_sleep_in_tests(file):
    if file.folder != "tests" or not file.is_code or file.is_under("tests/e2e") or file.is_under("tests/tidy"):
        return
    for match in _SLEEP.finditer(file.code):
        yield cpp.line_of(file.code, match.start()), "a test waits for what it needs, it does not sleep"


def one_clock(file):
    if not file.is_cpp or file.folder == "bench" or str(file.path) == "daemon/io/system_clock.cpp":
        return
    for match in _CLOCK.finditer(file.code):
        yield cpp.line_of(file.code, match.start()), "time is a parameter; only daemon/io/system_clock.cpp reads a clock"


def coroutine_forms(file):
    """GCC 12 destroys aggregate temporaries twice and frees captures early inside an expression with co_await."""
    if not file.is_cpp:
        return
    for line, expression in cpp.co_await_expressions(file.code):
        if cpp.has_capturing_lambda(expression):
            yield line, "name the closure before co_await (GCC 12 frees its captures too early)"
        if cpp.has_aggregate_temporary(expression):
            yield line, "name the aggregate before co_await (GCC 12 destroys it twice)"


def licence_line(file):
    if file.is_code and "SPDX-License-Identifier: Apache-2.0" not in "\n".join(file.text.split("\n", 3)[:3]):
        yield 1, "the first lines carry SPDX-License-Identifier: Apache-2.0"


def pragma_once(file):
    if file.path.suffix == ".h" and "#pragma once" not in file.text:
        yield 1, "a header starts with #pragma once"


def words(file):
    if file.is_under("tests/tidy"):  # the rules name what they forbid
        return
    for pattern, message in (
        (_UNFINISHED, "finish it or leave it out"),
        (_MACHINE, "a path of somebody's machine"),
        (_REGISTRY, "the host of a registry"),
    ):
        for match in pattern.finditer(file.text):
            yield cpp.line_of(file.text, match.start()), f"{match[0]}: {message}"


def markdown(file):
    if file.path.suffix != ".md":
        return
    prose = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), file.text)
    titles = [number for number, line in enumerate(prose.split("\n"), 1) if line.startswith("# ")]
    if len(titles) != 1:
        yield (titles or [1])[-1], f"{len(titles)} titles; a page has one"
    for match in _LINK.finditer(prose):
        target = (match[1] or match[2]).split("#")[0]
        if target and not re.match(r"[a-z]+:", target) and not file.exists_beside(target):
            yield cpp.line_of(prose, match.start()), f"the link to {target} leads nowhere"
    for match in _PATH.finditer(prose):
        if not file.matches(match[1]):
            yield cpp.line_of(prose, match.start()), f"there is no {match[1]}"


RULES = [
    include_edges,
    file_length,
    function_length,
    no_sleep_in_tests,
    one_clock,
    coroutine_forms,
    licence_line,
    pragma_once,
    words,
    markdown,
]
