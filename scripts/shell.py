# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""What the set-up scripts share: messages, subprocesses, locks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]

# Set by a Python or ROS environment that the caller is in; they would leak into ours.
_FOREIGN = ('PYTHONHOME', 'PYTHONPATH', 'VIRTUAL_ENV', '_ROS_WHEELS_BOOTSTRAP_COMPLETE')


def say(message: str) -> None:
    """Print a progress message."""
    print(f'[setup] {message}', file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    """Print what is wrong and what to do, and end."""
    sys.exit(f'\n[setup] {message}')


def leave_other_environments() -> None:
    """Remove the traces of other Python environments from this process and its children."""
    for name in _FOREIGN:
        os.environ.pop(name, None)


def call(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> bool:
    """Run a command with its output appended to a file.

    Returns:
        True if it succeeded.
    """
    with log.open('a') as stream:
        stream.write(f'\n$ {" ".join(map(str, command))}\n')
        stream.flush()
        result = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            close_fds=False,  # a child that outlives us still holds our lock
            check=False,
        )
    return result.returncode == 0


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log file, for an error message."""
    text = log.read_text(errors='replace').splitlines()
    return '\n'.join(text[-lines:])


@contextlib.contextmanager
def locked(path: Path, *, waiting_for: str) -> Iterator[None]:
    """Hold a lock file, so that two set-ups at the same time do not meet.

    The system drops the lock when the process and its children have ended, however they end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'another process is busy with {waiting_for}; waiting for it')
            fcntl.flock(stream, fcntl.LOCK_EX)
        os.set_inheritable(stream.fileno(), True)
        yield
