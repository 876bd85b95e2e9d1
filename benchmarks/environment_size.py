# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How large the Python packages are that a robot's environment has beside ROS."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RUN_REQUIREMENTS = Path(__file__).resolve().parents[1] / 'constraints' / 'run.in'
ROS_PREFIX = 'ros-'


def required(path: Path = RUN_REQUIREMENTS) -> list[str]:
    """Return the lines of a file of requirements."""
    lines = (line.partition('#')[0].strip() for line in path.read_text('utf-8').splitlines())
    return [line for line in lines if line]


def closure(requirements: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Return the installed packages that requirements lead to, by name; ROS's are left out.

    What is not installed is left out, too: it is not in this environment.
    """
    found: dict[str, metadata.Distribution] = {}
    # A requirement with the extras that it was asked for with.
    waiting = [Requirement(line) for line in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        key = (name, frozenset(wanted.extras))
        if key in seen or name.startswith(ROS_PREFIX):
            continue
        seen.add(key)
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            needed = Requirement(line)
            extras = ('', *wanted.extras)
            marker = needed.marker
            if marker is None or any(marker.evaluate({'extra': extra}) for extra in extras):
                waiting.append(needed)
    return found


def sizes_mb(packages: Iterable[tuple[str, metadata.Distribution]]) -> dict[str, float]:
    """Return the sizes of packages in MB, the largest first.

    A package of the system's manager, which does not list its files, has no size.
    """
    sizes = {}
    for name, distribution in packages:
        paths = [Path(str(file.locate())) for file in distribution.files or ()]
        total = sum(path.stat().st_size for path in paths if path.is_file())
        if total:
            sizes[name] = total / 1e6
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))
