# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How reliably images are subscribed to, and that a change of it loses and doubles none."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import ReliabilityPolicy
from ros_graph import Graph, open_graph, wait_until
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from vljepa_ros.nodes import qos
from vljepa_ros.nodes.image_subscription import ImageSubscription
from vljepa_ros.nodes.stamps import to_stamp

pytestmark = pytest.mark.ros
TOPIC = 'images'


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def subscribe(graph: Graph, *, reliability: str = 'auto') -> tuple[ImageSubscription, list[str]]:
    """Return a subscription and the names of the images that it hears."""
    heard: list[str] = []
    subscription = ImageSubscription(
        graph.node,
        Image,
        TOPIC,
        lambda message: heard.append(message.header.frame_id),
        group=MutuallyExclusiveCallbackGroup(),
        reliability=reliability,
    )
    return subscription, heard


def images(name: str, *, same_stamp: bool = False) -> Callable[[], Image]:
    """Return what makes the images `<name>0`, `<name>1` and so on."""
    number = iter(range(1_000_000))

    def image() -> Image:
        count = next(number)
        stamp = to_stamp(1_000_000_000 + (0 if same_stamp else count))
        return Image(header=Header(stamp=stamp, frame_id=f'{name}{count}'))

    return image


def subscriptions(graph: Graph) -> list[Any]:
    return [
        info.qos_profile.reliability for info in graph.node.get_subscriptions_info_by_topic(TOPIC)
    ]


def test_a_reliable_publisher_is_heard_reliably_without_a_gap(graph):
    subscription, heard = subscribe(graph)
    assert not subscription.adapt()  # nobody offers anything
    publisher, image = graph.publisher(Image, TOPIC, qos.IMAGE_OUTPUT), images('a')
    wait_until(lambda: graph.node.get_publishers_info_by_topic(TOPIC))
    sent = 0
    while ReliabilityPolicy.BEST_EFFORT in subscriptions(graph) or sent < 60:
        publisher.publish(image())
        sent += 1
        wait_until(functools.partial(lambda count: len(heard) >= count, sent))
        if sent == 20:
            assert not subscription.reliable
            assert subscription.adapt()
            assert subscription.reliable
            assert not subscription.adapt()
        assert sent < 10_000
    assert heard == [f'a{number}' for number in range(sent)]
    assert subscriptions(graph) == [ReliabilityPolicy.RELIABLE]


def test_one_best_effort_publisher_among_reliable_ones_is_heard(graph):
    subscription, heard = subscribe(graph)
    reliable, image = graph.publisher(Image, TOPIC, qos.IMAGE_OUTPUT), images('a')
    wait_until(subscription.adapt)
    other, others = graph.node.create_publisher(Image, TOPIC, qos.IMAGE_INPUT), images('b')

    def both_are_heard() -> bool:
        subscription.adapt()
        reliable.publish(image())
        other.publish(others())
        return {name[0] for name in heard} == {'a', 'b'}

    wait_until(both_are_heard)
    assert not subscription.reliable
    graph.node.destroy_publisher(other)
    wait_until(subscription.adapt)
    assert subscription.reliable


def test_images_of_the_same_stamp_are_not_taken_for_each_other(graph):
    subscription, heard = subscribe(graph)
    publisher, image = (
        graph.publisher(Image, TOPIC, qos.IMAGE_OUTPUT),
        images('a', same_stamp=True),
    )
    wait_until(subscription.adapt)

    def the_change_is_over() -> bool:
        publisher.publish(image())
        return subscriptions(graph) == [ReliabilityPolicy.RELIABLE]

    wait_until(the_change_is_over)
    heard.clear()
    for _ in range(3):
        publisher.publish(image())
    wait_until(lambda: len(heard) >= 3)


@pytest.mark.parametrize('reliability', ['reliable', 'best_effort'])
def test_what_the_user_wants_stays(graph, reliability):
    subscription, _ = subscribe(graph, reliability=reliability)
    graph.node.create_publisher(Image, TOPIC, qos.IMAGE_INPUT)
    graph.node.create_publisher(Image, TOPIC, qos.IMAGE_OUTPUT)
    wait_until(lambda: len(graph.node.get_publishers_info_by_topic(TOPIC)) == 2)
    assert not subscription.adapt()
    assert subscription.reliable == (reliability == 'reliable')


def test_nothing_is_left_behind(graph):
    subscription, _ = subscribe(graph)
    graph.publisher(Image, TOPIC, qos.IMAGE_OUTPUT)
    wait_until(subscription.adapt)
    subscription.close()
    wait_until(lambda: not subscriptions(graph))
