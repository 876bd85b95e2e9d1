# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node recorder."""

from __future__ import annotations

from vljepa_ros.nodes.cameras import CAMERA_PARAMETERS
from vljepa_ros.nodes.lifecycle import AUTOSTART
from vljepa_ros.nodes.parameters import Change, Parameter

IMAGES = ('image', 'image_transport', 'image_reliability')

PARAMETERS = (
    AUTOSTART,
    *(parameter for parameter in CAMERA_PARAMETERS if parameter.name in IMAGES),
    Parameter(
        'clip_on',
        'both',
        'What a clip is written for: events, alerts of rules, or both. Every clip holds the '
        'messages of both.',
        choices=('both', 'events', 'alerts'),
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'clip_folder',
        '~/.ros/vljepa_clips',
        'Where the clips go, each a folder with an MCAP file.',
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'before_s',
        5.0,
        'Seconds that are kept before a change.',
        minimum=0.0,
        maximum=300.0,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'after_s',
        5.0,
        'Seconds that are kept after an event, unless its segment ends before.',
        minimum=0.0,
        maximum=3600.0,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'max_clip_s',
        60.0,
        'Longest clip in seconds; what goes on longer goes on in the next one.',
        minimum=1.0,
        maximum=3600.0,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'quota_mb',
        2000,
        'What all clips may take on the disk, in megabytes; the oldest go first.',
        minimum=10,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'buffer_mb',
        256,
        'Memory for the seconds before an event, and for what the disk has not taken yet, in '
        'megabytes each.',
        minimum=1,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'image_format',
        'jpeg',
        'jpeg compresses raw images, once on arrival; unchanged keeps them as they come. '
        'Compressed images stay as they are.',
        choices=('jpeg', 'unchanged'),
        change=Change.UNCONFIGURED,
    ),
    Parameter('jpeg_quality', 85, 'Quality of the JPEG images.', minimum=1, maximum=100),
    Parameter(
        'image_rate_hz',
        10.0,
        'Images a second that are kept of each camera; 0 keeps all.',
        minimum=0.0,
        maximum=240.0,
        change=Change.UNCONFIGURED,
    ),
)
