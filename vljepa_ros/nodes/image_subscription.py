# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A subscription to images that is as reliable as the camera's driver offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from vljepa_ros.nodes import qos

RELIABILITIES = ('auto', 'reliable', 'best_effort')


class ImageSubscription:
    """Subscribes to one image topic.

    An image is hundreds of packets, and best effort loses all of it with one of them. So lost
    packets are asked for again where every publisher of the topic offers that, as most drivers do.
    A reliable subscription hears nothing of a best-effort publisher; where there is one, best
    effort hears them all.
    """

    def __init__(
        self,
        node: Node,
        kind: Any,
        topic: str,
        callback: Callable[[Any], None],
        *,
        group: CallbackGroup,
        reliability: str,
    ) -> None:
        """Subscribe.

        Args:
            node: the subscriber.
            kind: type of the messages.
            topic: their topic.
            callback: takes a message, which has a header.
            group: of the callback, and of who calls `adapt`; one at a time.
            reliability: one of RELIABILITIES; `auto` is for `adapt` to decide.
        """
        self._node, self._kind, self._topic, self._callback = node, kind, topic, callback
        self._group, self._adapts = group, reliability == 'auto'
        self._old: Subscription | None = None  # until the one after it hears something
        self._heard_by_old: set[tuple[int, int]] = set()  # stamps; the new one hears them, too
        self._subscription = self._subscribe(reliable=reliability == 'reliable')

    @property
    def reliable(self) -> bool:
        """Whether lost packets are asked for again."""
        profile: QoSProfile = self._subscription.qos_profile
        return bool(profile.reliability == ReliabilityPolicy.RELIABLE)

    def adapt(self) -> bool:
        """Do as the publishers that are there now offer; return whether that is a change.

        Both subscriptions stay until the new one hears: no image is lost in between.
        """
        if not self._adapts:
            return False
        offers = [
            publisher.qos_profile.reliability
            for publisher in self._node.get_publishers_info_by_topic(self._subscription.topic_name)
        ]
        reliable = all(offer == ReliabilityPolicy.RELIABLE for offer in offers)
        if not offers or reliable == self.reliable:
            return False
        self._leave_old()
        self._heard_by_old.clear()
        self._old = self._subscription
        self._subscription = self._subscribe(reliable=reliable)
        return True

    def close(self) -> None:
        """Leave the topic."""
        self._leave_old()
        self._node.destroy_subscription(self._subscription)

    def _subscribe(self, *, reliable: bool) -> Subscription:
        profile = qos.IMAGE_RELIABLE if reliable else qos.IMAGE_INPUT

        def heard(message: Any) -> None:
            self._take(message, subscription)

        subscription = self._node.create_subscription(
            self._kind, self._topic, heard, profile, callback_group=self._group
        )
        return subscription

    def _take(self, message: Any, subscription: Subscription) -> None:
        """Give on a message once; the first that the new subscription hears ends the old one."""
        stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
        if subscription is self._old:
            self._heard_by_old.add(stamp)
        else:
            self._leave_old()
            if stamp in self._heard_by_old:
                self._heard_by_old.remove(stamp)  # some drivers give all images the same stamp
                return
            self._heard_by_old.clear()
        self._callback(message)

    def _leave_old(self) -> None:
        if self._old is not None:
            self._node.destroy_subscription(self._old)
            self._old = None
