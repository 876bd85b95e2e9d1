# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""events/markers and events/image: what is seen is what is said now, and costs nothing unseen."""

from __future__ import annotations

import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_graph import Feed, Graph, image_message, open_graph, scene, wait_until
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')

from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from vljepa_ros.interfaces import Embedding, Rule, SemanticEvent, SetRules  # noqa: E402
from vljepa_ros.nodes import event_view, qos  # noqa: E402
from vljepa_ros.nodes.event_markers import LINE_SPACING  # noqa: E402
from vljepa_ros.nodes.event_node import EventNode  # noqa: E402
from vljepa_ros.nodes.images import to_rgb  # noqa: E402
from vljepa_ros.nodes.lifecycle import SUCCESS  # noqa: E402
from vljepa_ros.nodes.stamps import to_stamp  # noqa: E402
from vljepa_ros.stream.encoded_images import encode_jpeg  # noqa: E402
from vljepa_ros.stream.image_ops import Picture  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402
from vljepa_ros.view.captioned_picture import ALERT  # noqa: E402

pytestmark = pytest.mark.ros
WIDTH = 256


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('view') / 'model')


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def meaning(index: int) -> np.ndarray:
    """Return a unit vector; those of different indices are orthogonal."""
    return np.eye(WIDTH, dtype=np.float32)[index]


class Stage:
    """An event node that runs, streams of embeddings, and a viewer of the markers."""

    def __init__(self, graph: Graph, checkpoint: Path, **parameters: Any) -> None:
        self.graph = graph
        self.node = graph.add(EventNode, model=str(checkpoint), threads=1, **parameters)
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS
        self.markers = graph.collect(MarkerArray, 'events/markers', qos.MARKERS)
        self.events = graph.collect(SemanticEvent, 'events', qos.EVENTS)
        self.publisher = graph.publisher(Embedding, 'embedding', qos.EMBEDDING)
        self.stamp_ns = 1_000_000_000_000

    def count(self, name: str) -> int:
        return int(self.node.health._counters[name])

    def send(self, vector: np.ndarray, count: int = 1, *, frame: str = 'lens', **names: str):
        """Publish a vector as 5 Hz embeddings."""
        for _ in range(count):
            self.stamp_ns += SECOND_NS // 5
            known = self.count('embeddings_in')
            message = Embedding(
                header=Header(stamp=to_stamp(self.stamp_ns), frame_id=frame),
                model_id=self.node.engine.model_id,
                clip_start=to_stamp(self.stamp_ns - SECOND_NS),
                clip_end=to_stamp(self.stamp_ns),
                normalized=True,
                data=array.array('f', vector.tobytes()),
                **{'camera': 'camera', 'query': 'caption', **names},
            )
            self.publisher.publish(message)
            wait_until(lambda: self.count('embeddings_in') > known)  # noqa: B023

    def wait_for_events(self, count: int) -> None:
        wait_until(lambda: len(self.events) == count and len(self.markers) >= 1)

    def texts(self) -> dict[str, Marker]:
        """Return what a viewer shows after all messages so far, as rviz keeps it."""
        return shown(self.markers)


def shown(messages: list[Any]) -> dict[str, Marker]:
    state: dict[tuple[str, int], Marker] = {}
    for message in messages:
        names = [(marker.ns, marker.id) for marker in message.markers]
        assert len(set(names)) == len(names), 'rviz refuses a name that is there twice'
        for marker in message.markers:
            if marker.action == Marker.ADD:
                state[marker.ns, marker.id] = marker
            else:
                assert marker.action == Marker.DELETE
                state.pop((marker.ns, marker.id), None)
    return {ns: marker for (ns, _), marker in state.items()}


def same_words(marker: Marker, event: SemanticEvent) -> bool:
    """Return whether a marker says what an event does, wherever its lines break."""
    return bool(event.text) and ''.join(marker.text.split()) == ''.join(event.text.split())


# ---- markers ------------------------------------------------------------------------------------


def test_a_text_replaces_the_last_one_and_goes_with_its_stream(graph, checkpoint):
    stage = Stage(graph, checkpoint)
    stage.send(meaning(0), 10)
    wait_until(lambda: stage.texts() and stage.events)
    (first,) = stage.texts().values()
    assert (first.ns, first.type) == ('camera/caption', Marker.TEXT_VIEW_FACING)
    assert same_words(first, stage.events[0])
    assert (first.header.frame_id, first.frame_locked) == ('lens', True)
    assert (first.header.stamp.sec, first.header.stamp.nanosec) == (0, 0)
    place, size = first.pose.position, first.scale.z
    centre_y = -0.3 + LINE_SPACING * size * first.text.count('\n') / 2  # the first line is there
    assert (place.x, place.y, place.z) == (0.0, pytest.approx(centre_y), 1.0)
    assert size == 0.08 and first.color.a == 1.0
    stage.send(meaning(1), 10)
    wait_until(lambda: len(stage.events) == 3)
    wait_until(lambda: same_words(stage.texts()['camera/caption'], stage.events[2]))
    assert len(stage.texts()) == 1
    assert stage.node.trigger_deactivate() == SUCCESS
    wait_until(lambda: not stage.texts())
    assert shown(stage.markers[-1:]) == {}


def test_cameras_and_queries_have_a_text_each_and_who_comes_late_sees_all(graph, checkpoint):
    stage = Stage(graph, checkpoint, queries=['action', 'caption'], idle_timeout_s=300.0)
    stage.send(meaning(0), camera='left', query='caption')
    stage.send(meaning(1), camera='left', query='action')
    stage.send(meaning(2), camera='right', frame='rear_lens')
    wait_until(lambda: len(stage.texts()) == 3)
    late: list[Any] = graph.collect(MarkerArray, 'events/markers', qos.MARKERS)
    wait_until(lambda: late)
    texts = shown(late)
    assert texts == stage.texts() == shown(stage.markers[-1:])
    assert set(texts) == {'left/action', 'left/caption', 'right/caption'}
    assert texts['left/action'].text.startswith('action: ')
    assert texts['right/caption'].header.frame_id == 'rear_lens'
    # Below each other, whatever number of lines the first one has.
    above, below = (texts[f'left/{query}'] for query in ('action', 'caption'))
    lines = above.text.count('\n') + below.text.count('\n') + 2
    gap = below.pose.position.y - above.pose.position.y
    assert gap >= above.scale.z * lines / 2
    # One stream ends: the others stay.
    stream = stage.node._streams['left', 'action']
    stream.received_s = -1000.0
    wait_until(lambda: set(stage.texts()) == {'left/caption', 'right/caption'})
    # The others end at once. A viewer that has heard the first and the last message only, since
    # no more than one is kept, shows none of them.
    assert stage.node.trigger_deactivate() == SUCCESS
    wait_until(lambda: not stage.texts())
    assert shown([late[0], stage.markers[-1]]) == {}


def test_place_and_frame_can_be_set(graph, checkpoint):
    stage = Stage(graph, checkpoint, marker_frame='base_link', marker_z_m=2.0, marker_size_m=0.5)
    stage.send(meaning(0), frame='')
    wait_until(lambda: stage.texts())
    (marker,) = stage.texts().values()
    assert (marker.header.frame_id, marker.pose.position.z) == ('base_link', 2.0)
    assert marker.scale.z == 0.5
    assert not stage.node.health._troubles


def test_a_camera_without_a_frame_is_a_trouble_and_has_no_marker(graph, checkpoint):
    stage = Stage(graph, checkpoint)
    stage.send(meaning(0), 10, frame='')
    trouble = wait_until(lambda: stage.node.health._troubles.get('markers camera'))
    assert 'marker_frame' in trouble
    assert not stage.markers
    (result,) = stage.node.set_parameters([Parameter('marker_frame', value='base_link')])
    assert result.successful
    stage.send(meaning(1), 10, frame='')
    wait_until(lambda: stage.texts())
    assert not stage.node.health._troubles


# ---- pictures -----------------------------------------------------------------------------------


def pictures(stage: Stage) -> list[Any]:
    return stage.graph.collect(Image, 'events/image', qos.IMAGE_OUTPUT)


def subscribers(stage: Stage, topic: str) -> int:
    return int(stage.graph.node.count_subscribers(f'/vljepa/{topic}'))


def test_a_picture_is_drawn_only_while_somebody_looks(graph, checkpoint):
    stage = Stage(graph, checkpoint, view_rate_hz=60.0)
    stage.send(meaning(0), 3)
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.IMAGE_OUTPUT)
    for step in range(3):
        publisher.publish(image_message(scene(0, step), SECOND_NS + step * SECOND_NS // 15))
    assert subscribers(stage, 'image_raw') == 0
    graph.node.destroy_publisher(publisher)

    viewer: list[Any] = []
    subscription = graph.node.create_subscription(
        Image, 'events/image', viewer.append, qos.IMAGE_OUTPUT
    )
    feed = Feed(graph)  # waits until it is subscribed to
    feed.send(10)
    wait_until(lambda: len(viewer) >= 5)
    message = viewer[-1]
    assert (message.encoding, message.header.frame_id) == ('rgb8', 'lens')
    picture = to_rgb(message)
    assert picture.shape[1] == 320 and picture.shape[0] > 300
    assert abs(picture[:240].astype(int) - scene(0, feed.step)).mean() < 30.0
    assert picture[240:].max() > 200, 'words are bright on the dark panel'
    assert stage.count('images_drawn') >= 5

    graph.node.destroy_subscription(subscription)
    wait_until(lambda: subscribers(stage, 'image_raw') == 0)
    drawn = stage.count('images_drawn')
    feed.send(5)
    assert stage.count('images_drawn') == drawn
    # And again.
    viewer = pictures(stage)
    wait_until(feed.publisher.get_subscription_count)
    feed.send(5)
    wait_until(lambda: viewer)


def test_words_and_alerts_are_in_the_picture(graph, checkpoint):
    stage = Stage(graph, checkpoint, view_rate_hz=60.0)
    viewer = pictures(stage)
    feed = Feed(graph)

    def look() -> np.ndarray:
        known = len(viewer)
        feed.send(2, index=0)
        wait_until(lambda: len(viewer) > known)
        return to_rgb(viewer[-1])

    before = look()
    stage.send(meaning(0), 3)
    stage.wait_for_events(1)
    wait_until(lambda: stage.node._view._captions['camera', 'caption'].text)
    assert look().shape == before.shape
    wait_until(lambda: (look()[240:] != before[240:]).any())
    rule = Rule(name='always', text='a robot arm', threshold=-2.0, severity='error')
    assert graph.call(SetRules, 'set_rules', SetRules.Request(rules=[rule])).success
    stage.send(meaning(0))
    wait_until(lambda: stage.count('alerts') == 1)
    wait_until(lambda: tuple(look()[2, 2]) == ALERT)
    assert graph.call(SetRules, 'set_rules', SetRules.Request()).success
    wait_until(lambda: stage.count('alerts') == 2)
    wait_until(lambda: tuple(look()[2, 2]) != ALERT)


def test_two_cameras_are_drawn_side_by_side(graph, checkpoint):
    names = {'image': ['left/image', 'right/image'], 'camera': ['left', 'right']}
    stage = Stage(graph, checkpoint, view_rate_hz=60.0, view_width=640, **names)
    viewer = pictures(stage)
    left, right = Feed(graph, 'left/image'), Feed(graph, 'right/image')
    for _ in range(10):
        left.send(1, index=1)
        right.send(1, index=2, width=640, height=480)
    wait_until(lambda: viewer and viewer[-1].width == 640)
    picture = to_rgb(viewer[-1])
    title = 30  # at most; the camera's name stands above its picture
    for start, index in ((0, 1), (320, 2)):
        part = picture[title:200, start : start + 320].astype(int)
        differences = [
            abs(part - scene(other)[title - 20 : 180]).mean() for other in (index, 3 - index)
        ]
        assert differences[0] < differences[1]


def test_compressed_images_are_drawn(graph, checkpoint):
    stage = Stage(graph, checkpoint, image_transport='compressed', view_rate_hz=60.0)
    viewer = pictures(stage)
    publisher = graph.publisher(CompressedImage, 'image_raw/compressed')
    data = array.array('B', encode_jpeg(Picture(scene(3)), quality=90))
    for step in range(1, 6):
        header = Header(stamp=to_stamp(step * SECOND_NS // 15))
        publisher.publish(CompressedImage(header=header, format='jpeg', data=data))
    wait_until(lambda: viewer)
    assert abs(to_rgb(viewer[-1])[:240].astype(int) - scene(3)).mean() < 10.0


def test_an_image_that_cannot_be_drawn_is_named_and_the_next_one_is_drawn(graph, checkpoint):
    stage = Stage(graph, checkpoint, view_rate_hz=60.0)
    viewer = pictures(stage)
    feed = Feed(graph)
    feed.send(3, step=1)
    wait_until(lambda: 'events/image: image left out' in stage.node.health._last_error)
    feed.send(3)
    wait_until(lambda: viewer)


@pytest.mark.parametrize(
    ('parameters', 'named'),
    [
        ({'image': ['/a', '/b']}, 'image has 2 topics'),
        ({'camera': ['front']}, "embeddings come of camera 'camera'"),
        ({'image': ['elsewhere']}, 'no image comes on /vljepa/elsewhere'),
    ],
)
def test_what_keeps_a_picture_from_being_drawn_is_said_and_the_events_go_on(
    graph, checkpoint, monkeypatch, parameters, named
):
    monkeypatch.setattr(event_view, 'SILENCE_S', 0.1)
    stage = Stage(graph, checkpoint, **parameters)
    stage.send(meaning(0), 3)
    assert 'view' not in stage.node.health._troubles, 'nobody looks'
    viewer = pictures(stage)
    trouble = wait_until(lambda: stage.node.health._troubles.get('view'))
    assert trouble.startswith('events/image') and named in trouble
    stage.wait_for_events(1)
    assert not viewer


def test_a_trouble_is_over_when_images_come(graph, checkpoint, monkeypatch):
    monkeypatch.setattr(event_view, 'SILENCE_S', 0.1)
    stage = Stage(graph, checkpoint, view_rate_hz=60.0)
    viewer = pictures(stage)
    wait_until(lambda: 'view' in stage.node.health._troubles)
    monkeypatch.setattr(event_view, 'SILENCE_S', 60.0)
    Feed(graph).send(3)
    wait_until(lambda: viewer and 'view' not in stage.node.health._troubles)
