# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The newest image of each camera, decoded only when a small picture of it is wanted."""

from __future__ import annotations

import functools
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.timer import Timer

from vljepa_ros.errors import ImageError
from vljepa_ros.memory.intake.thumbnails import thumbnail_of
from vljepa_ros.nodes.image_subscription import ImageSubscription
from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.stamps import to_ns
from vljepa_ros.nodes.transports import TRANSPORTS
from vljepa_ros.stream.stamps import SECOND_NS

ADAPT_PERIOD_S = 0.5
# An image that is older or newer shows something else.
FARTHEST_NS = 2 * SECOND_NS


class NewestImages:
    """Holds one message a camera while it is open."""

    def __init__(self, node: ManagedNode) -> None:
        """Create it, closed.

        Args:
            node: has CAMERA_PARAMETERS.
        """
        self._node = node
        self._group = MutuallyExclusiveCallbackGroup()
        self._subscriptions: list[ImageSubscription] = []
        self._newest: dict[str, Any] = {}
        self._timer: Timer | None = None

    def open(self) -> None:
        """Subscribe to all cameras."""
        parameters = self._node.parameters
        transport = TRANSPORTS[parameters['image_transport']]
        for camera, image in zip(parameters['camera'], parameters['image'], strict=True):
            self._subscriptions.append(
                ImageSubscription(
                    self._node,
                    transport.kind,
                    transport.topic(image),
                    functools.partial(self._newest.__setitem__, camera),
                    group=self._group,
                    reliability=parameters['image_reliability'],
                )
            )
        self._timer = self._node.create_timer(
            ADAPT_PERIOD_S,
            self._adapt,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def close(self) -> None:
        """Leave the cameras."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.close()
        self._newest.clear()

    def thumbnail(self, camera: str, stamp_ns: int) -> bytes:
        """Return the newest image of a camera as a small JPEG; empty where there is none.

        Args:
            camera: its name.
            stamp_ns: when it should have been taken.
        """
        message = self._newest.get(camera)
        if message is None or abs(to_ns(message.header.stamp) - stamp_ns) > FARTHEST_NS:
            return b''
        longest_side = self._node.parameters['thumbnail_px']
        transport = TRANSPORTS[self._node.parameters['image_transport']]
        try:
            return thumbnail_of(transport.read(message, longest_side), longest_side=longest_side)
        except ImageError as error:
            self._node.health.error(
                f'thumbnail {camera}', f'Camera {camera!r}: no thumbnail: {error}'
            )
            return b''

    def _adapt(self) -> None:
        for subscription in list(self._subscriptions):
            subscription.adapt()
