# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Python, this package, and its messages and services."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros import __version__
from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, fail, note, ok
from vljepa_ros.doctor.libraries import is_there
from vljepa_ros.errors import InterfacesNotBuiltError

LEAST_PYTHON = (3, 10)
INTERFACES = 'Messages and services'


def python() -> Iterator[Finding]:
    """Look at Python and the machine."""
    text = f'{platform.python_version()} ({sys.executable}) on {platform.platform()}'
    if sys.version_info < LEAST_PYTHON:
        wanted = '.'.join(map(str, LEAST_PYTHON))
        yield fail('Python', text, f'vljepa_ros needs {wanted} or newer')
    else:
        yield ok('Python', text)


def package() -> Iterator[Finding]:
    """Look where this package is."""
    folder = Path(__file__).resolve().parents[1]
    from_sources = (folder.parent / 'package.xml').is_file()
    place = 'the source tree' if from_sources else 'an installation'
    yield ok('vljepa_ros', f'{__version__} from {place}, {folder}')


def interfaces() -> Iterator[Finding]:
    """Look whether the messages and services are built."""
    if not is_there('rclpy'):
        yield note(INTERFACES, 'Not looked at: they need ROS 2, which is not there')
        return
    yield from in_child(INTERFACES, import_interfaces)


def import_interfaces() -> Iterator[Finding]:
    """Import the messages and services; runs in a child process."""
    try:
        names = importlib.import_module('vljepa_ros.interfaces').__all__
    except InterfacesNotBuiltError as error:
        yield fail(INTERFACES, str(error))
    else:
        yield ok(INTERFACES, f'{", ".join(sorted(names))} are built')
