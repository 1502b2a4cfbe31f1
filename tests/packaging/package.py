# SPDX-License-Identifier: Apache-2.0
"""The package that the build made, for its tests."""
import pathlib
import re
import subprocess


def made(build):
    """The one package of a build directory."""
    found = sorted(pathlib.Path(build).glob("revertd_*.deb"))
    if len(found) != 1:
        raise AssertionError(f"one package is expected in {build}: {found}")
    return found[0].resolve()


def run(*command, check=True, **options):
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=300, check=False, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{command}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result


def unpack(deb, directory):
    """The files of a package and its control data, in directory/DEBIAN."""
    run("dpkg-deb", "--raw-extract", deb, directory)
    return pathlib.Path(directory)


def next_version(deb, directory):
    """The same package, a version later: what an upgrade installs."""
    tree = unpack(deb, pathlib.Path(directory) / "tree")
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^(Version: .*)$", r"\1+next", control.read_text()))
    later = pathlib.Path(directory) / "revertd_next.deb"
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, later)
    return later
