# SPDX-License-Identifier: Apache-2.0
"""A machine with systemd as PID 1, for tests: this machine's own files below, everything written goes to memory.

Needs root, overlayfs and systemd-nspawn. It has a network of its own with nothing but loopback.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

_BOOT = """
set -eu
mount -t tmpfs -o size=2g,mode=755 tmpfs "$T"
mkdir "$T/upper" "$T/scratch" "$T/root"
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$T/upper,workdir=$T/scratch" "$T/root"
# Nothing of the machine below starts here.
rm -rf "$T"/root/etc/systemd/system/*.wants "$T"/root/etc/rc?.d "$T/root/usr/sbin/policy-rc.d"
"$@"
exec systemd-nspawn -q -D "$T/root" -M "$NAME" --boot --register=no --keep-unit --private-network --console=pipe
"""


class Host:
    """with Host(seed) as host: `seed` is a command that fills the tree named by $T/root before it boots. `lower` is the
    tree below: this machine's own, or one that debootstrap made."""

    def __init__(self, seed, lower="/"):
        self.lower = str(lower)
        self.seed = [str(word) for word in seed]
        self.directory = tempfile.mkdtemp(prefix="revertd-host-")
        self.init = None  # PID 1 of the machine, as seen from here

    def __enter__(self):
        for tool in ("systemd-nspawn", "nsenter", "unshare", "pgrep"):
            if shutil.which(tool) is None:
                raise RuntimeError(f"{tool} is missing")
        environment = dict(os.environ, T=self.directory, LOWER=self.lower, NAME=pathlib.Path(self.directory).name.replace("_", "0"))
        self.log = open(f"{self.directory}.log", "wb")
        self.process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "bash", "-c", _BOOT, "boot", *self.seed],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        try:
            self.wait(self._booted, 120, "the machine boots")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.init:
            subprocess.run(["nsenter", "-t", str(self.init), "-a", "--", "systemctl", "poweroff", "--force"],
                           stdin=subprocess.DEVNULL, capture_output=True, check=False)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self._kill(self.init)  # killing nspawn alone would leave the inner PID 1 behind
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        os.unlink(f"{self.directory}.log")
        os.rmdir(self.directory)

    @staticmethod
    def _kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _booted(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the machine did not boot: {pathlib.Path(self.log.name).read_text()[-2000:]}")
        if self.init is None:
            found = subprocess.run(["pgrep", "-P", str(self.process.pid), "-o", "-x", "systemd"],
                                   capture_output=True, text=True, check=False)
            self.init = int(found.stdout) if found.stdout.strip() else None
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def run(self, *command, check=True, timeout=60):
        """Runs a command on the machine."""
        result = subprocess.run(
            ["nsenter", "-t", str(self.init), "-a", "--", *[str(word) for word in command]],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"{command}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}")
        return result

    def write(self, path, text, mode="0644"):
        self.run("bash", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1" && chmod "$3" "$1"', "write", path, text, mode)

    def property(self, unit, name):
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def journal(self, unit):
        return self.run("journalctl", "-q", "-o", "cat", "-u", unit, check=False).stdout

    @staticmethod
    def wait(question, seconds, what):
        """The first true answer; on a real machine there is nothing to be told, so it is asked."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer := question():
                return answer
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within {seconds} s")
