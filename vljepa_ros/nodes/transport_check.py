# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sends large images from one process to another, and counts what arrives.

python -m vljepa_ros.nodes.transport_check TOPIC COUNT reliable|best_effort
"""

from __future__ import annotations

import array
import contextlib
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from vljepa_ros.errors import ServiceError
from vljepa_ros.nodes.qos import IMAGE_INPUT, IMAGE_RELIABLE
from vljepa_ros.nodes.stamps import to_ns, to_stamp

WIDTH, HEIGHT = 1920, 1080
COUNT = 10
PERIOD_S = 0.1
MATCH_S = 5.0  # until the two have found each other
SETTLE_S = 0.5  # the sender sees the receiver before the receiver sees the sender
ARRIVE_S = 0.5  # of the last image
PROFILES = {'reliable': IMAGE_RELIABLE, 'best_effort': IMAGE_INPUT}


@dataclass(frozen=True)
class Arrivals:
    """What came of the images that were sent.

    Attributes:
        sent: images.
        latencies_ms: milliseconds from publishing to the callback, of each image that arrived.
    """

    sent: int
    latencies_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """The median of the latencies."""
        return statistics.median(self.latencies_ms)


def middleware() -> str:
    """Return the name of the middleware below ROS 2."""
    return str(get_rmw_implementation_identifier())


def receive(
    *, environment: Mapping[str, str], timeout_s: float, reliable: bool, count: int = COUNT
) -> Arrivals:
    """Start a process that sends images, and receive them.

    Args:
        environment: variables of the sending process.
        timeout_s: how long to wait; less than `count`, or none, may have been sent then.
        reliable: whether lost packets are sent again.
        count: images that are sent.

    Raises:
        ServiceError: the two processes did not find each other, or the other one failed.
    """
    end_s = time.monotonic() + timeout_s
    quality = 'reliable' if reliable else 'best_effort'
    topic = f'/vljepa_doctor/images_{uuid.uuid4().hex}'
    with _receiver(topic, PROFILES[quality]) as (executor, latencies):
        sender = subprocess.Popen(
            [sys.executable, '-m', __name__, topic, str(count), quality],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environment),
        )
        try:
            _spin(executor, lambda: sender.poll() is not None, until_s=end_s)
        finally:
            ended = sender.poll() is not None
            sender.kill()
            out, errors = sender.communicate()
        sent = out.count('\n')
        _spin(executor, lambda: len(latencies) >= sent, until_s=time.monotonic() + ARRIVE_S)
    if ended and not sent:
        last = (errors.strip().splitlines() or ['the two did not find each other'])[-1]
        raise ServiceError(f'No image was sent between two processes of this machine: {last}')
    return Arrivals(sent, tuple(latencies))


@contextlib.contextmanager
def _receiver(
    topic: str, profile: QoSProfile
) -> Iterator[tuple[SingleThreadedExecutor, list[float]]]:
    """Give a node that notes the latency in milliseconds of each image, and what spins it."""
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node(f'vljepa_doctor_{os.getpid()}', context=context, enable_rosout=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    latencies: list[float] = []

    def arrived(message: Image) -> None:
        latencies.append((time.time_ns() - to_ns(message.header.stamp)) / 1e6)

    node.create_subscription(Image, topic, arrived, profile)
    try:
        yield executor, latencies
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


def _spin(executor: SingleThreadedExecutor, done: Callable[[], bool], *, until_s: float) -> None:
    while not done() and time.monotonic() < until_s:
        executor.spin_once(timeout_sec=0.05)


def send(topic: str, count: int, quality: str) -> None:
    """Send images once there is a receiver, and print a line for each."""
    rclpy.init(args=[])
    node = Node(f'vljepa_doctor_{os.getpid()}', enable_rosout=False)
    publisher = node.create_publisher(Image, topic, PROFILES[quality])
    end_s = time.monotonic() + MATCH_S
    while not publisher.get_subscription_count() and time.monotonic() < end_s:
        time.sleep(0.02)
    if publisher.get_subscription_count():
        time.sleep(SETTLE_S)
        data = array.array('B', bytes(3 * WIDTH * HEIGHT))
        for _ in range(count):
            publisher.publish(
                Image(
                    header=Header(stamp=to_stamp(time.time_ns())),
                    height=HEIGHT,
                    width=WIDTH,
                    encoding='rgb8',
                    step=3 * WIDTH,
                    data=data,
                )
            )
            print('sent', flush=True)
            time.sleep(PERIOD_S)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    send(sys.argv[1], int(sys.argv[2]), sys.argv[3])
