# SPDX-License-Identifier: Apache-2.0
"""The daemon's own metrics after real deploys, as Prometheus reads them: metrics_test.py DIRECTORY_OF_PROGRAMS."""
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
from harness import World, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')

# Interface, section 5: every metric with the labels that it may carry.
CONTRACT = {
    "revertd_build_info": {"version", "revision", "compiler"},
    "revertd_config_last_reload_successful": set(),
    "revertd_guards_active": {"service"},
    "revertd_deploys_total": {"service", "outcome"},
    "revertd_evaluations_total": {"service", "rule", "verdict"},
    "revertd_signal_last_success_timestamp_seconds": {"service", "signal"},
    "revertd_scrape_duration_seconds": set(),
    "revertd_scrape_bytes_total": set(),
    "revertd_rollbacks_total": {"service", "severity", "mode"},
    "revertd_rollbacks_failed_total": {"service", "step"},
    "revertd_reaction_seconds": set(),
    "revertd_rollback_duration_seconds": set(),
    "revertd_approval_wait_seconds": set(),
    "revertd_notifications_total": {"integration"},
    "revertd_journal_fsync_seconds": set(),
    "revertd_loop_lag_seconds": set(),
    "revertd_ready_to_rollback": {"service"},
    "revertd_approvals_pending": {"service"},
    "revertd_heartbeat_timestamp_seconds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "process_start_time_seconds": set(),
}
CLOSED = {
    "verdict": {"ok", "breach", "no_data", "stale", "partial", "error", "ambiguous", "insufficient"},
    "outcome": {"healthy", "rolled_back", "failed", "not_rolled_back", "superseded", "inconclusive", "aborted"},
    "mode": {"auto", "approved", "manual"},
    "severity": {"P0", "P1", "P2", "P3"},
}


def samples(text):
    """{(name, labels)}: value; a series that stands twice is an error."""
    out = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in out, f"twice: {line}"
        out[key] = float(value)
    return out


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = w = World(PROGRAMS)
        for name in ("auto", "asked", "broken", "gone"):
            w.service(name)
        w.services["broken"].script("rollback", "exit 3")
        w.services["gone"].config["guard"] = '["errors > 5% for 2s", \'queue > 10\']'
        w.start()
        w.good()
        w.services["auto"].versions["v2"] = {"errors": 0.5}
        w.services["asked"].versions["v2"] = {"errors": 0.09}
        w.services["broken"].versions["v2"] = {"errors": 0.5}
        deploys = {}
        for name in ("auto", "asked", "broken"):
            deploys[name] = w.deploy(name, "v2")
            w.services[name].runs("v2")
        asked = w.until_incident("asked", "awaiting_approval")["id"]
        cls.while_asked = samples(w.http("GET", "/metrics")[2])
        w.ctl("approve", asked)
        cls.exits = {name: w.wait_exit(deploy) for name, deploy in deploys.items()}
        cls.text = w.http("GET", "/metrics")[2]
        cls.samples = samples(cls.text)

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()

    def value(self, name, **labels):
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def test_promtool_has_nothing_to_say(self):
        status, headers, text = self.w.http("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("version=0.0.4", headers["Content-Type"])
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_every_metric_of_the_contract_with_its_labels_and_no_other(self):
        base = lambda name: re.sub(r"_(bucket|sum|count)$", "", name) if re.sub(r"_(bucket|sum|count)$", "", name) in CONTRACT else name
        seen = {}
        for name, labels in self.samples:
            seen.setdefault(base(name), set()).update({label for label, _ in labels} - {"le"})
            for label, value in labels:
                self.assertIn(value, CLOSED.get(label, {value}), f"{name} {label}")
        for name, labels in CONTRACT.items():
            self.assertIn(name, seen)
            self.assertEqual(seen[name], labels, name)

    def test_what_happened_is_counted_once(self):
        self.assertEqual(self.exits, {"auto": 10, "asked": 10, "broken": 11})
        self.assertEqual(self.value("revertd_deploys_total", service="auto", outcome="rolled_back"), 1)
        self.assertEqual(self.value("revertd_deploys_total", service="broken", outcome="failed"), 1)
        self.assertEqual(self.value("revertd_rollbacks_total", service="auto", severity="P0", mode="auto"), 1)
        self.assertEqual(self.value("revertd_rollbacks_total", service="asked", severity="P1", mode="approved"), 1)
        self.assertEqual(self.value("revertd_rollbacks_total", service="broken", severity="P0", mode="auto"), 1)
        failed = [value for (name, labels), value in self.samples.items() if name == "revertd_rollbacks_failed_total"]
        self.assertEqual(failed, [2])  # two attempts of one step
        self.assertEqual(self.value("revertd_approval_wait_seconds_count"), 1)
        self.assertEqual(self.value("revertd_reaction_seconds_count"), 2)  # the asked one waited for a person
        self.assertLess(self.value("revertd_reaction_seconds_sum"), 2)
        self.assertEqual(self.value("revertd_rollback_duration_seconds_count"), 2)

    def test_a_question_is_seen_while_it_waits(self):
        pending = lambda of, name: of[("revertd_approvals_pending", (("service", name),))]
        self.assertEqual((pending(self.while_asked, "asked"), pending(self.while_asked, "gone")), (1, 0))
        self.assertEqual(pending(self.samples, "asked"), 0)

    def test_alerts_and_dashboard_ask_for_what_there_is(self):
        files = pathlib.Path(__file__).resolve().parents[2] / "packaging"
        asked = set()
        for file in (files / "prometheus" / "revertd.rules.yaml", files / "grafana" / "revertd.json"):
            asked |= set(re.findall(r"\b(?:revertd|process)_[a-z_]+\b", "\n".join(
                line for line in file.read_text().splitlines() if re.search(r"expr|query|_total|_seconds", line))))
        there = set(re.findall(r"(?m)^# TYPE (\S+) ", self.text)) | {"revertd_notifications_failed_total"}  # nothing failed here
        self.assertEqual({re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} - there, set())
        self.assertGreater(len(asked), 12)

    def test_rules_signals_and_pages_are_counted(self):
        rule = "errors > 20% for 1s"
        self.assertGreater(self.value("revertd_evaluations_total", service="auto", rule=rule, verdict="ok"), 10)
        self.assertGreater(self.value("revertd_evaluations_total", service="auto", rule=rule, verdict="breach"), 0)
        self.assertEqual(self.value("revertd_evaluations_total", service="gone", rule="queue > 10", verdict="breach"), 0)
        seen = self.value("revertd_signal_last_success_timestamp_seconds", service="auto", signal="errors")
        self.assertLess(abs(time.time() - seen), 60)
        self.assertGreater(self.value("revertd_scrape_duration_seconds_count"), 50)
        self.assertGreater(self.value("revertd_scrape_bytes_total"), 50 * 100)
        self.assertGreater(self.value("revertd_journal_fsync_seconds_count"), 10)
        self.assertGreater(self.value("revertd_notifications_total", integration="webhook"), 2)
        self.assertLess(abs(time.time() - self.value("revertd_heartbeat_timestamp_seconds")), 60)
        self.assertGreater(self.value("process_resident_memory_bytes"), 1e6)

    def test_series_go_with_their_service_and_a_bad_reload_shows(self):
        config = (self.w.root / "revertd.yaml").read_text()
        self.w.write("services: [")
        self.assertEqual(self.w.http("POST", "/-/reload")[0], 400)
        now = samples(self.w.http("GET", "/metrics")[2])
        self.assertEqual(now[("revertd_config_last_reload_successful", ())], 0)
        gone = self.w.services.pop("gone")
        self.w.write()
        self.assertEqual(self.w.http("POST", "/-/reload")[0], 200)
        until(lambda: not [1 for _, labels in samples(self.w.http("GET", "/metrics")[2]) if ("service", "gone") in labels], 10, "no series of a service that is not configured")
        self.assertEqual(samples(self.w.http("GET", "/metrics")[2])[("revertd_config_last_reload_successful", ())], 1)
        self.w.services["gone"] = gone
        self.w.write(config)
        self.w.http("POST", "/-/reload")


if __name__ == "__main__":
    unittest.main(verbosity=2)
