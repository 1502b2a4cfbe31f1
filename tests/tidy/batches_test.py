# SPDX-License-Identifier: Apache-2.0
"""Which files cmake/batches.py lets share a translation unit."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cmake"))
import batches  # noqa: E402


def unnamed(text):
    return "namespace revertd {\nnamespace {\n\n" + text + "\n\n}  // namespace\n}  // namespace revertd\n"


def together(*texts, most=12):
    """The groups of files with these texts, by their numbers."""
    with tempfile.TemporaryDirectory() as directory:
        paths = [pathlib.Path(directory) / f"{number}.cpp" for number in range(len(texts))]
        for path, text in zip(paths, texts):
            path.write_text(text)
        groups = batches.batches(most, [batches.Source(str(path)) for path in paths])
        return [[int(pathlib.Path(source.path).stem) for source in group] for group in groups]


class Batches(unittest.TestCase):
    def test_files_without_a_name_in_common_go_together(self):
        one, other = unnamed("int sum(int a) {\n    return a;\n}"), unnamed("constexpr int kMost = 3, kLeast = 1;")
        self.assertEqual(together(one, other), [[0, 1]])
        self.assertEqual(together(one, other, unnamed("struct Third {};"), most=2), [[0, 1], [2]])

    def test_the_same_name_keeps_them_apart(self):
        for one, other in (("int sum(int a) {", "long sum(long a) {"), ("constexpr int kOne = 1, kMost = 3;", "const double kMost = 4;"),
                           ("struct Bed {", "class Bed final : public Base {"), ("Result<int> find_it(", "void find_it(const Text& text) {")):
            self.assertEqual(together(unnamed(one), unnamed(other)), [[0], [1]], one)
        self.assertEqual(together("static int total(int a) {\n}\n", unnamed("int total(long a) {")), [[0], [1]])

    def test_a_type_or_constant_that_means_something_else_to_the_other_keeps_them_apart(self):
        self.assertEqual(together(unnamed("struct Writer {};"), "void f() {\n    Writer w;\n}\n"), [[0], [1]])
        self.assertEqual(together(unnamed("constexpr int kMost = 1;"), "void f() {\n    const int kMost = 2;\n}\n"), [[0], [1]])
        self.assertEqual(together("#define LIMIT 3\n", "int LIMIT();\n"), [[0], [1]])
        include = '#include "core/verdict.h"\n'
        self.assertEqual(together(include, unnamed("enum class Verdict { Good };")), [[0], [1]])
        self.assertEqual(together(include, "void f() {\n    struct Verdict {};\n    Verdict v;\n}\n"), [[0], [1]])

    def test_what_would_change_the_meaning_of_others_stays_alone(self):
        plain = "int f() {\n    return 1;\n}\n"
        for text in ("using namespace rapidjson;\n", "void* operator new(std::size_t n) {\n}\n",
                     unnamed("std::string quoted(std::string_view text) {")):
            self.assertEqual(together(text, plain, plain), [[0], [1, 2]], text)
        self.assertEqual(together("using namespace std::chrono_literals;\n", plain), [[0, 1]])

    def test_words_in_texts_and_comments_are_none(self):
        self.assertEqual(together(unnamed("struct Writer {};"), 'const char* text() {  // a Writer\n    return "Writer";\n}\n'), [[0, 1]])


if __name__ == "__main__":
    unittest.main()
