#!/usr/bin/env python3
# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""Runs a command with ROS 2, this package and everything that it needs.

Sets up first what is not set up yet; that takes minutes once and nothing afterwards. Without a
command it only sets up. Examples::

    scripts/run.py vljepa doctor
    scripts/run.py --test python -m pytest test/test_clip_buffer.py
    scripts/run.py bash
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

if sys.version_info < (3, 8):  # noqa: UP036 - this one runs before the right Python is found
    sys.exit('[setup] Python 3.10 or newer is needed; name one: make setup PYTHON=python3.12')

import interfaces
import sourced_environment
import wheels_environment
from shell import ROOT, fail, say


def main() -> None:
    """Set up, then become the command."""
    arguments = _arguments()
    python = sourced_environment.ros_python()
    env = _sourced(python, arguments) if python else _wheels(arguments)
    if not arguments.command:
        say('ready')
        return
    name, *rest = arguments.command
    # Nothing is installed from a clone, so there is no such program.
    command = ['python', '-m', 'vljepa_ros.cli', *rest] if name == 'vljepa' else [name, *rest]
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, env)
    except FileNotFoundError:
        fail(f'no command {command[0]!r} in the environment')


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--distro',
        default='',
        help='ROS 2 distribution to take from PyPI: jazzy (default) or kilted',
    )
    parser.add_argument(
        '--test', action='store_true', help='with the packages for tests and training'
    )
    parser.add_argument('command', nargs=argparse.REMAINDER, help='the command to run')
    return parser.parse_args()


def _wheels(arguments: argparse.Namespace) -> dict[str, str]:
    distro = arguments.distro or wheels_environment.DISTROS[0]
    if distro not in wheels_environment.DISTROS:
        fail(
            f'no ROS 2 {distro!r} on PyPI: give one of {", ".join(wheels_environment.DISTROS)}, '
            f'or source an installation of it.'
        )
    folder = wheels_environment.prepare(distro, with_tests=arguments.test)
    python = folder / 'bin' / 'python'
    env = dict(os.environ)
    env['VIRTUAL_ENV'] = str(folder)
    env['PATH'] = _joined(folder / 'bin', env.get('PATH'))
    # Not the caller's: nothing of another ROS may come in.
    env['AMENT_PREFIX_PATH'] = env['CMAKE_PREFIX_PATH'] = str(folder)
    env.pop('ROS_DISTRO', None)
    return _with_package(env, interfaces.build(distro, python=python, env=env))


def _sourced(python: str, arguments: argparse.Namespace) -> dict[str, str]:
    distro = os.environ['ROS_DISTRO']
    if arguments.distro not in ('', distro):
        fail(
            f'ROS 2 {distro} is sourced here; for {arguments.distro} use a shell without it '
            f'(or with {arguments.distro} sourced).'
        )
    folder = sourced_environment.prepare(python, with_tests=arguments.test)
    env = dict(os.environ)
    prefix = interfaces.build(f'{distro}-sourced', python=python, env=env)
    env['VIRTUAL_ENV'] = str(folder)
    env['PATH'] = _joined(folder / 'bin', env.get('PATH'))
    return _with_package(env, prefix)


def _with_package(env: dict[str, str], prefix: Path) -> dict[str, str]:
    """Add the clone and the built interfaces to the search paths."""
    # site-packages or dist-packages, at a depth that depends on the distribution.
    built = next(prefix.rglob('vljepa_ros/msg/__init__.py')).parents[2]
    env['PYTHONPATH'] = _joined(ROOT, built, env.get('PYTHONPATH'))
    env['AMENT_PREFIX_PATH'] = _joined(prefix, env.get('AMENT_PREFIX_PATH'))
    env['LD_LIBRARY_PATH'] = _joined(prefix / 'lib', env.get('LD_LIBRARY_PATH'))
    return env


def _joined(*parts: Path | str | None) -> str:
    return os.pathsep.join(str(part) for part in parts if part)


if __name__ == '__main__':
    main()
