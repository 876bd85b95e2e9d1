# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""recorder: real messages in, clips out that other libraries open; its troubles are told."""

from __future__ import annotations

import array
import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ros_graph import Feed, Graph, image_message, open_graph, scene, wait_until

pytest.importorskip('mcap', reason='recordings need mcap and rosbags: make test')
pytest.importorskip('rosbags', reason='recordings need mcap and rosbags: make test')

from rclpy.parameter import Parameter  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.interfaces import Alert, Embedding, SemanticEvent  # noqa: E402
from vljepa_ros.nodes import qos  # noqa: E402
from vljepa_ros.nodes.lifecycle import FAILURE, SUCCESS  # noqa: E402
from vljepa_ros.nodes.recorder_node import RecorderNode  # noqa: E402
from vljepa_ros.nodes.stamps import to_stamp  # noqa: E402
from vljepa_ros.nodes.tables import TABLES  # noqa: E402
from vljepa_ros.recordings import watching  # noqa: E402
from vljepa_ros.recordings.opening import open_recording  # noqa: E402
from vljepa_ros.stream.encoded_images import encode_jpeg  # noqa: E402
from vljepa_ros.stream.image_ops import Picture  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

pytestmark = pytest.mark.ros
# All images before an event are kept, and none after it: so tests do not depend on time.
ALL_BEFORE = {'before_s': 300.0, 'after_s': 0.0, 'image_rate_hz': 0.0}


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def event(phase: int, *, stamp_ns: int, segment: str = 'a') -> SemanticEvent:
    return SemanticEvent(
        header=Header(stamp=to_stamp(stamp_ns), frame_id='lens'),
        id=segment,
        phase=phase,
        start=to_stamp(stamp_ns),
        end=to_stamp(stamp_ns),
        text='the robot opens the drawer',
        camera='camera',
        query='caption',
        model_id='tiny@0123456789ab',
    )


@dataclasses.dataclass
class Stage:
    """A recorder that runs, and who publishes to it."""

    graph: Graph
    node: RecorderNode
    folder: Path
    events: Any
    embeddings: Any
    alerts: Any

    def count(self, name: str) -> int:
        return self.node.health._counters[name]

    def wait_for(self, name: str, count: int) -> None:
        wait_until(lambda: self.count(name) >= count)

    @property
    def clips(self) -> list[Path]:
        return sorted(self.folder.glob('clip_*'))


def open_stage(graph: Graph, folder: Path, **parameters: Any) -> Stage:
    node = graph.add(RecorderNode, clip_folder=str(folder), **{**ALL_BEFORE, **parameters})
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    events = graph.publisher(SemanticEvent, 'events', qos.EVENTS)
    embeddings = graph.publisher(Embedding, 'embedding', qos.EMBEDDING)
    alerts = graph.publisher(Alert, 'alerts', qos.EVENTS)
    return Stage(graph, node, folder, events, embeddings, alerts)


def messages_of(clip: Path) -> dict[str, list[Any]]:
    """Return the messages of a clip by topic, read with the library of MCAP."""
    from mcap.reader import make_reader

    kinds = {
        'vljepa_ros/msg/Alert': Alert,
        'sensor_msgs/msg/CompressedImage': CompressedImage,
        'sensor_msgs/msg/Image': Image,
        'vljepa_ros/msg/Embedding': Embedding,
        'vljepa_ros/msg/SemanticEvent': SemanticEvent,
    }
    found: dict[str, list[Any]] = {}
    with (clip / f'{clip.name}.mcap').open('rb') as file:
        for schema, channel, message in make_reader(file).iter_messages():
            assert schema is not None
            kept = deserialize_message(message.data, kinds[schema.name])
            found.setdefault(channel.topic, []).append(kept)
    return found


def test_an_event_becomes_a_clip_with_images_embeddings_and_the_event(graph, tmp_path):
    stage = open_stage(graph, tmp_path)
    feed = Feed(graph)
    feed.send(20, encoding='bgr8')
    stage.wait_for('images_in', 20)
    vector = array.array('f', [0.6, 0.8])
    sent = Embedding(camera='camera', query='caption', normalized=True, data=vector)
    stage.embeddings.publish(sent)
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=feed.stamp_ns))
    stage.wait_for('clips', 1)
    (clip,) = stage.clips
    found = messages_of(clip)
    assert set(found) == {
        '/vljepa/image_raw/compressed',
        '/vljepa/embedding',
        '/vljepa/events',
    }
    images = found['/vljepa/image_raw/compressed']
    assert len(images) == 20
    assert (images[0].format, images[0].header.frame_id) == ('jpeg', 'lens')
    decoded = cv2.imdecode(np.frombuffer(images[-1].data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    # The feed calls its RGB bgr8; edges of what JPEG draws are left out.
    difference = np.abs(decoded.astype(int) - scene(0, feed.step))
    assert np.median(difference) <= 3
    assert found['/vljepa/embedding'] == [sent]
    assert [item.text for item in found['/vljepa/events']] == ['the robot opens the drawer']
    # The same through rosbags.
    recording = open_recording(clip)
    assert [len(list(part)) for part in (recording.images(), recording.events())] == [20, 1]


def test_the_quality_of_images_changes_while_the_node_runs(graph, tmp_path):
    stage = open_stage(graph, tmp_path)
    feed = Feed(graph)
    feed.send(1)
    stage.wait_for('images_in', 1)
    assert stage.node.set_parameters([Parameter('jpeg_quality', value=10)])[0].successful
    feed.send(1)
    stage.wait_for('images_in', 2)
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=feed.stamp_ns))
    stage.wait_for('clips', 1)
    first, last = messages_of(stage.clips[0])['/vljepa/image_raw/compressed']
    assert len(last.data) < 0.85 * len(first.data)  # both have the same tables


def alert(phase: int, *, stamp_ns: int) -> Alert:
    return Alert(
        header=Header(stamp=to_stamp(stamp_ns), frame_id='lens'),
        id='alarm',
        phase=phase,
        rule='drawer left open',
        text='the drawer is open',
        severity='error',
        since=to_stamp(stamp_ns - SECOND_NS),
        score=0.5,
        camera='camera',
        query='caption',
    )


def test_an_alert_becomes_a_clip(graph, tmp_path):
    stage = open_stage(graph, tmp_path)
    feed = Feed(graph)
    feed.send(10)
    stage.wait_for('images_in', 10)
    fired = alert(Alert.FIRED, stamp_ns=feed.stamp_ns)
    stage.alerts.publish(fired)
    stage.wait_for('clips', 1)
    found = messages_of(stage.clips[0])
    assert found['/vljepa/alerts'] == [fired]
    assert len(found['/vljepa/image_raw/compressed']) == 10
    # Its end is kept, too, with what led to it.
    feed.send(5)
    stage.wait_for('images_in', 15)
    cleared = alert(Alert.CLEARED, stamp_ns=feed.stamp_ns)
    stage.alerts.publish(cleared)
    stage.wait_for('clips', 2)
    found = messages_of(stage.clips[1])
    assert found['/vljepa/alerts'] == [cleared]
    assert len(found['/vljepa/image_raw/compressed']) == 5
    # Others read such a clip as well, and who plays it late gets the alert.
    recording = open_recording(stage.clips[0])
    assert len(list(recording.images())) == 10 and recording.problems == []
    (read,) = recording.alerts()
    assert (read.id, read.phase, read.rule) == ('alarm', 'FIRED', 'drawer left open')
    assert read.since_ns == read.stamp_ns - SECOND_NS
    assert (read.severity, read.score, read.camera) == ('error', 0.5, 'camera')
    metadata = (stage.clips[0] / 'metadata.yaml').read_text()
    assert 'vljepa_ros/msg/Alert' in metadata


@pytest.mark.parametrize('clip_on', ['events', 'alerts'])
def test_what_a_clip_is_written_for_can_be_chosen(graph, tmp_path, clip_on):
    stage = open_stage(graph, tmp_path, clip_on=clip_on)

    def publish(kind: str, stamp_ns: int) -> None:
        known = stage.count(f'{kind}_in')
        if kind == 'events':
            stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=stamp_ns))
        else:
            stage.alerts.publish(alert(Alert.FIRED, stamp_ns=stamp_ns))
        stage.wait_for(f'{kind}_in', known + 1)

    other = 'alerts' if clip_on == 'events' else 'events'
    publish(other, 5 * SECOND_NS)
    publish(clip_on, 6 * SECOND_NS)
    stage.wait_for('clips', 1)
    publish(other, 7 * SECOND_NS)
    assert stage.node.trigger_deactivate() == SUCCESS
    (clip,) = stage.clips
    # What no clip is written for is in those that are.
    assert {topic: len(found) for topic, found in messages_of(clip).items()} == {
        '/vljepa/alerts': 1,
        '/vljepa/events': 1,
    }


@pytest.mark.parametrize('transport', ['raw', 'compressed'])
def test_images_can_be_kept_as_they_come(graph, tmp_path, transport):
    stage = open_stage(
        graph, tmp_path, image_transport=transport, image_format='unchanged', image=['/cam/image']
    )
    kind, topic = Image, '/cam/image'
    sent: Any = image_message(scene(3), 5_000_000_000)
    if transport == 'compressed':
        kind, topic = CompressedImage, '/cam/image/compressed'
        data = array.array('B', encode_jpeg(Picture(scene(3)), quality=30))
        sent = CompressedImage(header=sent.header, format='jpeg', data=data)
    graph.publisher(kind, topic).publish(sent)
    stage.wait_for('images_in', 1)
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=5_000_000_000))
    stage.wait_for('clips', 1)
    assert messages_of(stage.clips[0])[topic] == [sent]


def test_the_rate_of_images_is_limited_by_their_stamps(graph, tmp_path):
    stage = open_stage(graph, tmp_path, image_rate_hz=5.0)
    feed = Feed(graph)
    feed.send(60)  # of 15 Hz
    stage.wait_for('images_in', 60)
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=feed.stamp_ns))
    stage.wait_for('clips', 1)
    images = messages_of(stage.clips[0])['/vljepa/image_raw/compressed']
    assert 19 <= len(images) <= 20


def test_deactivating_takes_the_last_event_and_completes_the_clip(graph, tmp_path):
    stage = open_stage(graph, tmp_path, after_s=300.0)
    feed = Feed(graph)
    feed.send(5)
    stage.wait_for('images_in', 5)
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=feed.stamp_ns))
    stage.wait_for('events_in', 1)
    assert stage.clips == []
    assert stage.node.trigger_deactivate() == SUCCESS
    assert len(stage.clips) == 1
    assert len(messages_of(stage.clips[0])['/vljepa/image_raw/compressed']) == 5
    # It goes on in a new clip, without what it saw before.
    assert stage.node.trigger_activate() == SUCCESS
    wait_until(feed.publisher.get_subscription_count)
    wait_until(stage.events.get_subscription_count)
    feed.send(3)
    stage.wait_for('images_in', 8)
    stage.events.publish(event(SemanticEvent.ENDED, stamp_ns=feed.stamp_ns))
    stage.wait_for('clips', 2)
    assert len(messages_of(stage.clips[1])['/vljepa/image_raw/compressed']) == 3


def test_events_of_before_are_not_taken_for_new_ones(graph, tmp_path):
    node = graph.add(RecorderNode, clip_folder=str(tmp_path), **ALL_BEFORE)
    early = graph.node.create_publisher(SemanticEvent, 'events', qos.EVENTS)
    early.publish(event(SemanticEvent.STARTED, stamp_ns=1_000_000_000))
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    wait_until(early.get_subscription_count)
    early.publish(event(SemanticEvent.STARTED, stamp_ns=2_000_000_000, segment='new'))
    wait_until(lambda: node.health._counters['clips'])
    (clip,) = tmp_path.glob('clip_*')
    assert [item.id for item in messages_of(clip)['/vljepa/events']] == ['new']


def test_a_clip_that_cannot_be_written_is_a_trouble_until_one_can(graph, tmp_path):
    stage = open_stage(graph, tmp_path)
    unfinished = tmp_path / '.unfinished'
    unfinished.rmdir()
    unfinished.write_text('in the way')
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=1_000_000_000))
    trouble = wait_until(lambda: stage.node.health._troubles.get('clips'))
    assert str(tmp_path) in trouble
    assert 'Free space on the disk' in trouble
    unfinished.unlink()
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=2_000_000_000))
    stage.wait_for('clips', 1)
    wait_until(lambda: 'clips' not in stage.node.health._troubles)


def test_an_image_that_cannot_be_kept_is_left_out(graph, tmp_path):
    stage = open_stage(graph, tmp_path)
    feed = Feed(graph)
    feed.send(1, step=1)
    feed.send(2)
    stage.wait_for('images_in', 3)
    stage.events.publish(event(SemanticEvent.STARTED, stamp_ns=feed.stamp_ns))
    stage.wait_for('clips', 1)
    assert stage.count('images_unusable') == 1
    assert 'image left out' in stage.node.health._last_error
    assert len(messages_of(stage.clips[0])['/vljepa/image_raw/compressed']) == 2


def test_a_small_buffer_is_said(graph, tmp_path):
    stage = open_stage(graph, tmp_path, buffer_mb=1, image_format='unchanged')
    Feed(graph).send(10)  # of 230 kB
    trouble = wait_until(lambda: stage.node.health._troubles.get('buffer'))
    assert 'buffer_mb' in trouble


def test_a_recording_is_watched_as_the_nodes_watch_a_camera():
    nodes = {node: {item.name: item.default for item in TABLES[node]} for node in TABLES}
    assert nodes['event']['detector'] == watching.DETECTOR
    assert nodes['perception']['rate_hz'] == watching.RATE_HZ
    assert nodes['perception']['still_threshold'] == watching.STILL_THRESHOLD


def test_a_folder_belongs_to_one_recorder(graph, tmp_path):
    open_stage(graph, tmp_path)
    second = graph.add(RecorderNode, clip_folder=str(tmp_path))
    assert second.trigger_configure() == FAILURE
    assert 'Another process writes clips' in second.health._facts['last_failure']
