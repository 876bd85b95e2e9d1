# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of several cameras as one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


class Mosaic:
    """Holds the newest picture of each camera, and gives all of them as often as the fastest one.

    Attributes:
        names: of the cameras, in their order in the picture: row by row.
        columns: how many are side by side.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Create a mosaic without pictures.

        Args:
            names: of the cameras, one or more.
        """
        self.names = tuple(names)
        self.columns = math.ceil(math.sqrt(len(names)))
        self._newest: dict[str, np.ndarray] = {}
        self._fresh: set[str] = set()

    def put(self, name: str, image: np.ndarray) -> np.ndarray | None:
        """Take the next picture of a camera.

        Args:
            name: of the camera.
            image: RGB uint8 [H, W, 3].

        Returns:
            All newest pictures side by side, RGB uint8 [H, W, 3], when each has come again, or
            this one for the second time; else None.
        """
        is_second = name in self._fresh
        self._newest[name] = image
        self._fresh.add(name)
        if not is_second and self._fresh != set(self._newest):
            return None
        self._fresh = {name} if is_second else set()
        images = [self._newest[name] for name in self.names if name in self._newest]
        return side_by_side(images, columns=self.columns)


def side_by_side(images: Sequence[np.ndarray], *, columns: int) -> np.ndarray:
    """Return pictures RGB uint8 [H, W, 3] of any sizes in a grid, row by row."""
    if len(images) == 1:
        return images[0]
    lines = [images[start : start + columns] for start in range(0, len(images), columns)]
    width = max(image.shape[1] for image in images)
    rows = []
    for line in lines:
        height = max(len(image) for image in line)
        row = np.zeros((height, columns * width, 3), dtype=np.uint8)
        for place, image in enumerate(line):
            left = place * width
            row[: len(image), left : left + image.shape[1]] = image
        rows.append(row)
    return np.concatenate(rows)
