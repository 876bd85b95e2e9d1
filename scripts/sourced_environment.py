# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""An environment on top of a sourced ROS 2: what ROS and apt have is used, the rest is added.

It lies in ``.venv`` in the clone and sees the system's packages. Nothing that ROS brings is
shadowed by another version: above all NumPy, which cv_bridge is compiled against.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from packages import CONSTRAINTS, PINS, install_torch, normalized, pins, pip_install
from shell import ROOT, call, fail, locked, say

FOLDER = ROOT / '.venv'
_PYTHON = FOLDER / 'bin' / 'python'

# Modules that apt or a vendor may have installed without telling pip.
_MODULE_OF = {'opencv-python-headless': 'cv2', 'torch': 'torch', 'pyyaml': 'yaml'}


def ros_python() -> str | None:
    """Return the Python of the sourced ROS 2, or None if none is sourced."""
    if not os.environ.get('ROS_DISTRO'):
        return None
    for python in (sys.executable, shutil.which('python3'), '/usr/bin/python3'):
        if python and _imports(python, 'rclpy'):
            return python
    say('ROS_DISTRO is set, but no Python here imports rclpy: taking ROS 2 from PyPI')
    return None


def prepare(python: str, *, with_tests: bool) -> Path:
    """Make ``.venv``, or complete it, and return its folder."""
    key = _key(python)
    run_marker, test_marker = FOLDER / '.complete-run', FOLDER / '.complete-test'
    if _is(run_marker, key) and (_is(test_marker, key) or not with_tests):
        return FOLDER
    with locked(ROOT / 'build' / 'venv.lock', waiting_for=str(FOLDER)):
        if not _is(run_marker, key):
            say(f'making {FOLDER} on top of ROS 2 {os.environ["ROS_DISTRO"]} ({python})')
            _make(python)
            _add('run.in')
            run_marker.write_text(key)
        if with_tests and not _is(test_marker, key):
            say('adding the packages for tests and training')
            _add('test.in')
            test_marker.write_text(key)
    return FOLDER


def _make(python: str) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    (FOLDER / 'COLCON_IGNORE').touch()
    log = FOLDER / 'setup.log'
    if not call([python, '-m', 'venv', '--system-site-packages', FOLDER], log=log):
        fail(f'{python} cannot make virtual environments: sudo apt install python3-venv')
    (FOLDER / 'constraints.txt').write_text(_constraints(str(_PYTHON)))


def _add(package_list: str) -> None:
    """Install what a list names and the system does not have."""
    start = time.monotonic()
    log, constraints = FOLDER / 'setup.log', FOLDER / 'constraints.txt'
    lines = (CONSTRAINTS / package_list).read_text().splitlines()
    names = [line for line in lines if line and not line.startswith('#')]
    wanted = [name for name in names if not _present(name)]
    if 'torch' in wanted:
        install_torch(_PYTHON, log=log, constraints=constraints)
    if wanted:
        pip_install(_PYTHON, wanted, log=log, constraints=constraints)
    say(f'done in {time.monotonic() - start:.0f} s')


def _constraints(python: str) -> str:
    """Return our pins, with the system's version wherever the system has the package."""
    system = _installed(python)
    wanted = {name: lines for name, lines in pins().items() if name not in system}
    numpy = system.get('numpy')
    if numpy:
        wanted['numpy'] = [f'numpy=={numpy}']  # what cv_bridge is compiled against
        if numpy.startswith('1.') and 'opencv-python-headless' in wanted:
            wanted['opencv-python-headless'] = ['opencv-python-headless<4.12']  # later: NumPy 2
    return '\n'.join(line for lines in wanted.values() for line in lines) + '\n'


def _installed(python: str) -> dict[str, str]:
    """Return the versions of the packages that pip sees."""
    output = subprocess.run(
        [python, '-m', 'pip', '--disable-pip-version-check', 'list', '--format', 'json'],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    ).stdout
    return {normalized(entry['name']): entry['version'] for entry in json.loads(output)}


def _present(package: str) -> bool:
    module = _MODULE_OF.get(package)
    return module is not None and _imports(str(_PYTHON), module)


def _imports(python: str, module: str) -> bool:
    command = [python, '-c', f'import {module}']
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _key(python: str) -> str:
    digest = hashlib.sha256(f'{python} {os.environ["ROS_DISTRO"]}'.encode())
    for path in (PINS, CONSTRAINTS / 'run.in', CONSTRAINTS / 'test.in', Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is(marker: Path, key: str) -> bool:
    return marker.is_file() and marker.read_text() == key
