# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a measurement was taken on, for its JSON file."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from vljepa_ros import __version__

PACKAGES = ('torch', 'numpy', 'opencv-python-headless', 'ros-jazzy-rclpy', 'ros-kilted-rclpy')


def describe() -> dict[str, object]:
    """Return processor, cores, memory, and the versions of what takes part."""
    processor = platform.processor()
    if Path('/proc/cpuinfo').is_file():
        for line in Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                processor = line.split(':', 1)[1].strip()
                break
    versions = {'vljepa_ros': __version__, 'python': platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return {
        'processor': processor,
        'cores': os.cpu_count(),
        'memory_gb': round(memory / 1e9, 1),
        'versions': versions,
    }
