# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of every node that uses the model."""

from __future__ import annotations

from vljepa_ros.inference import BACKENDS, PRECISIONS
from vljepa_ros.nodes.lifecycle import AUTOSTART
from vljepa_ros.nodes.parameters import Change, Parameter

MODEL_PARAMETERS = (
    AUTOSTART,
    Parameter(
        'model',
        'tiny',
        "A shipped model's name, or the path of a checkpoint folder.",
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'backend',
        'auto',
        'What runs the model; auto takes the fastest that is installed. tensorrt builds engines '
        'that are missing before the node starts.',
        choices=BACKENDS,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'precision',
        'auto',
        'Precision that the model runs in; auto leaves it to the choice of the backend.',
        choices=PRECISIONS,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'device',
        'auto',
        'Where the model runs: auto, cpu, cuda or cuda:N.',
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'threads',
        0,
        'Compute threads of the model on the CPU; 0 takes one a core.',
        minimum=0,
        maximum=256,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'service_timeout_s',
        10.0,
        'Longest wait of a service call for the model, in seconds.',
        minimum=0.1,
        maximum=600.0,
    ),
)
