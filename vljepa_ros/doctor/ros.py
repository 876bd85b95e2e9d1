# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 that is sourced, and the environment variables that decide who hears whom."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Iterator

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, fail, note, ok, warn
from vljepa_ros.doctor.libraries import is_there
from vljepa_ros.process_environment import TRANSPORT_VARIABLE, missing_environment

ROS = 'ROS 2'
DOMAIN = 'ROS_DOMAIN_ID'
DISCOVERY = 'Discovery'
MOST_DOMAIN = 232
SAFE_DOMAIN = 101  # the ports of higher ones may meet Linux's ephemeral ones
RANGES = ('SUBNET', 'LOCALHOST', 'OFF', 'SYSTEM_DEFAULT')
SOURCE = (
    'Source your ROS 2 installation (source /opt/ros/<distro>/setup.bash), or take ROS 2 from '
    'PyPI with: make setup'
)


def ros() -> Iterator[Finding]:
    """Look whether ROS 2 loads."""
    if not is_there('rclpy'):
        yield warn(
            ROS,
            'Not there: no module rclpy. The model runs without it (load_engine), the nodes do '
            'not',
            SOURCE,
        )
        return
    for finding in in_child(ROS, load_ros):
        yield finding if finding.level is Level.OK else _broken(finding)


def load_ros() -> Iterator[Finding]:
    """Import rclpy and its middleware; runs in a child process, which some errors of it end."""
    utilities = importlib.import_module('rclpy.utilities')
    distribution = (
        os.environ.get('ROS_DISTRO') or 'of a distribution that ROS_DISTRO does not name'
    )
    chosen = ' (by RMW_IMPLEMENTATION)' if os.environ.get('RMW_IMPLEMENTATION') else ''
    yield ok(ROS, f'{distribution}, {utilities.get_rmw_implementation_identifier()}{chosen}')


def _broken(finding: Finding) -> Finding:
    wanted = os.environ.get('RMW_IMPLEMENTATION')
    named = f' with RMW_IMPLEMENTATION={wanted}' if wanted else ''
    return fail(
        ROS,
        f'It does not load{named}: {finding.text}',
        f'This is Python {platform.python_version()}; ROS 2 needs the one that it was built for. '
        'Where RMW_IMPLEMENTATION is set, install that middleware (sudo apt install '
        'ros-$ROS_DISTRO-rmw-…) or unset it',
    )


def domain() -> Iterator[Finding]:
    """Look at the domain: only processes of one domain hear each other."""
    text = os.environ.get(DOMAIN, '')
    if not text:
        yield note(DOMAIN, 'Not set: domain 0, in which all robots and people hear each other')
    elif not (text.isdecimal() and int(text) <= MOST_DOMAIN):
        yield fail(
            DOMAIN,
            f'{text!r} is no domain',
            f'Set it to a whole number from 0 to {SAFE_DOMAIN}, the same for all processes',
        )
    elif int(text) > SAFE_DOMAIN:
        yield warn(
            DOMAIN,
            f'{text}: its ports may be taken by other programs for a while',
            f'Use 0 to {SAFE_DOMAIN}',
        )
    else:
        yield ok(DOMAIN, text)


def discovery() -> Iterator[Finding]:
    """Look at what limits whom the nodes find."""
    where = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    peers = os.environ.get('ROS_STATIC_PEERS', '')
    if where and where not in RANGES:
        yield warn(
            DISCOVERY,
            f'ROS_AUTOMATIC_DISCOVERY_RANGE is {where!r}',
            f'Allowed are {", ".join(RANGES)}',
        )
    elif os.environ.get('ROS_LOCALHOST_ONLY', '0') not in ('', '0'):
        yield note(
            DISCOVERY,
            'ROS_LOCALHOST_ONLY is set: no other machine sees the nodes. From Iron on it is '
            'deprecated, and wins over ROS_AUTOMATIC_DISCOVERY_RANGE',
            'To be seen by others: unset ROS_LOCALHOST_ONLY',
        )
    elif where == 'OFF' and not peers:
        yield warn(
            DISCOVERY,
            'ROS_AUTOMATIC_DISCOVERY_RANGE=OFF and no ROS_STATIC_PEERS: processes do not find '
            'each other',
            'Unset it, or set it to LOCALHOST or SUBNET',
        )
    elif where == 'LOCALHOST':
        yield note(
            DISCOVERY,
            'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST: no other machine sees the nodes'
            + (f', but ROS_STATIC_PEERS={peers}' if peers else ''),
            'Unset it, and keep robots apart by ROS_DOMAIN_ID',
        )
    else:
        named = f'ROS_AUTOMATIC_DISCOVERY_RANGE={where}' if where else 'not limited'
        yield ok(DISCOVERY, f'{named}: machines of this network see each other')


def transport() -> Iterator[Finding]:
    """Look at the transport that Fast DDS is told to use."""
    chosen, wanted = os.environ.get(TRANSPORT_VARIABLE), missing_environment()
    if TRANSPORT_VARIABLE in wanted:
        own = wanted[TRANSPORT_VARIABLE]
        yield ok(TRANSPORT_VARIABLE, f'Not set: the nodes set it for themselves to {own}')
    elif chosen is None:
        yield ok(TRANSPORT_VARIABLE, 'Not set, and the nodes leave it')
    elif chosen.startswith('LARGE_DATA'):
        yield note(
            TRANSPORT_VARIABLE,
            f'{chosen!r} was chosen by you; the nodes leave it. A program without it neither '
            'hears them nor is heard, ros2 topic echo for one',
            'Set it in every shell of the robot, or in none',
        )
    else:
        yield note(TRANSPORT_VARIABLE, f'{chosen!r} was chosen by you; the nodes leave it')
