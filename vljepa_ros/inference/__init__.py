# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the model runs: one Engine, one module a backend."""

from vljepa_ros.inference.backend import EngineInfo
from vljepa_ros.inference.choices import BACKENDS, PRECISIONS
from vljepa_ros.inference.engine import DecodedText, Engine
from vljepa_ros.inference.loading import load_engine
from vljepa_ros.model.components import COMPONENTS

__all__ = [
    'BACKENDS',
    'COMPONENTS',
    'PRECISIONS',
    'DecodedText',
    'Engine',
    'EngineInfo',
    'load_engine',
]
