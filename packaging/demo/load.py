#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests at a fixed rate, however slow the answers are: load.py URL RATE. Counts by status on SIGTERM, as JSON.

At most WORKERS are under way; a request that finds none free is counted as `dropped`, never queued.
"""
import collections
import json
import queue
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

WORKERS = 32


def worker(url, requests, counts, lock):
    while True:
        customer = requests.get()
        try:
            with urllib.request.urlopen(f"{url}/orders/{customer}", timeout=5) as answer:
                outcome = str(answer.status)
        except urllib.error.HTTPError as error:
            outcome = str(error.code)
        except OSError:
            outcome = "unreachable"
        with lock:
            counts[outcome] += 1


def main(url, rate):
    requests, counts, lock, stop = queue.Queue(WORKERS), collections.Counter(), threading.Lock(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    for _ in range(WORKERS):
        threading.Thread(target=worker, args=(url, requests, counts, lock), daemon=True).start()
    begin, customer = time.monotonic(), 0
    while not stop.wait(max(0.0, begin + customer / float(rate) - time.monotonic())):
        customer += 1
        try:
            requests.put_nowait(customer)
        except queue.Full:
            with lock:
                counts["dropped"] += 1
    with lock:
        print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
