# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The processor: cores, threads, and whether it multiplies in bfloat16."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros.doctor.findings import Finding, note, ok, warn
from vljepa_ros.inference.threads import usable_cores

CORES = 'Cores'
WAITING = 'OMP_WAIT_POLICY'
PROCESSOR_FILE = Path('/proc/cpuinfo')
QUOTA_FILE = Path('/sys/fs/cgroup/cpu.max')
# As x86 and ARM name their instructions.
BF16_FLAGS = ('amx_bf16', 'avx512_bf16', 'bf16')


def cores(*, quota_file: Path = QUOTA_FILE) -> Iterator[Finding]:
    """Look at how many cores the model may use."""
    usable, there = usable_cores(), os.cpu_count() or 1
    text = f'{usable} of {there} can be used: as many threads run the model (threads 0)'
    if (busy := _load()) is not None:
        text += f'; {busy:.1f} processes were running in the last minute'
    share = quota(quota_file)
    if share is not None and share < usable:
        yield warn(
            CORES,
            f'{text}. This container gets the time of {share:g} cores only',
            f'Set threads to {max(1, int(share))}, or give the container more',
        )
    else:
        yield ok(CORES, text)


def quota(path: Path) -> float | None:
    """Return how many cores' time a container gets; None where it is not limited."""
    try:
        most, period = path.read_text().split()
        return int(most) / int(period)
    except (OSError, ValueError):  # no such file, or 'max'
        return None


def bf16(*, processor_file: Path = PROCESSOR_FILE) -> Iterator[Finding]:
    """Look whether the processor multiplies in bfloat16."""
    try:
        text = processor_file.read_text()
    except OSError:
        yield note('bf16', f'Not known: there is no {processor_file}')
        return
    lines = [line.partition(':') for line in text.splitlines()]
    values = {name.strip(): value.strip() for name, _, value in lines}
    flags = values.get('flags', values.get('Features', '')).split()
    name = values.get('model name', platform.machine())
    found = [flag for flag in BF16_FLAGS if flag in flags]
    if found:
        yield ok('bf16', f'{name} has {", ".join(found)}: openvino can run in bf16')
    else:
        yield note('bf16', f'{name} does not multiply in bfloat16: fp32 it is')


def waiting() -> Iterator[Finding]:
    """Look at how OpenMP's threads wait."""
    chosen = os.environ.get(WAITING)
    if chosen is None:
        yield ok(WAITING, 'Not set: the nodes set it for themselves to PASSIVE')
    elif chosen.upper() == 'PASSIVE':
        yield ok(WAITING, chosen)
    else:
        yield warn(
            WAITING,
            f'{chosen!r}: threads that spin while they wait slow the model down many times where '
            'other processes are busy',
            f'unset {WAITING}',
        )


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
