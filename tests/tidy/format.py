# SPDX-License-Identifier: Apache-2.0
"""Every C++ file is as clang-format-14 would write it: format.py [ROOT] names those that are not; 1 if there are any."""
import pathlib
import re
import subprocess
import sys

import tidy


def unformatted(root):
    """path:line of everything that clang-format would change."""
    paths = [str(file.path) for file in tidy.files(root) if file.is_cpp]
    result = subprocess.run(["clang-format-14", "--dry-run", *paths], cwd=root, capture_output=True, text=True, check=True)
    return re.findall(r"^(\S+:\d+):\d+: warning: code should be clang-formatted", result.stderr, re.MULTILINE)


def main(arguments):
    found = unformatted(pathlib.Path(arguments[0] if arguments else ".").resolve())
    for place in found:
        print(f"{place}: not as clang-format-14 -i would write it")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
