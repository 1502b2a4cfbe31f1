# SPDX-License-Identifier: Apache-2.0
"""The package on a bare Debian 12 with systemd: bare_host.py TREE prints what a newcomer types, and how long it took.

TREE is a system that packaging/bare-test made: nothing but systemd, a Python for the service that is guarded, and the package
as /root/revertd.deb."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
sys.dont_write_bytecode = True
from systemd_host import Host  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SERVICE = "[Service]\nExecStart=/usr/bin/python3 -B /srv/api/current/service.py\n"
COMMANDS = [
    "apt-get -q -y install --no-install-recommends /root/revertd.deb",
    "revertctl init --no-questions --health http://127.0.0.1:8099/health --unit api.service --page off",
    "systemctl start revertd",
    "id=$(revertctl deploy start api --version v2)",
    "timeout 20 revertctl deploy watch \"$id\"",
]
# The deploy itself, which is not revertd's: it happens before the last command.
DEPLOY = "ln -sfn releases/v2 /srv/api/next && mv -T /srv/api/next /srv/api/current && systemctl restart api"


def main():
    lines = sum(len(command.splitlines()) for command in COMMANDS)
    assert len(COMMANDS) <= 5 and lines <= 15, f"{len(COMMANDS)} commands, {lines} lines"
    seed = 'for v in v1 v2; do install -D "$1" "$T/root/srv/api/releases/$v/service.py"; done; ln -s releases/v1 "$T/root/srv/api/current"'
    with Host(["bash", "-euc", seed, "seed", HERE / "service.py"], lower=sys.argv[1]) as host:
        host.write("/run/version", "v1\n")
        host.write("/etc/systemd/system/api.service", SERVICE)
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "start", "api")
        begin = time.monotonic()
        script = "\n".join([*COMMANDS[:-1], DEPLOY, f"{COMMANDS[-1]} || [ $? = 124 ]"])
        result = host.run("bash", "-euc", script, check=False, timeout=180)
        seconds = time.monotonic() - begin
        seen = result.stdout + result.stderr
        assert result.returncode == 0 and "v2" in seen and "bak" in seen, seen
        for line in seen.splitlines()[-6:]:
            print(f"   {line}", file=sys.stderr)
    print(f"package on a bare host: {len(COMMANDS)} commands, {lines} lines, {seconds:.0f} s until a bake was watched (20 s of it watching)")


if __name__ == "__main__":
    main()
