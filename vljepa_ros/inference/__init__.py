# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the model runs: one Engine interface, one module a backend."""

from vljepa_ros.inference.engine import (
    ALL_COMPONENTS,
    DecodedText,
    Engine,
    EngineInfo,
    load_engine,
)

__all__ = ['ALL_COMPONENTS', 'DecodedText', 'Engine', 'EngineInfo', 'load_engine']
