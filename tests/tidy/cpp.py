# SPDX-License-Identifier: Apache-2.0
"""As much C++ as the rules need: text without comments and literals, function bodies, expressions with co_await."""
import re

_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_TYPE = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|extern|class|struct|union|enum)\b", re.DOTALL)
_BEFORE_BODY = re.compile(r"^\s*(?:const|noexcept|override|final|mutable|&&?|try|->[^{]*|\s)*$")
_CAPTURE = re.compile(r"(?<![\w\])])\s*\[(?!\]|\[)[^\[\]]*\]\s*(?:\(|\{|mutable\b|<)")
_AGGREGATE = re.compile(r"(?:[(,]\s*|\b[A-Z]\w*(?:<[^<>;]*>)?\s*)\{")


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def stripped(text):
    """Comments, literals and preprocessor lines become spaces; every character keeps its line and column."""
    return _PREPROCESSOR.sub(_blank, _LITERAL.sub(_blank, text))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def functions(code):
    """(first line, last line, head) of every function body outside other functions, in stripped text."""
    head_start, scopes = 0, []
    for match in re.finditer(r"[{};]", code):
        position, symbol = match.start(), match[0]
        inside = bool(scopes) and scopes[-1][0] in ("function", "value")
        if symbol == "{":
            head = code[head_start:position]
            kind = "value" if inside else _kind(head)
            scopes.append((kind, head_start, head.strip()))
            if kind == "scope":
                head_start = position + 1
        elif symbol == "}" and scopes:
            kind, start, head = scopes.pop()
            if kind == "function":
                body_head = start + len(code[start:position]) - len(code[start:position].lstrip())
                yield line_of(code, body_head), line_of(code, position), head
            if kind != "value":  # after a braced value its declaration goes on, as in `a_{1}, b_{2} {`
                head_start = position + 1
        elif symbol == ";" and not inside:
            head_start = position + 1


def _kind(head):
    if _TYPE.match(head):
        return "scope"
    tail = head[head.rfind(")") + 1 :]
    if "(" not in head or head.rstrip().endswith("="):
        return "value"
    return "function" if _BEFORE_BODY.match(tail) or tail.rstrip().endswith("}") else "value"


def co_await_expressions(code):
    """(line, expression) around every co_await: from the end of the last statement to the end of this one."""
    for match in re.finditer(r"\bco_await\b", code):
        start, end = _statement_start(code, match.start()), _statement_end(code, match.end())
        yield line_of(code, match.start()), code[start:end]


def _statement_start(code, position):
    depth = 0  # of braced values behind us
    while position > 0:
        position -= 1
        symbol = code[position]
        if symbol == "}":
            depth += 1
        elif symbol == "{":
            if depth == 0:
                return position + 1
            depth -= 1
        elif symbol == ";":
            return _after_blocks(code, position + 1)
    return 0


def _after_blocks(code, position):
    """A `;` inside a block that ended before us: the statement starts behind that block's brace."""
    depth, start = 0, position
    for index in range(position, len(code)):
        if code[index] == "{":
            depth += 1
        elif code[index] == "}":
            depth -= 1
            if depth < 0:
                return _after_blocks(code, index + 1)
        elif code[index] == ";" or code.startswith("co_await", index):
            return start
    return start


def _statement_end(code, position):
    depth = 0
    for index in range(position, len(code)):
        symbol = code[index]
        if depth < 0 and symbol == "{" and code[:index].rstrip().endswith(")"):
            return index  # the block of `if (co_await ...)`
        if symbol in "({[":
            depth += 1
        elif symbol in ")}]":
            depth -= 1
        elif symbol == ";" and depth <= 0:
            return index
    return len(code)


def has_capturing_lambda(expression):
    return _CAPTURE.search(expression) is not None


def has_aggregate_temporary(expression):
    return _AGGREGATE.search(expression) is not None
