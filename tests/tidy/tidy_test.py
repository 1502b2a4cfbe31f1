# SPDX-License-Identifier: Apache-2.0
"""Each rule finds the breach that was planted for it, and leaves the nearest legal text alone."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import format  # noqa: E402
import tidy  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


def found(files, rule):
    """Lines at which `rule` complains about a tree of {path: text}, as path:line."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [f"{path}:{line}" for path, line, name, _ in tidy.breaches(root) if name == rule]


def in_cpp(body, rule, path="daemon/io/x.cpp"):
    return found({path: SPDX + body}, rule)


class IncludeEdges(unittest.TestCase):
    def check(self, path, line, *breach):
        tree = {path: SPDX + line + "\n"}
        for name in ("core/a.h", "detectors/a.h", "actions/a.h", "config/a.h", "systemd/a.h", "daemon/io/a.h",
                     "daemon/ctl/a.h", "tests/support/a.h"):
            tree.setdefault(name, SPDX + "#pragma once\n")
        self.assertEqual(found(tree, "include_edges"), list(breach))

    def test_core_sees_core_alone(self):
        self.check("core/x.cpp", '#include "core/a.h"')
        self.check("core/x.cpp", '#include "config/a.h"', "core/x.cpp:2")
        self.check("core/x.cpp", "#include <span>")
        self.check("core/x.cpp", "#include <boost/asio/awaitable.hpp>", "core/x.cpp:2")
        self.check("core/x.cpp", "#include <unistd.h>", "core/x.cpp:2")

    def test_each_folder_keeps_to_its_row(self):
        self.check("detectors/x.cpp", '#include "actions/a.h"', "detectors/x.cpp:2")
        self.check("actions/x.cpp", '#include "daemon/io/a.h"', "actions/x.cpp:2")
        self.check("config/x.cpp", '#include "actions/a.h"')
        self.check("config/x.cpp", '#include "systemd/a.h"', "config/x.cpp:2")
        self.check("systemd/x.cpp", '#include "config/a.h"', "systemd/x.cpp:2")
        self.check("daemon/io/x.cpp", '#include "config/a.h"')

    def test_nobody_includes_tests(self):
        self.check("daemon/io/x.cpp", '#include "tests/support/a.h"', "daemon/io/x.cpp:2")
        self.check("tests/io/x.cpp", '#include "tests/support/a.h"')

    def test_the_daemon_runs_down_the_street(self):
        self.check("daemon/io/x.cpp", '#include "daemon/ctl/a.h"', "daemon/io/x.cpp:2")
        self.check("daemon/ctl/x.cpp", '#include "daemon/io/a.h"')

    def test_an_include_is_a_path_from_the_root(self):
        self.check("core/x.cpp", '#include "core/gone.h"', "core/x.cpp:2")

    def test_foreign_headers_stay_in_source_files(self):
        for name in ("curl/curl.h", "rapidjson/document.h", "yaml-cpp/yaml.h", "prometheus/registry.h", "sqlite3.h",
                     "CLI/CLI.hpp", "spdlog/spdlog.h", "boost/beast/http.hpp", "boost/asio.hpp"):
            self.check("daemon/io/x.h", f"#pragma once\n#include <{name}>", "daemon/io/x.h:3")
        self.check("daemon/io/x.h", "#pragma once\n#include <spdlog/fwd.h>")
        self.check("daemon/io/x.h", "#pragma once\n#include <boost/asio/awaitable.hpp>")
        self.check("daemon/io/x.cpp", "#include <curl/curl.h>")

    def test_umbrella_headers_stay_out(self):
        self.check("daemon/io/x.cpp", "#include <boost/asio.hpp>", "daemon/io/x.cpp:2")

    def test_a_comment_is_no_reason_to_miss_the_line(self):
        self.check("core/x.cpp", '  #  include "daemon/io/a.h"  // for once', "core/x.cpp:2")


class Lengths(unittest.TestCase):
    def test_a_file(self):
        self.assertEqual(in_cpp("\n" * 499, "file_length"), [])
        self.assertEqual(in_cpp("\n" * 500, "file_length"), ["daemon/io/x.cpp:501"])

    def function(self, head, lines, tail="}"):
        return in_cpp(f"namespace a {{\n{head} {{\n" + "    step();\n" * (lines - 2) + tail + "\n}\n", "function_length")

    def test_a_function(self):
        self.assertEqual(self.function("int f(int a)", 70), [])
        self.assertEqual(self.function("int f(int a)", 71), ["daemon/io/x.cpp:3"])

    def test_every_kind_of_function(self):
        for head in (
            "template <class T>\nauto f(T t) -> Result<T>",
            "X::X(int a) : a_(a), b_{a}",
            "X::X() : b_{1}",
            "bool operator==(const X& a) const noexcept",
            "TEST(Lease, refuses)",
        ):
            self.assertEqual(len(self.function(head, 90)), 1, head)

    def test_a_member_function_in_its_class(self):
        body = "class X {\n    int a_{0};\n    int f() const {\n" + "        step();\n" * 70 + "    }\n};\n"
        self.assertEqual(in_cpp(body, "function_length"), ["daemon/io/x.cpp:4"])

    def test_a_table_and_a_class_are_no_functions(self):
        self.assertEqual(in_cpp("const Key kKeys[] = {\n" + "    {1, f(2)},\n" * 90 + "};\n", "function_length"), [])
        self.assertEqual(in_cpp("struct X {\n" + "    int f();\n" * 90 + "};\n", "function_length"), [])

    def test_braces_in_literals_do_not_count(self):
        body = "int f() {\n    g(\"{\", '{', R\"({{)\");  // {\n}\nint h() {\n" + "    step();\n" * 69 + "}\n"
        self.assertEqual(in_cpp(body, "function_length"), ["daemon/io/x.cpp:5"])


class SleepsAndClocks(unittest.TestCase):
    def test_a_sleep_in_a_test(self):
        for call in ("std::this_thread::sleep_for(1s);", "usleep(10);", "::sleep(1);", "std::this_thread::sleep_until(t);"):
            self.assertEqual(in_cpp(call, "no_sleep_in_tests", "tests/io/x.cpp"), ["tests/io/x.cpp:2"], call)
        self.assertEqual(found({"tests/x.py": "# \n#\ntime.sleep(1)\n"}, "no_sleep_in_tests"), ["tests/x.py:3"])

    def test_a_sleep_elsewhere(self):
        self.assertEqual(in_cpp("usleep(10);", "no_sleep_in_tests", "tests/e2e/x.cpp"), [])
        self.assertEqual(in_cpp("// never sleep(1) here", "no_sleep_in_tests", "tests/io/x.cpp"), [])
        self.assertEqual(in_cpp("asleep(1);", "no_sleep_in_tests", "tests/io/x.cpp"), [])

    def test_a_second_clock(self):
        for call in ("std::chrono::steady_clock::now();", "clock_gettime(c, &t);", "gettimeofday(&t, 0);", "time(nullptr);"):
            self.assertEqual(in_cpp(call, "one_clock", "core/x.cpp"), ["core/x.cpp:2"], call)

    def test_the_one_clock(self):
        self.assertEqual(in_cpp("system_clock::now();", "one_clock", "daemon/io/system_clock.cpp"), [])
        self.assertEqual(in_cpp("clock.now(); bake_time(0);", "one_clock", "daemon/shell/x.cpp"), [])
        self.assertEqual(in_cpp("Time Loop::now() const { return at_; }", "one_clock", "daemon/io/x.cpp"), [])


class CoroutineForms(unittest.TestCase):
    def lines(self, *statements):
        return len(in_cpp("Task<void> f() {\n" + "\n".join(statements) + "\n}\n", "coroutine_forms"))

    def test_an_aggregate_beside_co_await(self):
        for statement in (
            'co_await f(Opt{p, "x"});',
            "auto r = co_await f({p});",
            "auto r = co_await f(a, {1, 2});",
            "g(Opt{1}, co_await f());",
            "g(co_await f(), Opt{1});",
            "if (auto r = co_await f(Opt{1}); !r) stop();",
            "co_await f(\n    Opt{1});",
        ):
            self.assertEqual(self.lines(statement), 1, statement)

    def test_a_capturing_lambda_beside_co_await(self):
        for statement in ("co_await f([x] { return x; });", "auto r = co_await f([&](int a) { return a + b; });"):
            self.assertEqual(self.lines(statement), 1, statement)

    def test_named_before_co_await(self):
        for statement in (
            "const Opt o{p};\nco_await f(o);",
            "co_await f([] { return 1; });",
            "co_await f(a[i](x));",
            "g({1});\nco_await f(b);",
            "if (a) { g({1}); }\nco_await f(b);",
            "if (co_await ready()) { g(Opt{1}); }",
            "while (co_await next()) { g([x] { return x; }); }",
            "spawn(loop, [this]() -> Task<void> { co_await run(); });",
            "const auto [error, size] = co_await socket.read(buffer);",
            "// co_await f(Opt{1});",
        ):
            self.assertEqual(self.lines(statement), 0, statement)


class Texts(unittest.TestCase):
    def test_the_licence_line(self):
        self.assertEqual(found({"core/x.h": "#pragma once\n"}, "licence_line"), ["core/x.h:1"])
        self.assertEqual(found({"packaging/go": "#!/bin/sh\nexit\n"}, "licence_line"), ["packaging/go:1"])
        self.assertEqual(found({"docs/x.md": "# X\n"}, "licence_line"), [])

    def test_pragma_once(self):
        self.assertEqual(found({"core/x.h": SPDX}, "pragma_once"), ["core/x.h:1"])

    def test_unfinished_work(self):
        for word in ("TODO", "FIXME", "XXX"):
            self.assertEqual(found({"docs/x.md": f"# X\n{word}: later\n"}, "words"), ["docs/x.md:2"], word)

    def test_somebodys_machine(self):
        self.assertEqual(found({"docs/x.md": "# X\ncd /wo" "rk/main\n"}, "words"), ["docs/x.md:2"])
        self.assertEqual(found({"docs/x.md": "# X\n.github/workflows/rollback.yml\n"}, "words"), [])

    def test_gits_own_file_of_a_linked_work_tree(self):
        self.assertEqual(found({".git": "gitdir: /wo" "rk/main/.git/worktrees/x\n"}, "words"), [])

    def test_a_registrys_host(self):
        self.assertEqual(found({"packaging/x": "curl https://pypi.org/simple\n"}, "words"), ["packaging/x:1"])

    def test_a_page_has_one_title(self):
        self.assertEqual(found({"x.md": "# A\n## B\n# C\n"}, "markdown"), ["x.md:3"])
        self.assertEqual(found({"x.md": "text\n"}, "markdown"), ["x.md:1"])
        self.assertEqual(found({"x.md": "# A\n```sh\n# a comment\n```\n"}, "markdown"), [])

    def test_a_link_leads_somewhere(self):
        tree = {"docs/x.md": "# X\n[a](../y.md) [b](gone.md)\n[c](https://example.org) [d](#x)\n", "y.md": "# Y\n"}
        self.assertEqual(found(tree, "markdown"), ["docs/x.md:2"])


    def test_a_page_names_files_that_exist(self):
        tree = {"x.md": "# X\n`core/a.h` `core/*.h` `core/`\n`core/gone.h` `core/gone*.h`\n", "core/a.h": SPDX}
        self.assertEqual(found(tree, "markdown"), ["x.md:3", "x.md:3"])


class Format(unittest.TestCase):
    def test_a_line_that_clang_format_would_change(self):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / ".clang-format").write_text((pathlib.Path(__file__).parents[2] / ".clang-format").read_text())
            (root / "good.cpp").write_text("int f() {\n    return 1;\n}\n")
            (root / "bad.cpp").write_text("int f() {\n  return 1;\n}\n")
            self.assertEqual(format.unformatted(root), ["bad.cpp:1"])


class TheProgram(unittest.TestCase):
    def test_exit_code_and_what_it_leaves_out(self):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "build").mkdir()
            (root / "build" / "x.h").write_text("generated\n")
            self.assertEqual(tidy.main([directory]), 0)
            (root / "x.h").write_text("\n")
            self.assertEqual(tidy.main([directory]), 1)

    def test_every_rule_has_a_test(self):
        own = pathlib.Path(__file__).read_text()
        for rule in tidy.rules.RULES:
            self.assertIn(f'"{rule.__name__}"', own)


if __name__ == "__main__":
    unittest.main()
