# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node memory."""

from __future__ import annotations

from vljepa_ros.nodes.cameras import CAMERA_PARAMETERS
from vljepa_ros.nodes.model_parameters import MODEL_PARAMETERS
from vljepa_ros.nodes.parameters import Change, Parameter

IMAGES = ('image', 'camera', 'image_transport', 'image_reliability')

PARAMETERS = (
    *MODEL_PARAMETERS,
    *(parameter for parameter in CAMERA_PARAMETERS if parameter.name in IMAGES),
    Parameter(
        'memory_uri',
        '~/.ros/vljepa_memory',
        'Where the memory is: a folder, s3://bucket/path, gs://… or az://… for an object store, '
        'or db://name for a server of LanceDB.',
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'max_age_days',
        30.0,
        'Days after which what was written is forgotten.',
        minimum=0.01,
        maximum=36500.0,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'max_size_mb',
        4000,
        'What the memory may take on the disk, in megabytes; the oldest goes first.',
        minimum=32,
        maximum=1_000_000_000,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'min_interval_s',
        1.0,
        'Least seconds between two rows of one camera and query.',
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        'max_interval_s',
        60.0,
        'Longest seconds that one row stands for where nothing changes; not below min_interval_s.',
        minimum=0.0,
        maximum=86400.0,
    ),
    Parameter(
        'min_change',
        0.05,
        'Cosine distance from the last row below which an embedding gets no row of its own.',
        minimum=0.0,
        maximum=2.0,
    ),
    Parameter(
        'thumbnail_px',
        160,
        'Longer side of the pictures that are kept, in pixels; 0 keeps none and leaves the '
        "cameras' images alone.",
        minimum=0,
        maximum=1024,
        change=Change.UNCONFIGURED,
    ),
)
