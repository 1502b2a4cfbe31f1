#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""batches.py MOST SOURCE...: which sources may be compiled as one, a line "GROUP SOURCE" each.

Files of one batch share a translation unit, so no two of them may have a name of their own (of an unnamed namespace, or
a static) in common, and a type of one's own must mean nothing else to the others. It reads no C++, only code that
clang-format has laid out: what it misses, the compiler says."""
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r"^#include \"(.+)\"", re.M)
UNNAMED = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.M | re.S)
NOISE = re.compile(r"//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'")
TYPE = re.compile(r"(?:enum class|enum|struct|class|using|concept)\s+(\w+)")
HEADER_TYPE = re.compile(r"^(?:enum class|enum|struct|class|using)\s+(\w+)\b(?!;)", re.M)
DECLARED = re.compile(r"[^=({;\[]*?(\w+)\s*(?:[=({;\[]|$)")  # a function or a variable: the word before what follows
ANOTHER = re.compile(r", (\w+)(?: =|;)")                     # constexpr int kOne = 1, kTwo = 2;
LOCAL_TYPE = re.compile(r"^\s+(?:enum class|enum|struct|class|using)\s+(\w+)", re.M)
STATIC = re.compile(r"^static [^=({;]*?(\w+)\s*[=({;]", re.M)
# Of <iomanip>, <algorithm> and the like: called with a std::string, they are found before one's own as soon as another
# file of the batch includes them.
STANDARD = set("""accumulate advance all_of any_of apply begin clamp copy count data distance empty end equal erase exchange fill
    find format get getline hash invoke max merge min move next none_of prev quoted reduce remove replace rotate search size
    sort swap to_string transform unique visit""".split())
CONSTANT = re.compile(r"k[A-Z]")
MACRO = re.compile(r"^#\s*define\s+(\w+)", re.M)
LITERALS = re.compile(r"using namespace [\w:]*literals")


def own_names(text):
    """What the lines at the margin of an unnamed namespace declare: (types, everything)."""
    types, names = set(), set(STATIC.findall(text))
    for block in UNNAMED.findall(text):
        for line in block.splitlines():
            if not line or not line[0].isalpha() or line.startswith(("TEST", "INSTANTIATE_TEST")):
                continue
            if found := TYPE.match(line):
                types.add(found[1])
            elif found := DECLARED.match(line):
                names.add(found[1])
                names.update(ANOTHER.findall(line))
    return types, types | names


@functools.cache
def types_of(header):
    """Pairs (name, header) of the types that an include of it declares, whatever their namespace."""
    path = ROOT / header
    if not path.exists():
        return frozenset()
    text = path.read_text("utf-8")
    return frozenset((name, header) for name in HEADER_TYPE.findall(text)).union(*map(types_of, INCLUDE.findall(text)))


class Source:
    def __init__(self, path):
        source = pathlib.Path(path).read_text("utf-8")
        text = NOISE.sub(lambda found: found[0] if found[0] == "// namespace" else "", source)
        self.path = path
        self.types, self.own = own_names(text)
        self.used = set(re.findall(r"(?<![\w.>:])[A-Za-z_]\w*", text))
        self.macros = set(MACRO.findall(text))
        self.local_types = set(LOCAL_TYPE.findall(text))
        self.included = frozenset().union(*map(types_of, INCLUDE.findall(source)))
        # What a local name of another file would hide, or mistake for it.
        self.wide = self.types | self.macros | {name for name in self.own if CONSTANT.match(name)}
        self.alone = bool(self.own & STANDARD) or "operator new" in text or "using namespace" in LITERALS.sub("", text)

    def disturbs(self, other):
        """With this one before it, a word of the other could mean something else, or two things."""
        new = {name for name, _ in self.included - other.included} | self.types
        known = {name for name, _ in other.included} | other.types | other.local_types
        return bool(new & known & other.used or self.wide & other.used)

    def goes_with(self, other):
        return not (self.alone or other.alone or self.own & other.own or self.disturbs(other) or other.disturbs(self))


def batches(most, sources):
    groups = []
    for source in sources:
        group = next((g for g in groups if len(g) < most and all(map(source.goes_with, g))), None)
        if group is None:
            groups.append(group := [])
        group.append(source)
    return groups


def main():
    sources = [Source(path) for path in sys.argv[2:]]
    for number, group in enumerate(batches(int(sys.argv[1]), sources)):
        for source in group:
            print(number, source.path)


if __name__ == "__main__":
    main()
