# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether libraries are installed, and whether they load."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, note, ok, sentence, warn

REINSTALL = 'pip install --force-reinstall --no-deps'


def is_there(module: str) -> bool:
    """Return whether a module is installed; whether it loads is another question."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # the package above it is missing or broken
        return False


def library(
    module: str,
    member: str,
    install: str,
    *,
    distribution: str = '',
    missing: Level = Level.NOTE,
    why: str = '',
) -> Iterator[Finding]:
    """Look at a library.

    Args:
        module: its name in Python.
        member: what the package uses of it; a library that is installed by half lacks it.
        install: the command that installs it.
        distribution: what pip calls it, where that differs.
        missing: how bad it is where it is not installed.
        why: what it is for, the end of a sentence.
    """
    if not is_there(module):
        purpose = f'; {why}' if why else ''
        yield Finding(missing, module, f'Not installed{purpose}', f'Install it with: {install}')
        return
    yield from in_child(module, load, module, member, distribution or module)


def load(module: str, member: str, distribution: str) -> Iterator[Finding]:
    """Import a library; runs in a child process."""
    try:
        imported: Any = importlib.import_module(module)
        functools.reduce(getattr, member.split('.'), imported)
        version = str(imported.__version__).partition('-')[0]  # openvino adds its build
    except Exception as error:  # whatever a library raises that is installed by half
        yield warn(
            module,
            f'Installed, but it does not load ({sentence(error)})',
            f'Install it again with: {REINSTALL} {distribution}',
        )
        return
    yield ok(module, version)


def skipped(title: str, reason: str) -> Finding:
    """Return the finding of a check that was not made."""
    return note(title, f'Not looked at: {reason}')
