# SPDX-License-Identifier: Apache-2.0
"""The JSON schema accepts and refuses what the daemon's table of keys does: schema_test.py PROGRAM (config_structure).

Files are read twice: by the daemon, and as an editor reads YAML 1.2, by a validator of JSON Schema."""
import copy
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path()
MUTANTS = 200
SEED = 20261127
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def value(node):
    """A tree of YAML as an editor sees it: the core schema of YAML 1.2, where `yes` and `off` are words."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: value(item) for key, item in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [value(item) for item in node.value]
    text = node.value
    if node.style is not None:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text):
        return int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else float(text)
    return text


def plain(text):
    return yaml.ScalarNode("tag:yaml.org,2002:str", text)


def quoted(text):
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"')


def scalars():
    """What people write where something else belongs."""
    texts = ["15m", "90", "0", "5", "-1", "1.5", "1h30m", "15 minutes", "99999d", "1ms", "200ms", "0s", "30%", "130 %", "1.5x", "1.05x", "12x", "100x", "1 per 6h", "six per day",
             "enforce", "observe", "enforced", "off", "hold", "leads", "@sre", "two words", "http://127.0.0.1:8080/x", "https://example.com",
             "ftp://example.com/x", "http://user:secret@example.com/", "http://example.com:99999/", "tcp://127.0.0.1:5432", "127.0.0.1:80",
             "/etc/revertd/key", "pagerduty", "keys/relative", "200-299", "404", "999", "errors > 5% for 2m", "health down for 30s",
             "ratio(http_requests_total, code=~\"5..\")", "nonsense", "now", "after approval", "never", "critical"]
    return [plain(text) for text in texts] + [quoted(""), quoted(" "), quoted("15m"), quoted("100"), yaml.ScalarNode("tag:yaml.org,2002:null", "~")]


def containers():
    return [yaml.MappingNode("tag:yaml.org,2002:map", []), yaml.SequenceNode("tag:yaml.org,2002:seq", []),
            yaml.MappingNode("tag:yaml.org,2002:map", [(plain("url"), plain("http://127.0.0.1:8080/x"))]),
            yaml.SequenceNode("tag:yaml.org,2002:seq", [plain("15m")])]


def places(node):
    """Every mapping and list of a tree."""
    if isinstance(node, yaml.ScalarNode):
        return
    yield node
    for item in node.value:
        yield from places(item[1] if isinstance(node, yaml.MappingNode) else item)


def typo(dice, word):
    at = dice.randrange(len(word))
    return dice.choice((word[:at] + word[at + 1:], word[:at] + "x" + word[at:], word[:at] + word[at:][::-1]))


def mutate(dice, tree, keys):
    """One mistake, or one other thing that may be written."""
    place = dice.choice([place for place in places(tree) if place.value])
    at = dice.randrange(len(place.value))
    replacement = copy.deepcopy(dice.choice(scalars() if dice.random() < 0.8 else containers()))
    if isinstance(place, yaml.SequenceNode):
        place.value[at] = replacement
        return
    key, item = place.value[at]
    kind = dice.randrange(6)
    if kind == 0:
        place.value[at] = (plain(typo(dice, key.value) or "x"), item)
    elif kind == 1:
        place.value.append((plain(dice.choice(keys)), replacement))
    elif kind == 2:
        place.value[at] = (key, yaml.SequenceNode("tag:yaml.org,2002:seq", [item]))
    else:
        place.value[at] = (key, replacement)


def without_duplicates(tree):
    """YAML itself refuses a key written twice; that is no matter of a schema."""
    return all(len({key.value for key, _ in place.value}) == len(place.value)
               for place in places(tree) if isinstance(place, yaml.MappingNode))


def examples():
    return sorted((ROOT / "config" / "examples").glob("*.yaml"))


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        printed = subprocess.run([PROGRAM, "--schema"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
        cls.schema = json.loads(printed)
        jsonschema.Draft7Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft7Validator(cls.schema)
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="revertd-schema-"))

    def daemon(self, texts):
        """What the daemon says of each text."""
        paths = []
        for number, text in enumerate(texts):
            path = pathlib.Path(self.directory) / f"{number}.yaml"
            path.write_text(text)
            paths.append(path)
        result = subprocess.run([PROGRAM, *paths], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return result.stdout.splitlines()

    def accepts(self, text):
        return self.validator.is_valid(value(yaml.compose(text)))

    def disagreements(self, texts):
        for text, verdict in zip(texts, self.daemon(texts), strict=True):
            if verdict == "no yaml":
                continue
            accepted = self.accepts(text)
            # The table of keys and the schema say the same. What the daemon refuses for other reasons, the schema may refuse.
            if accepted == verdict.startswith("structural") or (verdict == "valid" and not accepted):
                if verdict == "semantic" and not accepted:
                    continue
                why = next(iter(self.validator.iter_errors(value(yaml.compose(text)))), None)
                yield f"schema {'accepts' if accepted else f'refuses ({why.message[:150]} at {list(why.path)})'}, daemon: {verdict}\n{text}"

    def test_every_example_is_accepted(self):
        for path in examples():
            errors = [f"{list(error.path)}: {error.message}" for error in self.validator.iter_errors(value(yaml.compose(path.read_text())))]
            self.assertEqual(errors, [], path)

    def test_mutants_are_judged_as_the_daemon_judges_them(self):
        dice = random.Random(SEED)
        keys = sorted(set(re.findall(r'"([a-z_]+)":', json.dumps(self.schema))))
        texts = []
        while len(texts) < MUTANTS:
            tree = yaml.compose(dice.choice(examples()).read_text())
            for _ in range(dice.choice((1, 1, 2))):
                mutate(dice, tree, keys)
            if without_duplicates(tree):
                texts.append(yaml.serialize(tree, width=1000))
        found = list(self.disagreements(texts))
        self.assertEqual(found, [], f"{len(found)} of {len(texts)}\n" + "\n".join(found[:5]))
        refused = sum(not self.accepts(text) for text in texts)
        self.assertTrue(MUTANTS / 4 < refused < MUTANTS * 9 / 10, f"{refused} of {MUTANTS} are refused: these mutants prove little")

    def test_faulty_files_of_the_daemons_own_tests(self):
        texts = [path.read_text() for path in sorted((ROOT / "tests" / "config" / "bad").glob("*.yaml"))]
        texts = [text for text in texts if self._is_composable(text)]
        known = ("boolean", "`010`", "`1:30`")  # how YAML was spelled: see the next test
        found = [text for text in self.disagreements(texts) if not any(word in text for word in known)]
        self.assertEqual(found, [], "\n".join(found[:4]))

    @staticmethod
    def _is_composable(text):
        try:
            return yaml.compose(text) is not None
        except yaml.YAMLError:
            return False

    def test_what_only_the_daemon_can_know(self):
        # Each of these is named in docs/configuration.md.
        service = "services: {{ api: {{ health: 'http://127.0.0.1:1/', {} }} }}\n"
        for only_the_daemon in (
            service.format("min_requests: 010"),  # how a number was spelled
            service.format("owner: yes"),  # a word that older YAML takes for a boolean
            service.format("interval: 20h60m"),  # the range of a sum of units
            service.format("min_requests: '9999999999'"),  # the range of a number in quotes
            "services: { api: { health: { url: 'http://127.0.0.1:1/', expect_status: 500-200 } } }\n",  # a range upside down
        ):
            self.assertTrue(self.accepts(only_the_daemon), only_the_daemon)
            self.assertTrue(self.daemon([only_the_daemon])[0].startswith("structural"), self.daemon([only_the_daemon]))

    def test_the_patterns_of_durations_keep_the_range(self):
        bake = "services: {{ api: {{ health: 'http://127.0.0.1:1/', bake: {} }} }}\n"
        counts = [0, 1, 7, 8, 9, 10, 59, 60, 99, 100, 101, 167, 168, 169, 604799, 604800, 604801, 10079, 10080, 10081, 604800000, 604800001, 999999999]
        texts = [bake.format(f"{count}{unit}") for count in counts for unit in ("ms", "s", "m", "h", "d", "w")]
        self.assertEqual(list(self.disagreements(texts)), [])

    def test_an_editor_is_helped(self):
        def described(schema, path):
            for name, sub in schema.get("properties", {}).items():
                self.assertIn("description", sub, f"{path}.{name}")
        described(self.schema, "")
        for name, definition in self.schema["definitions"].items():
            described(definition, name)
        service = self.schema["definitions"]["services-each"]["properties"]
        self.assertEqual(service["bake"]["default"], "15m")
        self.assertEqual(service["mode"]["enum"], ["observe", "recommend", "enforce"])
        recipes = json.dumps(service["rollback"])
        for recipe in ("systemd", "exec", "webhook"):
            self.assertIn(f'"{recipe}"', recipes)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
