# SPDX-License-Identifier: Apache-2.0
"""Services judged through a Prometheus: prometheus_test.py DIRECTORY_OF_PROGRAMS."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
from harness import World, until
from prometheus import FakePrometheus, Prometheus

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
GUARD = "{ P0: [health down for 1s], P1: [errors > 5% for 2s] }"


def signals(name):
    return f"""{{ errors: 'ratio(shop_calls_total{{app="{name}"}}, outcome="fail")', queue: 'shop_queue{{app="{name}"}}' }}"""


class Judged(unittest.TestCase):
    """The main job, with a real server between the service and revertd."""

    KIND, SOURCE = "prometheus", "{url}"

    def setUp(self):
        if not Prometheus.installed(self.KIND):
            self.skipTest(f"{self.KIND} is not installed")
        self.w = World(PROGRAMS)
        self.addCleanup(self.w.stop)
        self.prometheus = Prometheus(self.w.root, list(self.w.services.values()), self.KIND)

    def services(self, **names):
        for name, config in names.items():
            self.w.service(name, prometheus=self.SOURCE.replace("{url}", self.prometheus.url), signals=signals(name), guard=GUARD, **config)
        self.prometheus.services = list(self.w.services.values())
        self.prometheus.start()
        self.addCleanup(self.prometheus.kill)
        for name in names:
            self.prometheus.until_scraping(f'shop_calls_total{{app="{name}"}}')
        self.w.start()

    def bad(self, name, **behaviour):
        service = self.w.services[name]
        service.versions["v2"] = behaviour
        deploy = self.w.deploy(name, "v2")
        service.runs("v2")
        return service, deploy

    def test_a_bad_deploy_is_asked_rolled_back_and_verified_and_a_good_one_passes(self):
        self.services(over={}, under={})
        self.w.good()
        service, deploy = self.bad("over", errors=0.09)
        other, healthy = self.bad("under", errors=0.04)
        incident = self.w.until_incident("over", "awaiting_approval")
        self.assertEqual(self.w.ctl("approve", incident["id"])[0], 0)
        self.assertEqual(self.w.wait_exit(deploy), 10, self.w.ctl("deploy", "show", deploy)[1])
        self.assertEqual(service.calls, ["v1"])
        self.assertEqual(self.w.wait_exit(healthy), 0, self.w.ctl("deploy", "show", healthy)[1])
        self.assertEqual(other.calls, [])

    def test_check_live_asks_every_query_once(self):
        self.services(live={})
        def live():
            code, text = self.w.ctl("-o", "json", "check", str(self.w.root / "revertd.yaml"), "--live")
            return {f["what"]: f for f in json.loads(text)["live"]} if code == 0 else None
        found = until(live, 20, "the server has two samples of every series")
        self.assertEqual(found["signal queue"]["value"], "3")
        self.assertRegex(found["signal errors"]["value"], r"^0(\.\d+)?%$")
        self.prometheus.kill()
        self.assertEqual(self.w.ctl("check", str(self.w.root / "revertd.yaml"), "--live")[0], 1)

    def test_killed_for_the_whole_bake_acts_on_nothing_and_pages_once(self):
        self.services(api={})
        self.w.good()
        self.prometheus.kill()
        service, deploy = self.bad("api", errors=0.5)
        self.assertEqual(self.w.wait_exit(deploy), 14)
        self.assertEqual(service.calls, [])
        self.assertEqual(len(until(lambda: self.w.receiver.about("api", "blind"), 10, "paged")), 1)
        self.assertEqual(self.w.incident("api"), {})


class VictoriaMetrics(Judged):
    # It shows samples a second after they were taken.
    KIND, SOURCE = "victoria-metrics", "{ url: '{url}', delay: 2s }"


class Blind(unittest.TestCase):
    """Every way in which a server can fail to tell, for the whole bake: nothing is done, 14, one page."""

    MODES = ("empty", "nan", "inf", "two series", "stale", "old values", "warnings", "infos", "isPartial", "503", "422", "html", "truncated",
             "wrong type", "text", "slow")

    def test_nothing_is_done_and_one_page_says_so(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        fakes = {mode: FakePrometheus() for mode in self.MODES}
        for fake in fakes.values():
            self.addCleanup(fake.stop)
        names = {mode: "m_" + mode.replace(" ", "_") for mode in self.MODES}
        for mode, name in names.items():
            plain = """{ errors: 'ratio(shop_calls_total, outcome="fail")', queue: shop_queue }"""
            w.service(name, prometheus=fakes[mode].url, signals=plain, guard="{ P0: [health down for 1s], P1: [errors > 5% for 2s, queue > 100 for 2s] }")
        w.start()
        for name in w.services:
            w.ctl("good", "mark", name, "v1", "--reason", "known")
        deploys = {}
        for mode, name in names.items():
            fakes[mode].mode = mode
            deploys[name] = w.deploy(name, "v2")
            w.services[name].runs("v2")
        for name, deploy in deploys.items():
            with self.subTest(name):
                self.assertEqual(w.wait_exit(deploy), 14, w.ctl("deploy", "show", deploy)[1])
                self.assertEqual(w.services[name].calls, [])
                self.assertEqual(len(until(lambda n=name: w.receiver.about(n, "blind"), 10, f"{name} is paged")), 1)
                self.assertEqual(w.incident(name), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
