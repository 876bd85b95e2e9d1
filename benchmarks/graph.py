# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Starts the real nodes as processes of their own for a measurement."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vljepa_ros.errors import EngineError
from vljepa_ros.process_environment import missing_environment

STOP_TIMEOUT_S = 15.0
# Ports of domains above 101 may meet the system's ephemeral ports. 0 is everybody's default.
DOMAIN_IDS = range(1, 102)


def prepare(*, domain_id: int) -> None:
    """Set the environment of this process and its children; call it before ROS starts."""
    os.environ.update(missing_environment())
    os.environ.setdefault('ROS_DOMAIN_ID', str(domain_id))


@contextmanager
def own_domain() -> Iterator[int]:
    """Give this process and its children a ROS domain that no other run of this user is in.

    Nothing leaves this machine. Enter it before ROS starts here.

    Raises:
        EngineError: all domains are taken.
    """
    folder = Path(tempfile.gettempdir()) / f'vljepa_ros_domains_{os.getuid()}'
    folder.mkdir(exist_ok=True)
    before = dict(os.environ)
    start = os.getpid() % len(DOMAIN_IDS)  # other users do not see our locks
    for domain_id in (*DOMAIN_IDS[start:], *DOMAIN_IDS[:start]):
        with (folder / str(domain_id)).open('w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            local = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
            if os.environ.get('ROS_DISTRO') == 'humble':
                local = {'ROS_LOCALHOST_ONLY': '1'}
            os.environ.update(missing_environment(), ROS_DOMAIN_ID=str(domain_id), **local)
            try:
                yield domain_id
            finally:
                os.environ.clear()
                os.environ.update(before)
            return
    raise EngineError(f'All ROS domains are taken by other runs, which hold files in {folder}')


@contextmanager
def process(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module until the block ends, then stop it as Ctrl-C does."""
    child = subprocess.Popen([sys.executable, '-m', module, *arguments], start_new_session=True)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def pipeline(model: str, *, rate_hz: float = 5.0) -> Sequence[str]:
    """Return module and arguments of the nodes of a model, for `rate_hz` embeddings a second."""
    arguments = ('--model', model, '--rate-hz', str(rate_hz), '--log-level', 'warn')
    return ('vljepa_ros.cli', 'up', *arguments)


def camera(video: Path, *, rate_hz: float = 0.0, loop: bool = False) -> Sequence[str]:
    """Return module and arguments of a camera that plays a video to the nodes."""
    values = {
        'video': f'"{video.absolute()}"',
        'rate_hz': rate_hz,
        'loop': str(loop).lower(),
        'exit_at_end': 'true',
    }
    arguments = ['--ros-args', '-r', '__ns:=/vljepa', '--log-level', 'warn']
    for name, value in values.items():
        arguments += ['-p', f'{name}:={value}']
    return ('vljepa_ros.nodes.camera_node', *arguments)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (Linux)."""
    pages = int(Path(f'/proc/{pid}/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6
