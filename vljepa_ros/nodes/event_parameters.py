# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node event, and the settings of the stream classes that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vljepa_ros.nodes.event_markers import MARKER_PARAMETERS
from vljepa_ros.nodes.event_view import VIEW_PARAMETERS
from vljepa_ros.nodes.model_parameters import MODEL_PARAMETERS
from vljepa_ros.nodes.parameters import Change, Parameter
from vljepa_ros.nodes.rule_watcher import RULE_PARAMETERS
from vljepa_ros.stream.changes.choice import DEFAULT, DETECTORS
from vljepa_ros.stream.changes.detector import CommonConfig
from vljepa_ros.stream.changes.pace import PaceConfig
from vljepa_ros.stream.words import STARTED_TEXTS, WordsConfig

PARAMETERS = (
    *MODEL_PARAMETERS,
    Parameter(
        'queries',
        ['caption'],
        'The queries whose embeddings are turned into events.',
    ),
    Parameter(
        'detector',
        DEFAULT,
        'What finds the changes of meaning; docs/events.md compares them.',
        choices=tuple(DETECTORS),
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'sensitivity',
        CommonConfig.sensitivity,
        'How small a change may be: 2 finds changes of half the size.',
        minimum=0.01,
        maximum=100.0,
    ),
    Parameter(
        'min_interval_s',
        PaceConfig.min_interval_s,
        'Seconds between two changes at least.',
        minimum=0.0,
        maximum=86400.0,
    ),
    Parameter(
        'max_interval_s',
        PaceConfig.max_interval_s,
        'Seconds after which a segment is ended and a new one started; 0 is never.',
        minimum=0.0,
        maximum=86400.0,
    ),
    Parameter(
        'changes_per_minute',
        PaceConfig.per_minute,
        'Changes a minute that each stream may have in the long run: the nearer it comes to it, '
        'the larger a change must be. 0 is any number.',
        minimum=0.0,
        maximum=10000.0,
    ),
    Parameter(
        'started_text',
        WordsConfig.started,
        'What says how a segment starts: the decoder, or the nearest known phrase, which spares '
        'half of the calls of the decoder.',
        choices=STARTED_TEXTS,
    ),
    Parameter(
        'min_score',
        WordsConfig.min_score,
        'Score below which a text of the decoder is not trusted, and the nearest known phrase '
        'of the model is published.',
        minimum=0.0,
        maximum=1.0,
    ),
    Parameter(
        'idle_timeout_s',
        5.0,
        'Seconds without an embedding after which the present segment is ended.',
        minimum=0.1,
        maximum=86400.0,
    ),
    *RULE_PARAMETERS,
    *VIEW_PARAMETERS,
    *MARKER_PARAMETERS,
)


def common_config(values: Mapping[str, Any]) -> CommonConfig:
    """Return the settings of the change detectors.

    Raises:
        ConfigurationError: two of them contradict each other.
    """
    return CommonConfig(
        sensitivity=values['sensitivity'],
        pace=PaceConfig(
            min_interval_s=values['min_interval_s'],
            max_interval_s=values['max_interval_s'],
            per_minute=values['changes_per_minute'],
        ),
    )


def words_config(values: Mapping[str, Any]) -> WordsConfig:
    """Return what decides how segments are put into words."""
    return WordsConfig(min_score=values['min_score'], started=values['started_text'])
