# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether large images arrive between processes, tried out; and the sockets' buffers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, fail, note, ok, sentence, warn
from vljepa_ros.doctor.libraries import is_there, skipped
from vljepa_ros.errors import VljepaError
from vljepa_ros.process_environment import TRANSPORT_VARIABLE, missing_environment

IMAGES = 'Large images of a camera driver'
BUFFERS = 'Socket buffers'
RECEIVE_BUFFER = Path('/proc/sys/net/core/rmem_max')
LEAST_BUFFER = 4 << 20  # bytes; what the nodes ask for
ENOUGH = 0.9  # share of the images; best effort may lose some
TIMEOUT_S = 11.0  # of both tries
LEAST_S = 3.0  # of the second one
KILLED_AFTER_S = 30.0  # where something hangs
LARGE_DATA = 'LARGE_DATA?sockets_size=4MB&non_blocking=true'
RAISE_BUFFER = 'sudo sysctl -w net.core.rmem_max=4194304 (and write it to /etc/sysctl.d)'


def images() -> Iterator[Finding]:
    """Send images from process to process, as a driver that is started in this shell would."""
    if not is_there('rclpy'):
        yield skipped(IMAGES, 'it needs ROS 2')
        return
    wanted = missing_environment()
    yield from in_child(
        IMAGES, try_images, list(wanted), timeout_s=KILLED_AFTER_S, environment=wanted
    )


def try_images(names: list[str]) -> Iterator[Finding]:
    """Receive images of two processes; runs in a child process with the nodes' environment.

    Args:
        names: variables of the nodes' environment that the user has not set.
    """
    try:
        from vljepa_ros.nodes.transport_check import middleware
    except VljepaError as error:  # no messages and services
        yield skipped(IMAGES, sentence(error))
        return
    end_s = time.monotonic() + TIMEOUT_S
    environment = {name: value for name, value in os.environ.items() if name not in names}
    chosen = TRANSPORT_VARIABLE not in names
    for reliable in (True, False):
        advice = _advice(middleware(), chosen=chosen, reliable=reliable)
        finding = _received(environment, advice, reliable=reliable, end_s=end_s)
        yield finding
        if finding.level is Level.FAIL:
            return


def _advice(rmw: str, *, chosen: bool, reliable: bool) -> str:
    """Return what to do where images get lost."""
    ways = [] if reliable else ['have the driver send reliably']
    ways.append(f'give larger buffers: {RAISE_BUFFER}')
    if 'cyclone' in rmw:
        ways.append("and set Cyclone DDS's SocketReceiveBufferSize")
    if 'fastrtps' in rmw:
        ways.append(
            f'try without the {TRANSPORT_VARIABLE} that you have set'
            if chosen
            else f"in every shell, the driver's too: export {TRANSPORT_VARIABLE}='{LARGE_DATA}'"
        )
    ways.append('use image_transport:=compressed')
    return 'Where images are missing: ' + '; or '.join(ways)


def _received(
    environment: dict[str, str], advice: str, *, reliable: bool, end_s: float
) -> Finding:
    """Receive images of a process with an environment."""
    from vljepa_ros.nodes import transport_check as check

    title = f'{IMAGES}, {"reliable" if reliable else "best effort"}'
    try:
        left_s = end_s - time.monotonic()
        found = check.receive(
            environment=environment, timeout_s=max(LEAST_S, left_s), reliable=reliable
        )
    except VljepaError as error:
        return fail(title, sentence(error), 'Look at ROS_DOMAIN_ID and discovery above')
    if not found.sent:
        return skipped(title, 'this machine is too busy now, no image was sent in time')
    arrived = len(found.latencies_ms)
    text = (
        f'{arrived} of {found.sent} images of {check.WIDTH}×{check.HEIGHT} arrived over '
        f'{check.middleware()}'
    )
    if arrived:
        text += f', {found.median_ms:.0f} ms after they were sent (median)'
    if arrived >= ENOUGH * found.sent:
        return ok(title, text)
    busy = '. A busy machine loses some, too' if arrived else ''
    return (warn if reliable else note)(title, text + busy, advice)


def buffers() -> Iterator[Finding]:
    """Look at how much of a message the system keeps for a process that is busy."""
    try:
        size = int(RECEIVE_BUFFER.read_text())
    except (OSError, ValueError):
        yield skipped(BUFFERS, f'there is no {RECEIVE_BUFFER}')
        return
    text = f'net.core.rmem_max is {size / (1 << 20):.1f} MiB'
    if size < LEAST_BUFFER:
        yield note(BUFFERS, f'{text}: large images of other machines may get lost', RAISE_BUFFER)
    else:
        yield ok(BUFFERS, text)
