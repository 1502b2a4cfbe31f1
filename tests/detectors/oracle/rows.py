# SPDX-License-Identifier: Apache-2.0
"""What the program prints of made-up services and deploys: a JSON object a line, as of rows.h."""
import json
import subprocess


def rows_of(program, what):
    """By name."""
    rows = {}
    with subprocess.Popen([program, what], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            row = json.loads(line)
            rows.setdefault(row["name"], []).append(row)
    assert process.returncode == 0, f"{program} {what} ended with {process.returncode}"
    return rows
