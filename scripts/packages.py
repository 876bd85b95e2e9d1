# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""Installs packages from PyPI in the versions of ``constraints/``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from shell import ROOT, call, fail, say, tail

CONSTRAINTS = ROOT / 'constraints'
PINS = CONSTRAINTS / 'python.txt'

_NO_CONNECTION = re.compile('NewConnection|NameResolution|ConnectTimeout|ReadTimeout|ProxyError')
_TORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu'


def torch_index() -> str:
    """Return where PyTorch's wheel comes from (variable TORCH_INDEX_URL)."""
    return os.environ.get('TORCH_INDEX_URL') or _TORCH_CPU_INDEX


def pins() -> dict[str, list[str]]:
    """Return the lines of ``constraints/python.txt`` by package name."""
    lines: dict[str, list[str]] = {}
    for line in PINS.read_text().splitlines():
        if '==' in line:
            lines.setdefault(normalized(line.split('==')[0]), []).append(line)
    return lines


def normalized(name: str) -> str:
    """Return a package's name as PyPI compares names."""
    return re.sub(r'[-_.]+', '-', name).lower()


def pip_install(
    python: Path, arguments: Sequence[str | Path], *, log: Path, constraints: Path = PINS
) -> None:
    """Install packages, or end with the reason why not."""
    if _pip(python, [*arguments, '-c', constraints], log=log):
        return
    output = tail(log)
    if _NO_CONNECTION.search(output):
        fail(
            f'pip does not reach the package index. Connect to the network (or set PIP_INDEX_URL '
            f'to a mirror of https://pypi.org), then run the same command again.\n'
            f"pip's output: {log}"
        )
    fail(f'pip could not install what is needed:\n\n{output}\n\nThe whole output: {log}')


def install_torch(python: Path, *, log: Path, constraints: Path = PINS) -> None:
    """Install PyTorch alone, from its own index.

    PyPI's wheel for Linux brings 3 GB of CUDA libraries, so the processor's wheel comes from
    PyTorch's index. That index is asked for this one wheel only: as an extra index for all
    packages, it would cost minutes of retries wherever it cannot be reached.
    """
    index = torch_index()
    wanted = ['--no-deps', '--retries', '1', '--timeout', '20', '--index-url', index, 'torch']
    if _pip(python, [*wanted, '-c', constraints], log=log):
        return
    say(
        f'no PyTorch wheel from {index}: taking the one of PyPI, which on Linux brings CUDA '
        f'libraries (3 GB). Set TORCH_INDEX_URL to choose another index.'
    )
    pip_install(python, ['torch'], log=log, constraints=constraints)


def _pip(python: Path, arguments: Sequence[str | Path], *, log: Path) -> bool:
    options = ('--disable-pip-version-check', '--no-input')
    return call([python, '-m', 'pip', 'install', *options, *arguments], log=log)
