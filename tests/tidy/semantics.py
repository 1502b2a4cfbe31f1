# SPDX-License-Identifier: Apache-2.0
"""Which scenario proves which sentence of the semantics: semantics.py [ROOT]. Exits 1 if a sentence has none.

A scenario carries its numbers in its name or in a `proves:` line, e.g. `proves: [S9, S28]`.
"""
import collections
import pathlib
import re
import sys

NUMBERS = [f"S{number}" for number in range(1, 45)]
# Whole sentences whose feature is not built yet.
LATER = {
    "S42": "the storm guard",
}
# The rest of these sentences is proved; this part of them is not built yet.
LATER_PARTS = {"S5": "hooks"}

_NAME = re.compile(r"^\s*(?:-\s+)?(?:scenario|name):\s*(?P<name>.+?)\s*$")
_CLAIM = re.compile(r"^\s*(?:-\s+)?(?:scenario|name|proves):(?P<claim>.*)$")


def scenarios_by_number(root):
    """{S-number: names of the scenarios that carry it}, names as file: scenario."""
    proofs = collections.defaultdict(list)
    for path in sorted((root / "tests" / "scenarios").glob("**/*.yaml")):
        name = path.stem
        for line in path.read_text().splitlines():
            if match := _NAME.match(line):
                name = f"{path.stem}: {match['name'].strip(chr(34) + chr(39))}"
            if match := _CLAIM.match(line):
                for number in re.findall(r"\bS\d+\b", match["claim"]):
                    if name not in proofs[number]:
                        proofs[number].append(name)
    return proofs


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).parents[2]
    proofs = scenarios_by_number(root)
    missing = [number for number in NUMBERS if number not in proofs and number not in LATER]
    unknown = [number for number in proofs if number not in NUMBERS]
    for number in NUMBERS:
        names = proofs.get(number) or ([f"not built yet: {LATER[number]}"] if number in LATER else ["MISSING"])
        if number in LATER_PARTS:
            names = names + [f"(not built yet: {LATER_PARTS[number]})"]
        print("\n".join(f"{number if first else '':4} -> {name}" for first, name in zip([True] + [False] * len(names), names)))
    for number in unknown:
        print(f"{number}: no such sentence, claimed by {proofs[number][0]}")
    print(f"{len(NUMBERS) - len(missing)} of {len(NUMBERS)} sentences accounted for, {len(missing)} missing: {' '.join(missing) or 'none'}")
    return 1 if missing or unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
