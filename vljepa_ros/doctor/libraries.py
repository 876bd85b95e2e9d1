# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether libraries are installed, and whether they load."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import sys
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
        module: its name in Python, or that of a part of it.
        member: what the package uses of it; a library that is installed by half lacks it.
        install: the command that installs it.
        distribution: what pip calls it, where that differs.
        missing: how bad it is where it is not installed.
        why: what it is for, the end of a sentence.
    """
    title = module.partition('.')[0]
    if not is_there(title):
        purpose = f'; {why}' if why else ''
        yield Finding(missing, title, f'Not installed{purpose}', f'Install it with: {install}')
        return
    yield from in_child(title, load, module, member, distribution or title)


def load(module: str, member: str, distribution: str) -> Iterator[Finding]:
    """Import a library; runs in a child process."""
    title = module.partition('.')[0]
    try:
        imported: Any = importlib.import_module(module)
        functools.reduce(getattr, member.split('.'), imported)
        version = _version(sys.modules[title], distribution)
    except Exception as error:  # whatever a library raises that is installed by half
        yield warn(
            title,
            f'Installed, but it does not load ({sentence(error)})',
            f'Install it again with: {REINSTALL} {distribution}',
        )
        return
    yield ok(title, version)


def _version(package: Any, distribution: str) -> str:
    own = getattr(package, '__version__', None) or importlib.metadata.version(distribution)
    return str(own).partition('-')[0]  # openvino adds its build


def skipped(title: str, reason: str) -> Finding:
    """Return the finding of a check that was not made."""
    return note(title, f'Not looked at: {reason}')
