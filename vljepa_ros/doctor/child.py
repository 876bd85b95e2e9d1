# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a check in a process of its own: a library that ends its process ends no other check.

python -m vljepa_ros.doctor.child PIPE MODULE:FUNCTION TITLE ARGUMENTS
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import IO, Any

from vljepa_ros.doctor.findings import Finding, Level, fail, guarded


def in_child(
    title: str,
    check: Callable[..., Iterable[Finding]],
    *arguments: Any,
    timeout_s: float = 120.0,
    environment: Mapping[str, str] | None = None,
    shown: bool = False,
) -> Iterator[Finding]:
    """Yield what a check finds in a process of its own, as it is found.

    Args:
        title: of the finding where the process fails as a whole.
        check: a function of a module.
        arguments: plain values.
        timeout_s: how long it may take; then it is ended, with all that it started.
        environment: added to the environment variables.
        shown: whether its output is shown, such as progress; its errors never are.
    """
    reader, writer = os.pipe()
    target = f'{check.__module__}:{check.__qualname__}'
    command = [sys.executable, '-m', __name__, str(writer), target, title, json.dumps(arguments)]
    with tempfile.TemporaryFile() as errors, os.fdopen(reader, encoding='utf-8') as pipe:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=None if shown else subprocess.DEVNULL,
            stderr=errors,
            pass_fds=[writer],
            env={**os.environ, **_own_paths(), **(environment or {})},
            start_new_session=True,
        )
        os.close(writer)
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(timeout_s, end)
        timer.start()
        try:
            for line in pipe:
                values = json.loads(line)
                yield Finding(**{**values, 'level': Level(values['level'])})
            process.wait()
        finally:
            timer.cancel()
            _kill(process)
            process.wait()
        if late.is_set():
            yield fail(title, f'It took longer than {timeout_s:.0f} s and was ended')
        elif process.returncode:
            yield fail(title, f'{_ending(process.returncode)}{_last_line(errors)}')


def _own_paths() -> dict[str, str]:
    """Let the child find what this process finds, and not what lies in the working folder."""
    paths = dict.fromkeys(path for path in sys.path if path)
    return {'PYTHONPATH': os.pathsep.join(paths), 'PYTHONSAFEPATH': '1'}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ending(status: int) -> str:
    if status > 0:
        return f'The process of this check ended with status {status}'
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f'signal {-status}'
    return f'The process of this check was ended by {name}'


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors='replace').strip().splitlines()
    return f': {lines[-1].strip()}' if lines else ''


def main() -> None:
    """Run the check and write its findings, a line each."""
    number, target, title, arguments = sys.argv[1:]
    module, _, name = target.partition(':')
    with open(int(number), 'w', encoding='utf-8') as pipe:
        check = getattr(importlib.import_module(module), name)
        for finding in guarded(title, functools.partial(check, *json.loads(arguments))):
            pipe.write(json.dumps(asdict(finding)) + '\n')
            pipe.flush()


if __name__ == '__main__':
    main()
