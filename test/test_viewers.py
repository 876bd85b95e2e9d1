# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The settings for rviz2 and Foxglove: they show what the nodes publish, as they publish it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ros_graph import Graph, open_graph
from sensor_msgs.msg import Image

from vljepa_ros import rviz
from vljepa_ros.errors import MissingDependencyError
from vljepa_ros.interfaces import Alert, SemanticEvent
from vljepa_ros.nodes.event_node import EventNode
from vljepa_ros.nodes.perception_node import PerceptionNode
from vljepa_ros.nodes.tables import TABLES

ROOT = Path(__file__).parents[1]
KINDS = {
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
}
MESSAGES = {
    'sensor_msgs/msg/Image': Image,
    'vljepa_ros/msg/Alert': Alert,
    'vljepa_ros/msg/SemanticEvent': SemanticEvent,
}
VALUES = {'rviz': 'true', 'rviz_frame': '', 'namespace': '/vljepa'}


@pytest.fixture(scope='module')
def graph():
    with open_graph() as opened:
        opened.add(EventNode)
        opened.add(PerceptionNode)
        yield opened


def published(graph: Graph, topic: str) -> Any:
    """Return type and quality of service of the one publisher of a topic."""
    (info,) = graph.node.get_publishers_info_by_topic(topic)
    return info


def settings() -> dict[str, Any]:
    text = (ROOT / 'config' / 'vljepa.rviz').read_text(encoding='utf-8')
    return dict(yaml.safe_load(text)['Visualization Manager'])


@pytest.mark.ros
def test_rviz_shows_the_topics_with_their_quality_of_service(graph):
    shown = {item['Topic']['Value']: item for item in settings()['Displays'] if 'Topic' in item}
    assert set(shown) == {f'{rviz.NAMESPACE}/{topic}' for topic in rviz.TOPICS}
    for topic, display in shown.items():
        info, wanted = published(graph, topic), display['Topic']
        assert KINDS[display['Class']] == info.topic_type
        assert display['Enabled'] and display['Value']
        profile = info.qos_profile
        for key, policy in (
            ('Durability Policy', profile.durability),
            ('Reliability Policy', profile.reliability),
        ):
            assert wanted[key].upper().replace(' ', '_') == policy.name, f'{topic} {key}'


def test_rviz_begins_in_the_frame_of_the_shipped_camera():
    (frame,) = [item for item in TABLES['camera'] if item.name == 'frame_id']
    assert settings()['Global Options']['Fixed Frame'] == frame.default


def leaves(layout: Any) -> list[str]:
    if isinstance(layout, str):
        return [layout]
    assert layout['direction'] in ('row', 'column')
    return leaves(layout['first']) + leaves(layout['second'])


def strings(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    if isinstance(item, dict):
        item = list(item.values())
    return [text for part in item for text in strings(part)] if isinstance(item, list) else []


@pytest.mark.ros
def test_foxglove_shows_topics_and_fields_that_are_there(graph):
    layout = json.loads((ROOT / 'config' / 'vljepa_foxglove.json').read_text(encoding='utf-8'))
    assert sorted(leaves(layout['layout'])) == sorted(layout['configById'])
    kinds = [panel.split('!')[0] for panel in layout['configById']]
    assert kinds == ['Image', 'StateTransitions', 'RawMessages', 'Plot', 'Plot']
    paths = [text for text in strings(layout['configById']) if text.startswith('/')]
    assert len(paths) == 6
    for path in paths:
        topic = re.split(r'[.{]', path)[0]
        if topic == '/diagnostics':
            for node in re.findall(r'name=="([^"]*)"', path):
                assert node == '/vljepa/perception'
            assert 'key=="embeddings"' in path  # a counter, whose derivative is a rate
            continue
        kind = published(graph, topic).topic_type
        fields = MESSAGES[kind].get_fields_and_field_types()
        for field in re.findall(r'[.{](\w+)', path):
            assert field in fields, path


# ---- rviz:=true ---------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, monkeypatch) -> str:
    program = tmp_path / 'rviz2'
    program.write_text('#!/bin/sh\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    return str(program)


def test_rviz_is_opened_only_if_wanted(installed):
    assert rviz.rviz_command({**VALUES, 'rviz': 'false'}) == []
    file = str(ROOT / 'config' / 'vljepa.rviz')
    assert rviz.rviz_command(VALUES) == [installed, '-d', file]


def test_rviz_follows_frame_and_namespace(installed):
    values = {**VALUES, 'rviz_frame': 'base_link', 'namespace': 'robot/eyes/'}
    command = rviz.rviz_command(values)
    assert command[3:5] == ['-f', 'base_link']
    assert command[5:] == [
        *('--ros-args', '-r', '/vljepa/events/image:=/robot/eyes/events/image'),
        *('-r', '/vljepa/events/markers:=/robot/eyes/events/markers'),
    ]
    assert '/vljepa/events/image:=/events/image' in rviz.rviz_command({**VALUES, 'namespace': '/'})


def test_without_rviz_the_error_names_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    with pytest.raises(MissingDependencyError, match='sudo apt install ros-jazzy-rviz2'):
        rviz.rviz_command(VALUES)
