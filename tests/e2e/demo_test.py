# SPDX-License-Identifier: Apache-2.0
"""The demo as under nohup, where no shell can trap a SIGHUP: demo_test.py PROGRAMS"""
import os
import pathlib
import signal
import sys

DEMO = pathlib.Path(__file__).resolve().parents[2] / "packaging/demo/run"

if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.execv(sys.executable, [sys.executable, str(DEMO), "--bin", sys.argv[1]])
