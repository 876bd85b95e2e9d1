# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""camera: a video becomes a camera with an exact schedule, whoever listens."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.clock import ROSClock
from rclpy.parameter import Parameter
from ros_graph import Graph, open_graph, process, scene, wait_until, write_video
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from vljepa_ros.nodes import qos
from vljepa_ros.nodes.camera_node import CameraNode
from vljepa_ros.nodes.camera_player import Player
from vljepa_ros.nodes.images import to_rgb
from vljepa_ros.nodes.lifecycle import FAILURE, SUCCESS
from vljepa_ros.nodes.stamps import to_ns, to_stamp
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.video_source import Frame

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def video(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('camera') / 'video.mp4'
    return write_video(path, scenes=[0, 1], frames=15)


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def play(graph: Graph, video: Path, **parameters: Any) -> tuple[CameraNode, list[Any]]:
    """Start a camera that waits for the images' list to be connected."""
    node = graph.add(CameraNode, video=str(video), **parameters)
    images = graph.collect(Image, 'image_raw', qos.IMAGE_OUTPUT)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    return node, images


def played(node: CameraNode) -> int:
    """Count the frames whose time has come; on a busy machine some are left out."""
    counters = node.health._counters
    return counters['frames_out'] + counters['frames_left_out']


@pytest.mark.parametrize(('rate_hz', 'count'), [(0.0, 30), (10.0, 10), (60.0, 60)])
def test_stamps_are_an_exact_schedule_from_a_whole_second(graph, video, rate_hz, count):
    node, images = play(graph, video, rate_hz=rate_hz, loop=False)
    wait_until(lambda: played(node) == count)
    images = list(wait_until(lambda: images))
    stamps = np.array([to_ns(image.header.stamp) for image in images])
    period_ns = SECOND_NS / (rate_hz or 30.0)
    phase = stamps % SECOND_NS / period_ns
    np.testing.assert_allclose(phase, np.round(phase), atol=1e-6)
    first = images[0]
    assert (first.width, first.height, first.encoding) == (320, 240, 'rgb8')
    assert first.header.frame_id == 'camera_optical_frame'
    # A picture shows the moment of its stamp: the second scene begins half way.
    offset_s = (stamps - int(node.health._facts['first_stamp_ns'])) / 1e9
    for image, moment_s in zip(images, offset_s, strict=True):
        expected = scene(0 if moment_s < 0.5 - 1e-6 else 1)[-20:]
        assert np.abs(to_rgb(image)[-20:].astype(int) - expected).mean() < 20


def test_it_ends_or_loops(graph, video):
    node, _ = play(graph, video, loop=False)
    ended: list[bool] = []
    node.request_exit = lambda: ended.append(True)
    node.set_parameters([Parameter('exit_at_end', value=True)])
    wait_until(lambda: ended)
    assert played(node) == 30
    assert node.trigger_deactivate() == SUCCESS
    assert node.trigger_cleanup() == SUCCESS
    node.set_parameters([Parameter('loop', value=True)])
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    wait_until(lambda: node.health._counters['frames_out'] > 75)


def test_camera_info_fits_the_image(graph, video):
    infos = graph.collect(CameraInfo, 'camera_info', qos.IMAGE_OUTPUT)
    _, images = play(graph, video, horizontal_fov_deg=90.0)
    wait_until(lambda: infos and images)
    info = infos[0]
    assert (info.width, info.height) == (320, 240)
    assert info.header.frame_id == 'camera_optical_frame'
    assert info.k[0] == pytest.approx(160.0)
    assert info.k[2] == pytest.approx(159.5)
    assert np.array(info.p).reshape(3, 4)[:, :3].ravel() == pytest.approx(np.array(info.k))
    stamps = {to_ns(image.header.stamp) for image in images}
    assert stamps & {to_ns(item.header.stamp) for item in infos}


def test_a_folder_of_images(graph, tmp_path):
    for index in range(5):
        image = cv2.cvtColor(scene(index), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(tmp_path / f'{index}.png'), image)
    node, images = play(graph, tmp_path, rate_hz=10.0, loop=False)
    wait_until(lambda: played(node) == 5)
    first_ns = int(node.health._facts['first_stamp_ns'])
    for image in list(wait_until(lambda: images)):
        index = (to_ns(image.header.stamp) - first_ns) * 10 // SECOND_NS
        np.testing.assert_array_equal(to_rgb(image), scene(index))


@pytest.mark.parametrize(
    ('name', 'content', 'named'),
    [
        (None, None, "'video' is empty"),
        ('nowhere.mp4', None, 'no video file or folder'),
        ('broken.mp4', b'this is no video', 'cannot be decoded'),
        ('empty', 'folder', 'holds no image'),
    ],
)
def test_a_wrong_video_is_named_and_can_be_corrected(graph, video, tmp_path, name, content, named):
    path = tmp_path / (name or '.')
    if content == 'folder':
        path.mkdir()
    elif content:
        path.write_bytes(content)
    node = graph.add(CameraNode, video=str(path) if name else '')
    assert node.trigger_configure() == FAILURE
    assert named in node.health._facts['last_failure']
    assert node.set_parameters([Parameter('video', value=str(video))])[0].successful
    assert node.trigger_configure() == SUCCESS


def test_simulated_time(graph, video):
    node = graph.add(CameraNode, video=str(video), loop=False, use_sim_time=True)
    images = graph.collect(Image, 'image_raw', qos.IMAGE_OUTPUT)
    clock = graph.publisher(Clock, '/clock', 10)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    now_ns = 500 * SECOND_NS + 1
    clock.publish(Clock(clock=to_stamp(now_ns)))
    time.sleep(0.5)
    assert not images  # time stands still

    def go_on() -> bool:
        nonlocal now_ns
        now_ns += SECOND_NS // 100
        clock.publish(Clock(clock=to_stamp(now_ns)))
        time.sleep(0.002)
        return played(node) == 30

    wait_until(go_on)
    wait_until(lambda: images)
    assert to_ns(images[0].header.stamp) >= 501 * SECOND_NS
    assert to_ns(images[-1].header.stamp) <= 502 * SECOND_NS


def test_frames_that_come_too_late_are_left_out():
    frames = [Frame(scene(0), index / 10.0) for index in range(30)]
    shown: list[int] = []
    ended: list[tuple[Exception | None, int]] = []

    def show(frame: Frame, stamp_ns: int) -> None:
        shown.append(stamp_ns)
        if len(shown) == 1:
            time.sleep(2.0)  # as if nobody gave the process any time

    player = Player(
        frames,
        clock=ROSClock(),
        show=show,
        is_ready=lambda: True,
        on_end=lambda error, left_out: ended.append((error, left_out)),
    )
    ((error, left_out),) = wait_until(lambda: ended)
    player.stop()
    assert error is None
    assert left_out >= 14
    assert len(shown) + left_out == 30
    assert all((stamp_ns - shown[0]) % (SECOND_NS // 10) == 0 for stamp_ns in shown)


STALLED = """
import sys, time
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image
rclpy.init()
node = Node('stalled')
node.create_subscription(Image, '/vljepa/image_raw', print, 10)
open(sys.argv[1], 'w').close()
rclpy.spin(node)
"""


def test_a_reliable_subscriber_that_stalls_does_not_stop_the_camera(graph, video, tmp_path):
    (tmp_path / 'stalled.py').write_text(STALLED)
    node, images = play(graph, video)
    os.environ['PYTHONPATH'] = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    with process('stalled', str(tmp_path / 'up'), log=tmp_path / 'log') as stalled:
        wait_until((tmp_path / 'up').exists)
        wait_until(lambda: node._images.get_subscription_count() == 2)
        stalled.send_signal(signal.SIGSTOP)
        try:
            begin_s, before = time.monotonic(), node.health._counters['frames_out']
            wait_until(lambda: node.health._counters['frames_out'] >= before + 90)
            assert time.monotonic() - begin_s < 20.0, 'three seconds of video took very long'
        finally:
            stalled.send_signal(signal.SIGCONT)
