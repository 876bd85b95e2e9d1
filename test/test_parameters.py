# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A wrong parameter is refused with a sentence that says what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rclpy.parameter import Parameter as RosParameter
from ros_graph import open_graph

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.nodes.camera_node import CameraNode
from vljepa_ros.nodes.event_node import EventNode
from vljepa_ros.nodes.lifecycle import FAILURE, SUCCESS
from vljepa_ros.nodes.parameters import Parameter
from vljepa_ros.nodes.perception_node import PerceptionNode
from vljepa_ros.nodes.tables import TABLES, parameters_page

ROOT = Path(__file__).parents[1]
RATE = Parameter('rate_hz', 5.0, 'A rate.', minimum=0.1, maximum=100.0)
COUNT = Parameter('count', 3, 'A count.', minimum=0)
BACKEND = Parameter('backend', 'auto', 'A backend.', choices=('auto', 'torch'))
FLAG = Parameter('loop', True, 'A flag.')
TEXTS = Parameter('queries', ['caption'], 'Texts.')
LABELS = Parameter('labels', [], 'Texts or none.', may_be_empty=True)


@pytest.fixture(scope='module')
def graph():
    with open_graph() as opened:
        yield opened


@pytest.mark.parametrize(
    ('parameter', 'value', 'expected'),
    [
        (RATE, 2, 2.0),
        (RATE, 100.0, 100.0),
        (COUNT, 0, 0),
        (BACKEND, 'torch', 'torch'),
        (FLAG, False, False),
        (TEXTS, ('a', 'b'), ['a', 'b']),
        (TEXTS, 'one', ['one']),
        (LABELS, [], []),
        (LABELS, b'', []),
        (LABELS, ['a'], ['a']),
    ],
)
def test_allowed_values(parameter, value, expected):
    assert parameter.validate(value) == expected
    assert type(parameter.validate(value)) is type(parameter.default)


@pytest.mark.parametrize(
    ('parameter', 'value', 'allowed'),
    [
        (RATE, 'fast', 'a number from 0.1 to 100'),
        (RATE, 0.0, 'a number from 0.1 to 100'),
        (RATE, 100.1, 'a number from 0.1 to 100'),
        (RATE, float('nan'), 'a number from 0.1 to 100'),
        (RATE, True, 'a number from 0.1 to 100'),
        (COUNT, -1, 'a whole number of at least 0'),
        (COUNT, 1.5, 'a whole number of at least 0'),
        (BACKEND, 'cuda', "one of 'auto', 'torch'"),
        (FLAG, 'yes', 'true or false'),
        (TEXTS, [], 'one or more texts, none of them empty'),
        (TEXTS, ['a', ' '], 'one or more texts, none of them empty'),
        (TEXTS, '', 'one or more texts, none of them empty'),
        (TEXTS, 3, 'one or more texts, none of them empty'),
        (TEXTS, None, 'one or more texts, none of them empty'),
        (LABELS, [''], 'any number of texts, none of them empty'),
        (LABELS, [1], 'any number of texts, none of them empty'),
    ],
)
def test_refused_values_name_what_is_allowed(parameter, value, allowed):
    with pytest.raises(
        ConfigurationError, match=f'{parameter.name} is .*; allowed is .*{allowed}'
    ):
        parameter.validate(value)


def set_parameters(node, **values) -> list[str]:
    """Set values one by one; return why each was refused, an empty text if it was not."""
    results = node.set_parameters(
        [RosParameter(name, value=value) for name, value in values.items()]
    )
    assert all(result.successful != bool(result.reason) for result in results)
    return [result.reason for result in results]


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'rate_hz': 2}, ''),
        ({'rate_hz': 1000.0}, 'Min: 0.1, Max: 100.0'),
        ({'rate_hz': 'fast'}, 'allowed is a number from 0.1 to 100'),
        ({'backend': 'cuda'}, "allowed is one of 'auto', 'onnxruntime'"),
        ({'queries': ['']}, 'allowed is a list of one or more texts'),
        ({'labels': ['open', 'closed']}, ''),
        ({'labels': []}, ''),
        ({'autostart': True}, 'read-only'),
    ],
)
def test_set_on_a_node(graph, values, reason):
    node = graph.add(PerceptionNode)
    (refusal,) = set_parameters(node, **values)
    assert reason in refusal
    assert bool(refusal) == bool(reason)
    assert node.parameters['rate_hz'] == values.get('rate_hz', 5.0) or reason
    assert not reason or node.parameters['rate_hz'] == 5.0


@pytest.mark.parametrize(
    ('cameras', 'named'),
    [
        ({'image': ['/a/image', '/b/image']}, r'image has 2 topics .* camera has 1 names'),
        ({'image': ['/a', '/b'], 'camera': ['left', 'left']}, 'a name of its own'),
    ],
)
def test_every_camera_needs_a_name_of_its_own(graph, cameras, named):
    node = graph.add(PerceptionNode, **cameras)
    assert node.trigger_configure() == FAILURE
    assert re.search(named, node.health._facts['last_failure'])


def test_intervals_must_fit_each_other(graph):
    node = graph.add(EventNode, max_interval_s=2.0)
    (refusal,) = set_parameters(node, min_interval_s=3.0)
    assert 'max_interval_s 2.0 is less than min_interval_s 3.0' in refusal
    both = {'min_interval_s': 3.0, 'max_interval_s': 4.0}
    values = [RosParameter(name, value=value) for name, value in both.items()]
    assert node.set_parameters_atomically(values).successful
    assert node.parameters['min_interval_s'] == 3.0


def test_intervals_that_do_not_fit_at_start(graph):
    node = graph.add(EventNode, min_interval_s=3.0, max_interval_s=2.0)
    assert node.trigger_configure() == FAILURE
    assert 'is less than min_interval_s' in node.health._facts['last_failure']


@pytest.mark.parametrize(
    ('wrong', 'allowed', 'right'),
    [
        ({'rate_hz': 'fast'}, 'a number from 0 to 240', {'rate_hz': 30.0}),
        ({'rate_hz': -1.0}, 'Min: 0.0, Max: 240.0', {'rate_hz': 0.0}),
        ({'loop': 1}, 'true or false', {'loop': False}),
    ],
)
def test_a_wrong_start_value_leaves_the_node_alive_until_it_is_corrected(
    graph, tmp_path, wrong, allowed, right
):
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / 'image.png'), np.zeros((4, 4, 3), dtype=np.uint8))
    node = graph.add(CameraNode, video=str(tmp_path), **wrong)
    assert node.trigger_configure() == FAILURE
    (name,) = wrong
    failure = node.health._facts['last_failure']
    assert name in failure
    assert allowed in failure
    assert set_parameters(node, **right) == ['']
    assert node.trigger_configure() == SUCCESS


def test_what_configure_reads_is_locked_until_cleanup(graph, tmp_path):
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / 'image.png'), np.zeros((4, 4, 3), dtype=np.uint8))
    node = graph.add(CameraNode, video=str(tmp_path))
    assert node.trigger_configure() == SUCCESS
    (refusal,) = set_parameters(node, rate_hz=10.0)
    assert 'ros2 lifecycle set /vljepa/camera cleanup' in refusal
    assert node.trigger_cleanup() == SUCCESS
    assert set_parameters(node, rate_hz=10.0) == ['']


def test_descriptors_hold_what_ros2_param_describe_shows(graph):
    descriptor = graph.add(PerceptionNode).describe_parameter('rate_hz')
    assert 'Embeddings a second' in descriptor.description
    assert descriptor.floating_point_range[0].to_value == 100.0
    assert 'Can be set at any time' in descriptor.additional_constraints


def test_every_parameter_is_described_and_has_an_allowed_default():
    for table in TABLES.values():
        names = [parameter.name for parameter in table]
        assert len(set(names)) == len(names)
        for parameter in table:
            assert parameter.description.endswith('.')
            parameter.validate(parameter.default)


def test_the_page_of_parameters_is_up_to_date():
    page = (ROOT / 'docs' / 'parameters.md').read_text(encoding='utf-8')
    assert page == parameters_page(), 'run: vljepa docs > docs/parameters.md'
