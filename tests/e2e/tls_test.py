# SPDX-License-Identifier: Apache-2.0
"""How targets and servers are spoken to, beside a real nginx and a real proxy: tls_test.py DIRECTORY_OF_PROGRAMS."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from harness import World, until
from prometheus import Prometheus, free_port

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
PASSWORD, TOKEN, NEXT_TOKEN = "CANARY-password", "CANARY-token-1", "CANARY-token-2"


def openssl(folder, *words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.pem")


def certificate(folder, name, ca, alternative):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.csr")
    (folder / "extensions").write_text(f"subjectAltName={alternative}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-days", "2", "-out", f"{name}.pem",
            "-extfile", "extensions")


class Front:
    """nginx before addresses: {name: (way in which it wants to be asked, port behind)}."""

    def __init__(self, folder, behind):
        self.folder, self.behind, self.token = folder, behind, TOKEN
        self.ways = {
            "plain": "",
            "tls": "",
            "elsewhere": "",
            "mutual": f"ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;",
            "basic": f"auth_basic shop; auth_basic_user_file {folder}/users;",
            "bearer": "if ($known = 0) { return 401; }",
        }
        self.ports = {name: free_port() for name in behind}
        authority(folder, "ca")
        authority(folder, "stranger")
        certificate(folder, "server", "ca", "IP:127.0.0.1")
        certificate(folder, "client", "ca", "DNS:revertd")
        certificate(folder, "other", "ca", "DNS:another.example")
        (folder / "users").write_text("revertd:" + subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True).stdout)
        self.write()
        with open(folder / "nginx.log", "ab") as log:
            self.process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")], stdout=log, stderr=log)

    def server(self, name):
        way, port = self.behind[name]
        certificate_name = "other" if way == "elsewhere" else "server"
        tls = "" if way == "plain" else f"ssl_certificate {self.folder}/{certificate_name}.pem; ssl_certificate_key {self.folder}/{certificate_name}.key;"
        return (f"server {{ listen 127.0.0.1:{self.ports[name]}{'' if way == 'plain' else ' ssl'}; {tls} {self.ways[way]}\n"
                f"  location / {{ proxy_pass http://127.0.0.1:{port}; proxy_set_header Authorization ''; }} }}\n")

    def write(self):
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; user root; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;\nevents {{}}\nhttp {{\n"
            f"log_format short '$server_port $status';\naccess_log {self.folder}/access.log short;\n"
            f'map $http_authorization $known {{ default 0; "Bearer {self.token}" 1; }}\n'
            f"{''.join(self.server(name) for name in self.behind)}}}\n")

    def rotate(self, token):
        self.token = token
        self.write()
        self.process.send_signal(signal.SIGHUP)

    def url(self, name):
        return f"{'http' if self.behind[name][0] == 'plain' else 'https'}://127.0.0.1:{self.ports[name]}"

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Proxy:
    """tinyproxy, which notes what it was asked for."""

    def __init__(self, folder):
        self.log, self.port = folder / "proxy.log", free_port()
        (folder / "proxy.conf").write_text(f'Port {self.port}\nListen 127.0.0.1\nTimeout 60\nLogFile "{self.log}"\nLogLevel Connect\nAllow 127.0.0.1\n')
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", str(folder / "proxy.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Spoken(unittest.TestCase):
    """Each service stands behind nginx in its own way: who may not see is blind and says why, who may see acts."""

    @classmethod
    def setUpClass(cls):
        cls.w = w = World(PROGRAMS)
        w.take_your_time()
        cls.addClassCleanup(w.stop)
        folder = w.root / "front"
        folder.mkdir()
        for name, text in {"password": PASSWORD, "wrong": "not it", "token": TOKEN}.items():
            (w.root / name).write_text(text + "\n")
        cls.proxy = Proxy(folder)
        cls.addClassCleanup(cls.proxy.stop)
        ca, keys = f"ca_file: {folder}/ca.pem", f"cert_file: {folder}/client.pem, key_file: {folder}/client.key"
        basic = f"basic_auth: {{ username: revertd, password_file: {w.root}/"
        cls.ways = {
            "trusted": ("tls", f"tls: {{ {ca} }}", ""),
            "untrusted": ("tls", "", "certificate"),
            "strange": ("tls", f"tls: {{ ca_file: {folder}/stranger.pem }}", "certificate"),
            "skipped": ("tls", "tls: { insecure_skip_verify: true }", ""),
            "renamed": ("elsewhere", f"tls: {{ {ca} }}", "certificate"),
            "known": ("mutual", f"tls: {{ {ca}, {keys} }}", ""),
            "unknown": ("mutual", f"tls: {{ {ca} }}", "400"),
            "named": ("basic", f"tls: {{ {ca} }}, {basic}password }}", ""),
            "misnamed": ("basic", f"tls: {{ {ca} }}, {basic}wrong }}", "401"),
            "bearer": ("bearer", f"tls: {{ {ca} }}, authorization: {{ credentials_file: {w.root}/token }}", ""),
            "nobody": ("bearer", f"tls: {{ {ca} }}", "401"),
            "proxied": ("plain", f"proxy: 'http://127.0.0.1:{cls.proxy.port}'", ""),
            "tunnelled": ("tls", f"tls: {{ {ca} }}, proxy: 'http://127.0.0.1:{cls.proxy.port}'", ""),
        }
        services = {name: w.service(name, more=f"    http: {{ {http} }}\n" if http else "") for name, (_, http, _) in cls.ways.items()}
        cls.front = Front(folder, {name: (way, services[name].targets[0].port) for name, (way, _, _) in cls.ways.items()})
        cls.addClassCleanup(cls.front.stop)
        for name, service in services.items():
            url = cls.front.url(name)
            refused = cls.ways[name][2] in ("400", "401")  # of health that would be a wrong status: down, not blind
            service.config.update(metrics=f"{url}/metrics", health=f"http://127.0.0.1:{service.targets[0].port}/health" if refused else f"{url}/health")
        w.write()
        cls.checked = w.ctl("check", str(w.root / "revertd.yaml"))
        cls.live = w.ctl("-o", "json", "check", str(w.root / "revertd.yaml"), "--live")[1]
        w.start()
        for name in w.services:
            w.ctl("good", "mark", name, "v1", "--reason", "known")
        cls.deploys = {name: w.deploy(name, "v2") for name in w.services}
        for service in w.services.values():
            service.versions["v2"] = {"errors": 0.5}
            service.runs("v2")
        cls.exits = {name: w.wait_exit(deploy) for name, deploy in cls.deploys.items()}

    def test_the_configuration_is_accepted(self):
        self.assertEqual(self.checked[0], 0, self.checked[1])

    def test_check_live_sees_what_the_daemon_will_see(self):
        found = {f["service"]: f for f in json.loads(self.live)["live"] if f["what"].startswith("metrics")}
        for name, (_, _, reason) in self.ways.items():
            with self.subTest(name):
                self.assertEqual(found[name]["good"], not reason, found[name])
                self.assertIn(reason, found[name].get("words") or "")
        self.assertNotIn("CANARY", self.live)

    def test_who_may_see_acts_and_who_may_not_is_blind_and_says_why(self):
        for name, (_, _, reason) in self.ways.items():
            with self.subTest(name):
                told = self.w.ctl("deploy", "show", self.deploys[name])[1] + self.w.ctl("explain", self.deploys[name])[1]
                self.assertEqual(self.exits[name], 14 if reason else 10, told)
                self.assertEqual(self.w.services[name].calls, [] if reason else ["v1"])
                if reason:
                    self.assertIn(reason, told)
                    self.assertEqual(len(self.w.receiver.about(name, "blind")), 1)

    def test_the_proxy_carried_the_two_that_name_it_and_no_other(self):
        log = self.proxy.log.read_text()
        self.assertIn(f"CONNECT 127.0.0.1:{self.front.ports['tunnelled']}", log)
        self.assertIn(f"http://127.0.0.1:{self.front.ports['proxied']}/metrics", log)
        self.assertNotIn(str(self.front.ports["named"]), log)

    def test_a_token_is_rotated_without_a_reload(self):
        self.front.rotate(NEXT_TOKEN)

        def answers():
            lines = (self.front.folder / "access.log").read_text().splitlines()
            return [status for port, status in (line.split() for line in lines) if int(port) == self.front.ports["bearer"]]
        until(lambda: "401" in answers(), 10, "the old token is refused")
        (self.w.root / "token").write_text(NEXT_TOKEN + "\n")
        until(lambda: answers()[-1] == "200", 15, "the new one is read")

    def test_a_secret_is_in_no_log_state_or_answer(self):
        places = {str(p): p.read_bytes() for p in pathlib.Path(self.w.root / "state").rglob("*") if p.is_file()}
        places["log"] = self.w.log().encode()
        for words in (("status", "-o", "json"), ("deploy", "show", self.deploys["misnamed"], "-o", "json"), ("explain", self.deploys["bearer"]),
                      ("check", str(self.w.root / "revertd.yaml"), "--explain")):
            places[" ".join(words)] = self.w.ctl(*words)[1].encode()
        for place, content in places.items():
            self.assertNotIn(b"CANARY", content, place)


class Queried(unittest.TestCase):
    """A real Prometheus behind TLS and a client certificate."""

    def test_a_bad_deploy_is_rolled_back(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        folder = w.root / "front"
        folder.mkdir()
        prometheus = Prometheus(w.root, [])
        front = Front(folder, {"server": ("mutual", prometheus.port)})
        self.addCleanup(front.stop)
        tls = f"{{ ca_file: {folder}/ca.pem, cert_file: {folder}/client.pem, key_file: {folder}/client.key }}"
        service = w.service("api", prometheus=f"{{ url: '{front.url('server')}', http: {{ tls: {tls} }} }}")
        stranger = w.service("stranger", prometheus=f"{{ url: '{front.url('server')}', http: {{ tls: {{ ca_file: {folder}/ca.pem }} }} }}")
        prometheus.services = [service]
        prometheus.start()
        self.addCleanup(prometheus.kill)
        prometheus.until_scraping("shop_calls_total")
        w.start()
        w.good("api")
        w.ctl("good", "mark", "stranger", "v1", "--reason", "known")
        deploys = {name: w.deploy(name, "v2") for name in w.services}
        for each in w.services.values():
            each.versions["v2"] = {"errors": 0.5}
            each.runs("v2")
        self.assertEqual(w.wait_exit(deploys["api"]), 10, w.ctl("deploy", "show", deploys["api"])[1])
        self.assertEqual(w.wait_exit(deploys["stranger"]), 14, w.ctl("deploy", "show", deploys["stranger"])[1])
        self.assertEqual(stranger.calls, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
