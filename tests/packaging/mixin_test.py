# SPDX-License-Identifier: Apache-2.0
"""The alert rules and the dashboard: promtool understands them."""
import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import package  # noqa: E402
import yaml  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "packaging" / "prometheus" / "revertd.rules.yaml"
DASHBOARD = json.loads((ROOT / "packaging" / "grafana" / "revertd.json").read_text())
ALERTS = {"RevertdDown", "RevertdStuck", "RevertdConfigReloadFailed", "RevertdSignalStale", "RevertdRollbackFailed",
          "RevertdNotificationsFailing", "RevertdApprovalPending"}


def alerts():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions():
    """Every query of the dashboard, its variables filled in."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    found += [annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]]
    return [re.sub(r"\$\w+", ".*", text) for text in found]


class Rules(unittest.TestCase):
    def test_promtool_understands_them(self):
        result = package.run("promtool", "check", "rules", RULES)
        self.assertIn("SUCCESS", result.stdout)

    def test_each_fires_when_it_should(self):
        package.run("promtool", "test", "rules", RULES.with_name("revertd.rules.test.yaml"), cwd=RULES.parent)

    def test_every_alert_is_tested_both_ways(self):
        tests = yaml.safe_load(RULES.with_name("revertd.rules.test.yaml").read_text())["tests"]
        cases = [case for test in tests for case in test["alert_rule_test"]]
        names = {rule["alert"] for rule in alerts()}
        self.assertLessEqual(ALERTS, names)
        self.assertEqual({case["alertname"] for case in cases if case.get("exp_alerts")}, names)
        self.assertEqual({case["alertname"] for case in cases if not case.get("exp_alerts")}, names)

    def test_each_says_what_it_means_and_what_to_do(self):
        for rule in alerts():
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"), rule["alert"])
            self.assertTrue(rule["annotations"]["summary"] and rule["annotations"]["action"], rule["alert"])


class Dashboard(unittest.TestCase):
    def test_prometheus_understands_every_query(self):
        with tempfile.TemporaryDirectory(prefix="revertd-mixin-") as directory:
            file = pathlib.Path(directory) / "queries.yaml"
            rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(expressions())]
            file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
            package.run("promtool", "check", "rules", file)

    def test_panels_do_not_overlap(self):
        taken, ids = set(), set()
        for panel in DASHBOARD["panels"]:
            box = panel["gridPos"]
            cells = {(x, y) for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(box["x"] + box["w"], 24)
            self.assertNotIn(panel["id"], ids)
            taken |= cells
            ids.add(panel["id"])


if __name__ == "__main__":
    unittest.main()
