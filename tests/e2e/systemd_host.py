# SPDX-License-Identifier: Apache-2.0
"""A machine with systemd as PID 1, for tests: this machine's own files below, everything written goes to memory.

Needs root, overlayfs and systemd-nspawn; neither systemd nor D-Bus need run here: a container or a chroot is enough. It has a
network of its own with nothing but loopback.
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
exec systemd-nspawn -q -D "$T/root" -M "$NAME" --boot --register=no --keep-unit --link-journal=no \\
    --private-network --console=pipe
"""
# In this order it says the most: what the machine waits for, what failed, and its last words.
_QUESTIONS = ("systemctl is-system-running", "systemctl list-jobs --no-legend", "systemctl list-units --failed --no-legend",
              "journalctl -q -b -n 25 -o cat")
_TOOLS = {"systemd-nspawn": "systemd-container", "nsenter": "util-linux", "unshare": "util-linux", "pgrep": "procps"}
_IDLE_SECONDS = 30  # a machine that boots shows a sign of life more often than this



class Host:
    """with Host(seed) as host: `seed` is a command that fills the tree named by $T/root before it boots. `lower` is the
    tree below: this machine's own, or one that debootstrap made."""

    failure = None  # why a machine of this kind did not boot: the next one would not either

    def __init__(self, seed, lower="/"):
        self.lower = str(lower)
        self.seed = [str(word) for word in seed]
        self.directory = tempfile.mkdtemp(prefix="revertd-host-")
        self.init = None  # PID 1 of the machine, as seen from here

    def __enter__(self):
        try:
            self._demand()
        except BaseException:
            os.rmdir(self.directory)
            raise
        environment = dict(os.environ, T=self.directory, LOWER=self.lower, NAME=pathlib.Path(self.directory).name.replace("_", "0"))
        self.log = open(f"{self.directory}.log", "wb")
        self.process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "bash", "-c", _BOOT, "boot", *self.seed],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.init:
            # At once powered off. A signal reaches this machine's PID 1 and no other: a bus might be that of the machine below.
            self._kill(self.init, signal.SIGRTMIN + 14)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self._kill(self.init, signal.SIGKILL)  # killing nspawn alone would leave the inner PID 1 behind
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        os.unlink(f"{self.directory}.log")
        os.rmdir(self.directory)

    @staticmethod
    def _demand():
        if Host.failure:
            raise RuntimeError(f"the machine before did not boot: {Host.failure.splitlines()[0]}")
        if os.geteuid() != 0:
            raise RuntimeError("this needs root: it mounts an overlay and boots a machine on it")
        if missing := [f"{tool} (package {package})" for tool, package in _TOOLS.items() if shutil.which(tool) is None]:
            raise RuntimeError(f"missing here: {', '.join(missing)}")

    def _boot(self):
        """Until the machine has booted; no longer than its state, its jobs or its console change."""
        seen, deadline = None, 0
        while not self._booted():
            signs = (self.init, self._console(), self._asked(_QUESTIONS[:2]))
            if signs != seen:
                seen, deadline = signs, time.monotonic() + _IDLE_SECONDS
            if time.monotonic() > deadline:
                self._fail(f"the machine does not boot: nothing has changed for {_IDLE_SECONDS} s")
            time.sleep(0.1)

    def _fail(self, why):
        Host.failure = f"{why}\n{self._asked(_QUESTIONS)}its console:\n{self._console()[-2000:]}"
        raise RuntimeError(Host.failure)

    def _console(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def _asked(self, questions):
        """What the machine says of itself, as far as it can."""
        said = ""
        for question in questions if self.init else ():
            try:
                result = self.run(*question.split(), check=False, timeout=5)
                said += f"{question}:\n{result.stdout}{result.stderr}"
            except subprocess.TimeoutExpired:
                said += f"{question}: no answer\n"
        return said

    @staticmethod
    def _kill(pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def _booted(self):
        if self.process.poll() is not None:
            self._fail(f"the machine does not boot: exit code {self.process.returncode}")
        if self.init is None:
            found = subprocess.run(["pgrep", "-P", str(self.process.pid), "-o", "-x", "systemd"],
                                   capture_output=True, text=True, check=False)
            self.init = int(found.stdout) if found.stdout.strip() else None
            return False
        return any(line in ("running", "degraded") for line in self._asked(_QUESTIONS[:1]).splitlines())

    def run(self, *command, check=True, timeout=60):
        """Runs a command on the machine."""
        # -r: the root of the machine's mount namespace is the machine's only if this process is not in a chroot.
        result = subprocess.run(
            ["nsenter", "-t", str(self.init), "-a", "-r", "--", *[str(word) for word in command]],
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
