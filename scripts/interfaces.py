# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""Builds the package's messages and services into ``build/<distro>/install`` of the clone.

CMake does what ``colcon build --symlink-install`` does for this one package: Python modules,
launch files and parameters become links into the source tree, so only changed interfaces (or
new files) need another build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from shell import ROOT, call, fail, locked, say, tail

_CONTENT = ('msg/*', 'srv/*', 'action/*', 'CMakeLists.txt', 'package.xml')
_NAMES = ('scripts/nodes/*', 'launch/*', 'config/*')


def build(distro: str, *, python: Path | str, env: Mapping[str, str]) -> Path:
    """Build what is not built yet, and return the install prefix.

    Args:
        distro: ROS distribution, names the folder.
        python: The Python that the generators run in and the modules are compiled for.
        env: Environment with ROS 2's CMake packages and with cmake on the PATH.
    """
    folder = ROOT / 'build' / distro
    prefix, stamp = folder / 'install', folder / 'interfaces.stamp'
    key = _key(python)
    if stamp.is_file() and stamp.read_text() == key:
        return prefix
    with locked(folder / 'lock', waiting_for=f'the interfaces in {folder}'):
        if not stamp.is_file() or stamp.read_text() != key:
            stamp.unlink(missing_ok=True)
            _build(folder, prefix, python=python, env=env)
            stamp.write_text(key)
    return prefix


def _build(folder: Path, prefix: Path, *, python: Path | str, env: Mapping[str, str]) -> None:
    start = time.monotonic()
    say('building the messages and services')
    tree, log = folder / 'cmake', folder / 'build.log'
    for path in (tree, prefix):
        shutil.rmtree(path, ignore_errors=True)
    log.unlink(missing_ok=True)
    if shutil.which('cmake', path=env.get('PATH')) is None:
        fail('cmake is missing: sudo apt install cmake build-essential')
    configure = [
        *('cmake', '-S', str(ROOT), '-B', str(tree), '-G', 'Unix Makefiles'),
        f'-DCMAKE_INSTALL_PREFIX={prefix}',
        f'-DPython3_EXECUTABLE={python}',
        f'-DPYTHON_EXECUTABLE={python}',  # what ROS 2 up to Jazzy looks at
        '-DAMENT_CMAKE_SYMLINK_INSTALL=ON',
        '-DBUILD_TESTING=OFF',
        '-DCMAKE_BUILD_TYPE=Release',
    ]
    jobs = str(os.cpu_count() or 1)
    compile_ = ['cmake', '--build', str(tree), '-j', jobs]
    for step in (configure, compile_, ['cmake', '--install', str(tree)]):
        if not call(step, log=log, env=env, cwd=folder):  # the install leaves a file there
            fail(f'the interfaces do not build:\n\n{tail(log, 40)}\n\nThe whole output: {log}')
    say(f'built in {time.monotonic() - start:.0f} s')


def _key(python: Path | str) -> str:
    """Return a hash of the sources of the build and of the environment that it is made for."""
    digest = hashlib.sha256(str(python).encode())
    digest.update(Path(__file__).read_bytes())
    for pattern in _CONTENT:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    for pattern in _NAMES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.name.encode())
    return digest.hexdigest()
