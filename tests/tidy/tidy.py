# SPDX-License-Identifier: Apache-2.0
"""The repository keeps its own rules: tidy.py [ROOT] prints file:line: message for each breach; 1 if there is any."""
import functools
import os
import pathlib
import sys

import cpp
import rules

# What is not ours to judge: build trees, caches and git's own files.
SKIPPED = {"build", ".git", ".cache", ".ccache", "__pycache__", "node_modules"}
TEXT = {".cpp", ".h", ".py", ".sh", ".md", ".yaml", ".json", ".txt", ".cmake", ".service", ".in", ".def", ""}


class File:
    def __init__(self, root, path):
        self.root = root
        self.path = path  # relative to the root
        self.folder = path.parts[0] if len(path.parts) > 1 else ""
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")
        self.is_cpp = path.suffix in (".cpp", ".h")
        self.is_code = self.is_cpp or path.suffix == ".py" or self.text.startswith("#!")

    @functools.cached_property
    def code(self):
        return cpp.stripped(self.text) if self.is_cpp else self.text

    def is_under(self, folder):
        return str(self.path).startswith(folder + "/")

    def exists(self, name):
        return (self.root / name).is_file()

    def matches(self, pattern):
        return any(self.root.glob(pattern))

    def exists_beside(self, name):
        return (self.root / self.path.parent / name).exists()


def files(root):
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(set(names) - SKIPPED):  # .git is a file in a linked work tree
            path = pathlib.Path(directory, name)
            if path.suffix in TEXT and not path.is_symlink():
                yield File(root, path.relative_to(root))


def breaches(root):
    """Every breach below `root` as (path, line, rule, message)."""
    for file in files(root):
        for rule in rules.RULES:
            for line, message in rule(file):
                yield file.path, line, rule.__name__, message


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else ".").resolve()
    found = list(breaches(root))
    for path, line, rule, message in found:
        print(f"{path}:{line}: {message} [{rule}]")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
