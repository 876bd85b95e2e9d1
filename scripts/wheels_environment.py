# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""An environment for machines without ROS 2: ROS 2 itself comes from PyPI.

It holds third-party packages only, so that several clones share it. It lies in
``$VLJEPA_CACHE`` (default ``~/.cache/vljepa_ros``) under a name that changes with the pinned
versions, and counts as made only when its marker file is there.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from packages import CONSTRAINTS, install_torch, pip_install, torch_index
from shell import call, fail, leave_other_environments, locked, say

DISTROS = ('jazzy', 'kilted')
PYTHONS = ((3, 10), (3, 13))  # ros-*-rclpy has wheels for these and those between

# Folders of the machine that built the wheels, in the CMake files that they ship.
_BUILD_INCLUDE = re.compile(r'/opt/python/cp\d+-cp\d+/include/python3\.\d+')
_BUILD_NUMPY = re.compile(
    r'/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_?core/include'
)


def prepare(distro: str, *, with_tests: bool) -> Path:
    """Make the environment, or complete it, and return its folder.

    Args:
        distro: One of DISTROS.
        with_tests: Whether the packages for tests and training are wanted too.
    """
    leave_other_environments()
    _check_python()
    folder = _cache() / f'env-{distro}-py{sys.version_info[0]}.{sys.version_info[1]}-{_key()}'
    run_marker, test_marker = folder / '.complete-run', folder / '.complete-test'
    if run_marker.exists() and (test_marker.exists() or not with_tests):
        return folder
    with locked(folder.parent / f'{folder.name}.lock', waiting_for=str(folder)):
        if not run_marker.exists():
            _make(folder, distro)
            run_marker.touch()
        if with_tests and not test_marker.exists():
            _add_tests(folder)
            test_marker.touch()
    return folder


def _make(folder: Path, distro: str) -> None:
    _check_tools()
    start = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)  # what a broken-off set-up left
    others = [path.name for path in folder.parent.glob('env-*') if path.is_dir()]
    say(f'making an environment with ROS 2 {distro} in {folder}')
    folder.mkdir(parents=True)
    log, python = folder / 'setup.log', folder / 'bin' / 'python'
    if not call([sys.executable, '-m', 'venv', folder], log=log):
        fail(
            f'{sys.executable} cannot make virtual environments (see {log}). On Debian and '
            f'Ubuntu: sudo apt install python3-venv'
        )
    say('1/2 PyTorch (200 MB for the processor)')
    install_torch(python, log=log)
    say('2/2 ROS 2 and the other packages (250 MB)')
    sets = ('run.in', 'build.in', f'{distro}.txt')
    pip_install(python, [w for name in sets for w in ('-r', CONSTRAINTS / name)], log=log)
    _repair_cmake_files(folder, python)
    say(f'environment made in {time.monotonic() - start:.0f} s')
    if others:
        say(f'{folder.parent} also holds {", ".join(others)}; what no clone uses can be deleted')


def _add_tests(folder: Path) -> None:
    say('adding the packages for tests and training (600 MB)')
    start = time.monotonic()
    python, log = folder / 'bin' / 'python', folder / 'setup.log'
    pip_install(python, ['-r', CONSTRAINTS / 'test.in'], log=log)
    say(f'added in {time.monotonic() - start:.0f} s')


def _repair_cmake_files(folder: Path, python: Path) -> None:
    """Point the wheels' CMake files at this machine's Python and NumPy headers."""
    numpy_include = subprocess.run(
        [str(python), '-c', 'import numpy; print(numpy.get_include())'],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    for path in (folder / 'share').rglob('*.cmake'):
        text = path.read_text()
        repaired = _BUILD_INCLUDE.sub(lambda _: sysconfig.get_path('include'), text)
        repaired = _BUILD_NUMPY.sub(lambda _: numpy_include, repaired)
        if repaired != text:
            path.write_text(repaired)


def _key() -> str:
    """Return a hash of everything that the environment's content depends on."""
    digest = hashlib.sha256()
    sources = [*sorted(CONSTRAINTS.iterdir()), Path(__file__)]
    for path in sources:
        digest.update(path.name.encode() + path.read_bytes())
    for text in (sys.version, sys.base_prefix, platform.machine(), torch_index()):
        digest.update(text.encode())
    return digest.hexdigest()[:12]


def _cache() -> Path:
    if os.environ.get('VLJEPA_CACHE'):
        return Path(os.environ['VLJEPA_CACHE']).expanduser().absolute()
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'vljepa_ros'


def _check_python() -> None:
    """Go on with a Python that ROS 2's wheels exist for, if this one is not."""
    low, high = PYTHONS
    if low <= sys.version_info[:2] <= high:
        return
    for minor in range(high[1], low[1] - 1, -1):
        other = shutil.which(f'python3.{minor}')
        # pyenv's shims exist for versions that are not active, and then fail.
        if other and subprocess.run([other, '-c', ''], stderr=subprocess.DEVNULL).returncode == 0:
            os.execv(other, [other, *sys.argv])
    fail(
        f'ROS 2 from PyPI needs Python {low[0]}.{low[1]} to {high[0]}.{high[1]}; {sys.executable} '
        f'is {platform.python_version()} and no other was found. Install one and name it: '
        f'make setup PYTHON=/path/to/python3.12'
    )


def _check_tools() -> None:
    """End with one message that names everything missing on this machine."""
    missing = []
    if sys.platform != 'linux':
        fail('ROS 2 from PyPI exists for Linux only; elsewhere, source a ROS 2 installation.')
    if not any(map(shutil.which, (os.environ.get('CC', 'cc'), 'gcc', 'clang'))):
        missing.append('a C compiler (gcc)')
    if not any(map(shutil.which, (os.environ.get('CXX', 'c++'), 'g++', 'clang++'))):
        missing.append('a C++ compiler (g++)')
    if not shutil.which('make'):
        missing.append('make')
    if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        missing.append(f"Python's headers for {sys.executable} (python3-dev)")
    if missing:
        fail(
            f'missing on this machine: {", ".join(missing)}. On Debian and Ubuntu: '
            f'sudo apt install build-essential python3-dev python3-venv'
        )
