# SPDX-License-Identifier: Apache-2.0
"""How the shipped programs are protected, read from their ELF files: hardening_test.py BUILD_DIRECTORY."""
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import package  # noqa: E402

BUILD = pathlib.Path()
PROGRAMS = ("revertd", "revertctl", "revertd-runner")


def lacking(program):
    """The protections that a program does not have, in words."""
    dynamic = package.run("readelf", "--wide", "--dynamic", program).stdout
    segments = package.run("readelf", "--wide", "--program-headers", program).stdout
    symbols = package.run("readelf", "--wide", "--dyn-syms", program).stdout
    code = package.run("objdump", "--disassemble", "--no-show-raw-insn", "--section=.text", program).stdout
    stack = re.search(r"GNU_STACK.*?\s(RWE|RW)\s", segments)
    # Fortified: of the functions that have a checked twin, the twins are called.
    fortified = re.findall(r"\b__\w+_chk\b", symbols)
    # Stack clash: a frame larger than a page is made page by page, each touched.
    probes = re.search(r"sub +\$0x1000,%rsp\n.*?or[ql] +\$0x0,", code)
    return [words for words, there in {
        "a random place (PIE)": re.search(r"\bPIE\b", dynamic) and "DYN" in package.run("readelf", "-h", program).stdout,
        "relocations that are read-only": "GNU_RELRO" in segments,
        "all of them, bound at start": re.search(r"\bBIND_NOW\b|FLAGS.*\bNOW\b", dynamic),
        "a stack that cannot be executed": stack and stack[1] == "RW",
        "protected stack frames": "__stack_chk_fail" in symbols,
        "fortified calls": fortified,
        "large frames that touch each page": probes,
        "marked targets of indirect branches": code.count("endbr64") > 100,
        "no search path of its own": not re.search(r"\((?:RPATH|RUNPATH)\)", dynamic),
    }.items() if not there]


class Hardening(unittest.TestCase):
    def test_every_program_has_all_protections(self):
        with tempfile.TemporaryDirectory(prefix="revertd-deb-") as directory:
            tree = package.unpack(package.made(BUILD), pathlib.Path(directory) / "tree")
            for name in PROGRAMS:
                with self.subTest(name):
                    self.assertEqual(lacking(tree / "usr/bin" / name), [])

    def test_an_unprotected_program_would_be_noticed(self):
        with tempfile.TemporaryDirectory(prefix="revertd-hardening-") as directory:
            source, program = pathlib.Path(directory) / "a.c", pathlib.Path(directory) / "a"
            source.write_text('#include <string.h>\n#include <stdio.h>\nint main(int n, char** v) { char b[9]; strcpy(b, v[n - 1]); return puts(b); }\n')
            package.run("gcc", "-O0", "-no-pie", "-fno-stack-protector", "-fcf-protection=none", "-Wl,-z,norelro,-z,lazy,-z,execstack",
                        "-Wl,-rpath,/nowhere", "-o", program, source)
            self.assertEqual(len(lacking(program)), 9, lacking(program))


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
