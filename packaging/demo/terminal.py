# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own: what it draws is shown to the person who watches and kept as text."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

ROWS, COLUMNS = 40, 100
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, command, environment):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = dict(environment, TERM="xterm-256color", COLUMNS=str(COLUMNS), LANG="C.UTF-8", LC_ALL="C.UTF-8")
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._master, self._bytes = master, bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        live = sys.stdout.isatty()
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: the other end is closed
                data = b""
            if not data:
                return
            self._bytes += data
            if live:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()

    def wait(self, seconds):
        """Its exit code; TimeoutExpired if it does not end in time."""
        code = self._process.wait(seconds)
        self._reader.join(5)  # all that it drew
        return code

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        os.close(self._master)

    def text(self):
        return _CONTROL.sub("", self._bytes.decode(errors="replace")).replace("\r", "")

    def last_frame(self):
        """What stands on the screen at the end: the text since the cursor last went up to redraw."""
        frames = re.split(r"\x1b\[\d+A", self._bytes.decode(errors="replace"))
        drawn = [frame for frame in frames if "░" in frame or "█" in frame] or frames
        return _CONTROL.sub("", "".join(frames[frames.index(drawn[-1]):])).replace("\r", "").strip("\n")
