# SPDX-License-Identifier: Apache-2.0
"""Services judged through a Prometheus: prometheus_test.py DIRECTORY_OF_PROGRAMS."""
import json
import os
import subprocess
import sys
import threading
import unittest

sys.dont_write_bytecode = True
from harness import Service, World, main, until
from prometheus import FakePrometheus, Prometheus, free_port

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
GUARD = "{ P0: [health down for 1s], P1: [errors > 5% for 2s] }"


def signals(name):
    return f"""{{ errors: 'ratio(shop_calls_total{{app="{name}"}}, outcome="fail")', queue: 'shop_queue{{app="{name}"}}' }}"""


class Judged(unittest.TestCase):
    """The main job, with a real server between the service and revertd."""

    KIND, SOURCE, SCRAPE = "prometheus", "{url}", "250ms"

    def setUp(self):
        self.w = World(PROGRAMS)
        self.addCleanup(self.w.stop)
        self.prometheus = Prometheus(self.w.root, list(self.w.services.values()), self.KIND)

    def services(self, beside=(), **names):
        for name, config in names.items():
            self.w.service(name, prometheus=self.SOURCE.replace("{url}", self.prometheus.url), **{"signals": signals(name), "guard": GUARD, **config})
        self.prometheus.services = [*self.w.services.values(), *beside]
        self.prometheus.start()
        self.addCleanup(self.prometheus.kill)
        for name in names:
            label, value = self.w.services[name].config.get("labels", f"app: '{name}'").replace("'", "").split(": ")
            self.prometheus.until_scraping(f'shop_calls_total{{{label}="{value}"}}')
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

    def test_what_nobody_named_is_found_by_well_known_names(self):
        self.services(found={"signals": "", "well_known": True}, bare={"signals": "", "guard": "{ P0: [health down for 1s], anomaly: P1 }"})
        self.w.good()
        code, text = self.w.ctl("-o", "json", "check", str(self.w.root / "revertd.yaml"), "--live")
        live = {(f["service"], f["what"]): f for f in json.loads(text)["live"]}
        self.assertEqual(code, 0, text)
        self.assertIn('http_requests_total{app="found"}', live["found", "signal errors"]["words"])
        self.assertRegex(live["found", "signal errors"]["value"], r"^0(\.\d+)?%$")
        self.assertIn("no label says which series are those of `bare`", live["bare", "signal errors"]["words"])
        service, deploy = self.bad("found", errors=0.09)
        incident = self.w.until_incident("found", "awaiting_approval")
        self.assertIn("errors > 5%", incident["reason"] + json.dumps(incident["findings"]))
        shown = {s["name"]: s for s in self.w.json("deploy", "show", deploy)["signals"]}
        self.assertAlmostEqual(shown["errors"]["value"], 0.09, delta=0.02)
        self.assertEqual(self.w.ctl("approve", incident["id"])[0], 0)
        self.assertEqual(self.w.wait_exit(deploy), 10, self.w.ctl("deploy", "show", deploy)[1])
        self.assertEqual(service.calls, ["v1"])

    def test_a_selector_says_which_series_are_the_service_s(self):
        source = self.SOURCE.replace("{url}", self.prometheus.url)
        source = source if source.startswith("{") else f"{{ url: '{source}' }}"
        self.SOURCE = source.replace(" }", """, selector: '{app="labelled"}' }""")
        other = Service(self.w.root, "other", well_known=True)
        for target in other.targets:
            self.addCleanup(target.stop)
        other.versions["v1"] = {"errors": 0.5}
        self.services([other], mine={"signals": "", "well_known": True, "labels": "app: 'labelled'"})
        self.w.good()
        _, deploy = self.bad("mine", errors=0.09)
        incident = self.w.until_incident("mine", "awaiting_approval")
        self.assertEqual(incident["severity"], "P1", incident)
        self.assertEqual(self.w.ctl("deny", incident["id"])[0], 0)
        self.assertEqual(self.w.wait_exit(deploy), 12, self.w.ctl("deploy", "show", deploy)[1])

    def test_the_server_says_which_instances_begin_anew(self):
        source = (self.SOURCE if " " in self.SOURCE else "{ url: '{url}' }").replace(" }", ", scrape_interval: " + self.SCRAPE + " }")
        signals = """{ p95: 'quantile(0.95, shop_call_seconds{app="shop"})' }"""
        shop = self.w.service("shop", prometheus=source.replace("{url}", self.prometheus.url), signals=signals, guard="{ P1: [p95 worse than baseline] }", histogram=True, targets=3)
        late = shop.targets[2]
        late.stop()
        self.prometheus.services = [shop]
        self.prometheus.start()
        self.addCleanup(self.prometheus.kill)
        self.w.write()
        explained = self.w.ctl("check", str(self.w.root / "revertd.yaml"), "--explain")[1]
        text = next(line for line in explained.splitlines() if "[instances that begin anew]" in line).split("   [")[0].strip()

        def parts():
            return {row["metric"]["revertd_part"]: float(row["value"][1]) for row in self.prometheus.query(text)}
        self.prometheus.until_scraping('shop_call_seconds_bucket{app="shop"}')
        until(lambda: parts() == {"instances": 2}, 30, "both have been there for a while")
        shop.targets[0].buckets = dict.fromkeys(shop.targets[0].buckets, 0.0)
        until(lambda: parts() == {"instances": 2, "again": 1}, 20, "one has begun anew")
        until(lambda: parts() == {"instances": 2}, 20, "that was it")
        late.start()
        until(lambda: parts() == {"instances": 3, "new": 1}, 20, "there is one more")
        until(lambda: parts() == {"instances": 3}, 20, "it is there")

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

    def test_coming_and_going_for_the_whole_bake_acts_on_nothing_and_pages_once(self):
        self.services(api={})
        self.w.good()
        service, deploy = self.bad("api", errors=0.5)
        over = threading.Event()

        def come_and_go():
            while not over.is_set():
                self.prometheus.kill()
                over.wait(0.7)
                self.prometheus.start()
                over.wait(0.7)
        other = threading.Thread(target=come_and_go)
        other.start()
        try:
            self.assertEqual(self.w.wait_exit(deploy), 14, self.w.ctl("explain", deploy)[1])
        finally:
            over.set()
            other.join()
        self.assertEqual(service.calls, [])
        self.assertEqual(len(until(lambda: self.w.receiver.about("api", "blind"), 10, "paged")), 1)
        self.assertEqual(self.w.incident("api"), {})


class Same(unittest.TestCase):
    """The same traffic judged directly and through a real Prometheus."""

    def test_values_differ_by_less_than_one_percent_and_decisions_not_at_all(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        prometheus = Prometheus(w.root, [])
        guard = "{ P0: [health down for 1s], P1: [errors > 5% for 2s over 2s, p95 > 500ms for 2s over 2s] }"
        signals = """{ errors: 'ratio(shop_calls_total%s, outcome="fail")', p95: 'quantile(0.95, shop_call_seconds%s)' }"""
        direct = w.service("direct", signals=signals % ("", ""), guard=guard, histogram=True, bake="10s")
        direct.rate = 100000.0  # counters are whole numbers: many of them
        label = '{app="direct"}'
        through = w.service("through", prometheus=prometheus.url, signals=signals % (label, label), guard=guard, bake="10s")
        for target in through.targets:
            target.stop()
        through.targets = direct.targets  # the same instances
        prometheus.services = [direct]
        prometheus.start()
        self.addCleanup(prometheus.kill)
        prometheus.until_scraping('shop_calls_total{app="direct"}')
        w.start()
        w.good()
        direct.versions["v2"] = {"errors": 0.09, "slow": 2}
        deploys = {name: w.deploy(name, "v2") for name in w.services}
        for service in w.services.values():
            service.runs("v2")
        for name in w.services:
            w.until_incident(name, "awaiting_approval")

        def values(name):
            return {s["name"]: s["value"] for s in w.json("deploy", "show", deploys[name])["signals"]}

        def close():
            one, other = values("direct"), values("through")
            return all(one[n] and other[n] and abs(one[n] - other[n]) <= 0.01 * one[n] for n in ("errors", "p95")) and (one, other)

        one, _ = until(close, 10, f"within 1 %: {values('direct')} {values('through')}")
        self.assertAlmostEqual(one["errors"], 0.09, delta=0.002)
        incidents = [w.incident(name) for name in ("direct", "through")]
        self.assertEqual([i["severity"] for i in incidents], ["P1", "P1"])


class VictoriaMetrics(Judged):
    # It shows samples a second after they were taken, and the first ones of a series after five: longer windows.
    KIND, SOURCE, SCRAPE = "victoria-metrics", "{ url: '{url}', delay: 2s }", "2500ms"


class Asks(unittest.TestCase):
    """What a server sees of revertd."""

    def test_services_that_differ_in_a_label_are_asked_by_one_query_with_the_credentials_written(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        fake = FakePrometheus()
        self.addCleanup(fake.stop)
        token = w.root / "token"
        token.write_text("s3cret-token\n")
        source = f"{{ url: '{fake.url}/', scrape_interval: 250ms, lookback_delta: 1m, http: {{ authorization: {{ credentials_file: {token} }}, headers: {{ X-Scope-OrgID: shop }} }} }}"
        for name in ("a", "b", "c.d"):
            w.service(name, prometheus=source, signals=signals(name), guard=GUARD)
        w.start()
        w.good("a", "b", "c.d")
        errors = [q for q in fake.queries if "rate(" in q[0] and q[2].endswith("/query")]
        self.assertEqual({q[0] for q in errors}, {
            'label_replace(sum by (app) (rate(shop_calls_total{app=~"a|b|c\\\\.d"}[1s])), "revertd_part", "all", "", "")'
            ' or label_replace(sum by (app) (rate(shop_calls_total{app=~"a|b|c\\\\.d",outcome="fail"}[1s])), "revertd_part", "bad", "", "")'
            ' or label_replace(max by (app) (timestamp(shop_calls_total{app=~"a|b|c\\\\.d"})), "revertd_part", "at", "", "")'})
        times = sorted(q[1] for q in errors)
        self.assertLessEqual(len(times), (times[-1] - times[0]) / 0.2 * 1.2 + 2, "once a slot for all three services")
        for _, _, path, headers, form in fake.queries:
            self.assertIn(path, ("/api/v1/query", "/api/v1/query_range"))
            self.assertEqual((headers["Authorization"], headers["X-Scope-OrgID"]), ("Bearer s3cret-token", "shop"))
            self.assertEqual(form["lookback_delta"], ["60000ms"])
            self.assertIn("timeout", form)
        self.assertTrue([q for q in fake.queries if q[2].endswith("query_range")], "the baseline is filled")
        self.assertNotIn("s3cret", w.log())
        self.assertNotIn("s3cret", w.ctl("check", str(w.root / "revertd.yaml"), "--explain")[1])


class Control(unittest.TestCase):
    """A canary beside its control group, told apart by a label."""

    def setUp(self):
        self.w = w = World(PROGRAMS)
        self.addCleanup(w.stop)
        self.prometheus = Prometheus(w.root, [])
        self.control = Service(w.root, "control", labels="app: 'shop', track: 'stable'")
        for target in self.control.targets:
            self.addCleanup(target.stop)
        self.shop = w.service("shop", prometheus=self.prometheus.url, labels="app: 'shop', track: 'canary'", signals=signals("shop"),
                              guard="{ P0: [health down for 1s, errors > 10% for 1s over 2s] }", bake="8s",
                              more="""    compare: { canary: '{track="canary"}', baseline: '{track="stable"}' }\n""")
        self.prometheus.services = [self.shop, self.control]
        self.prometheus.start()
        self.addCleanup(self.prometheus.kill)
        self.prometheus.until_scraping('count(shop_calls_total{app="shop"}) >= 4')
        w.start()
        w.good()

    def deploy(self, canary, control):
        self.shop.versions["v2"] = {"errors": canary}
        deploy = self.w.deploy("shop", "v2")
        self.control.versions["v1"] = {"errors": control}
        self.shop.runs("v2")
        return self.w.wait_exit(deploy)

    def test_an_incident_that_both_groups_share_acts_on_nothing(self):
        self.assertEqual(self.deploy(0.3, 0.28), 14)
        self.assertEqual(self.shop.calls, [])
        self.assertEqual(self.w.incident("shop"), {})

    def test_one_of_the_canary_alone_is_rolled_back(self):
        self.assertEqual(self.deploy(0.3, 0.02), 10)
        self.assertEqual(self.shop.calls, ["v1"])


class Vmalert(unittest.TestCase):
    """What looks like a Prometheus and answers no queries: named by mistake, it is blind from the start and says so."""

    def test_nothing_is_done_and_one_page_says_so(self):
        w = World(PROGRAMS)
        w.take_your_time()
        self.addCleanup(w.stop)
        store = Prometheus(w.root, [], "victoria-metrics")
        rules = w.root / "rules.yml"
        rules.write_text("groups: [{ name: shop, rules: [{ alert: Failing, expr: 'vector(1)' }] }]\n")
        port = free_port()
        with open(w.root / "vmalert.log", "ab") as log:
            vmalert = subprocess.Popen(["vmalert", f"-rule={rules}", f"-datasource.url={store.url}", f"-notifier.url={store.url}", f"-remoteWrite.url={store.url}",
                                        f"-httpListenAddr=127.0.0.1:{port}", "-evaluationInterval=1s"], stdout=log, stderr=log)
        self.addCleanup(vmalert.wait)
        self.addCleanup(vmalert.terminate)
        service = w.service("api", prometheus=f"http://127.0.0.1:{port}", guard=GUARD)
        store.services = [service]
        store.start()
        self.addCleanup(store.kill)
        w.start()
        w.ctl("good", "mark", "api", "v1", "--reason", "known")
        service.versions["v2"] = {"errors": 0.5}
        deploy = w.deploy("api", "v2")
        service.runs("v2")
        self.assertEqual(w.wait_exit(deploy), 14, w.ctl("deploy", "show", deploy)[1])
        self.assertEqual(service.calls, [])
        self.assertEqual(len(until(lambda: w.receiver.about("api", "blind"), 10, "paged")), 1)
        self.assertIn("400", w.ctl("explain", deploy)[1])
        self.assertEqual(w.ctl("check", str(w.root / "revertd.yaml"), "--live")[0], 1)


class Blind(unittest.TestCase):
    """Every way in which a server can fail to tell, for the whole bake: nothing is done, 14, one page."""

    MODES = ("empty", "nan", "inf", "two series", "stale", "old values", "warnings", "infos", "isPartial", "503", "422", "html", "truncated",
             "wrong type", "text", "slow", "scalar", "matrix", "null", "no data", "error in a 200", "empty body", "204", "bare numbers", "words",
             "beyond a double", "below zero", "twice the same", "401", "404", "413", "429", "500", "502", "redirect", "chunked and cut", "packed",
             "clock ahead", "clock behind", "endless", "future", "reset")

    def test_nothing_is_done_and_one_page_says_so(self):
        w = World(PROGRAMS)
        w.take_your_time()
        self.addCleanup(w.stop)
        fakes = {mode: FakePrometheus() for mode in self.MODES}
        for fake in fakes.values():
            self.addCleanup(fake.stop)
        names = {mode: "m_" + mode.replace(" ", "_") for mode in self.MODES}
        for mode, name in names.items():
            plain = """{ errors: 'ratio(shop_calls_total, outcome="fail")', queue: shop_queue }"""
            w.service(name, prometheus=fakes[mode].url, signals=plain, guard="{ P0: [health down for 4s], P1: [errors > 5% for 2s, queue > 100 for 2s] }")
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
    main(at_once=4)
