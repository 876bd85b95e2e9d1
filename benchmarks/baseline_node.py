# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one would write without this package: a plain node with the classes of transformers.

    python -m benchmarks.baseline_node --ros-args -p model:=models/tiny -p rate_hz:=30.0

The same weights, clips, query, topics and quality of service as the node perception, the same
number of threads, which wait passively. The model runs in the callback of the image.
"""

from __future__ import annotations

import array
from collections import deque
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from benchmarks.transformers_model import TransformersModel
from vljepa_ros.interfaces import Embedding
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.stamps import to_ns, to_stamp
from vljepa_ros.resources import resolve_model

SECOND_NS = 1_000_000_000


class BaselineNode(Node):
    """Keeps the last images, and runs the model on them at the due times."""

    def __init__(self, **options: Any) -> None:
        """Load the model and subscribe."""
        super().__init__('baseline', **options)
        value = lambda name, default: self.declare_parameter(name, default).value  # noqa: E731
        folder = Path(resolve_model(value('model', 'tiny')))
        self.model = TransformersModel(folder, threads=value('threads', 0))
        self.query: str = value('query', 'caption')
        self.period_ns = round(SECOND_NS / value('rate_hz', 5.0))
        config = self.model.config
        self.size, self.count = config.image_size, config.clip_frames
        self.step_ns = round(SECOND_NS / config.clip_fps)
        self.span_ns = (self.count - 1) * self.step_ns
        self.frames: deque[tuple[int, np.ndarray]] = deque()
        self.due_ns = 0
        self.embed(np.zeros((self.count, self.size, self.size, 3), np.uint8))  # warm up
        self.publisher = self.create_publisher(Embedding, 'embedding', qos.EMBEDDING)
        compressed = value('image_transport', 'raw') == 'compressed'
        kind, suffix = (CompressedImage, '/compressed') if compressed else (Image, '')
        topic = value('image', 'image_raw') + suffix
        self.create_subscription(kind, topic, self.on_image, qos.IMAGE_RELIABLE)

    def on_image(self, message: Any) -> None:
        """Keep an image; where a clip is due, run the model and publish."""
        stamp_ns = to_ns(message.header.stamp)
        self.frames.append((stamp_ns, view(message, self.size)))
        while self.frames[0][0] < stamp_ns - self.span_ns - self.step_ns:
            self.frames.popleft()
        # Stamps jitter: an image may be a little earlier than it is due.
        if stamp_ns < self.due_ns - self.period_ns // 4:
            return
        self.due_ns = max(self.due_ns, stamp_ns - self.period_ns) + self.period_ns
        if self.frames[0][0] > stamp_ns - self.span_ns + self.step_ns // 4:
            return  # not long enough yet
        moments = [stamp_ns - step * self.step_ns for step in range(self.count - 1, -1, -1)]
        chosen = [min(self.frames, key=lambda item: abs(item[0] - at)) for at in moments]  # noqa: B023
        vector = self.embed(np.stack([image for _, image in chosen]))
        self.publisher.publish(
            Embedding(
                header=message.header,
                camera='camera',
                query=self.query,
                model_id='baseline',
                clip_start=to_stamp(chosen[0][0]),
                clip_end=to_stamp(stamp_ns),
                normalized=True,
                data=array.array('f', vector.tobytes()),
            )
        )

    def embed(self, clip: np.ndarray) -> np.ndarray:
        """Answer the query about a clip uint8 [T, S, S, 3]: a unit vector [D]."""
        vector: np.ndarray = self.model.predict(self.model.encode(clip[None]), [self.query])[0, 0]
        return vector


def view(message: Any, size: int) -> np.ndarray:
    """Return the central square of an image in the model's size, RGB uint8 [S, S, 3]."""
    compressed = isinstance(message, CompressedImage)
    data = np.frombuffer(message.data, np.uint8)
    if compressed:
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))  # BGR
    else:
        image = data.reshape(message.height, message.width, 3)
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    small = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    is_rgb = not compressed and message.encoding == 'rgb8'
    return np.ascontiguousarray(small if is_rgb else small[:, :, ::-1])


def main() -> None:
    """Run the node until Ctrl-C."""
    rclpy.init()
    node = BaselineNode()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
