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
    key = _key(python, with_tests=with_tests)
    marker = FOLDER / ('.complete-test' if with_tests else '.complete-run')
    if _is(marker, key):
        return FOLDER
    with locked(ROOT / 'build' / 'venv.lock', waiting_for=str(FOLDER)):
        if not _is(marker, key):
            _make(python, with_tests=with_tests)
            marker.write_text(key)
    return FOLDER


def _make(python: str, *, with_tests: bool) -> None:
    start = time.monotonic()
    say(f'making {FOLDER} on top of ROS 2 {os.environ["ROS_DISTRO"]} ({python})')
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    (FOLDER / 'COLCON_IGNORE').touch()
    log, venv_python = FOLDER / 'setup.log', FOLDER / 'bin' / 'python'
    environment = dict(os.environ)
    if not call(
        [python, '-m', 'venv', '--system-site-packages', FOLDER], log=log, env=environment
    ):
        fail(f'{python} cannot make virtual environments: sudo apt install python3-venv')
    constraints = FOLDER / 'constraints.txt'
    constraints.write_text(_constraints(str(venv_python)))
    sets = ['run.in', 'test.in'] if with_tests else ['run.in']
    wanted = [
        line
        for name in sets
        for line in (CONSTRAINTS / name).read_text().splitlines()
        if line and not line.startswith('#') and not _present(str(venv_python), line)
    ]
    if 'torch' in wanted:
        install_torch(venv_python, log=log, constraints=constraints)
    if wanted:
        pip_install(venv_python, wanted, log=log, constraints=constraints)
    say(f'environment made in {time.monotonic() - start:.0f} s')


def _constraints(python: str) -> str:
    """Return our pins, with the system's version wherever the system has the package."""
    system = _installed(python)
    lines = []
    for name, pinned in pins().items():
        if name == 'numpy' and name in system:
            lines.append(f'numpy=={system[name]}  # what cv_bridge is compiled against')
        elif name not in system:
            lines.extend(pinned)
    return '\n'.join(lines) + '\n'


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


def _present(python: str, requirement: str) -> bool:
    module = _MODULE_OF.get(requirement)
    return module is not None and _imports(python, module)


def _imports(python: str, module: str) -> bool:
    command = [python, '-c', f'import {module}']
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _key(python: str, *, with_tests: bool) -> str:
    digest = hashlib.sha256(f'{python} {os.environ["ROS_DISTRO"]} {with_tests}'.encode())
    for path in (PINS, CONSTRAINTS / 'run.in', CONSTRAINTS / 'test.in', Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is(marker: Path, key: str) -> bool:
    return marker.is_file() and marker.read_text() == key
