# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Colours of objects, tables and furniture, in training and kept back for unseen looks.

Tables and furniture are muted and neither very light nor very dark, so that nobody takes them for
one of the object colours and every object stands out from them.
"""

from __future__ import annotations

Rgb = tuple[float, float, float]

# The ratio green : red alone tells red, orange and yellow apart, in light and in shade.
OBJECT_RGB: dict[str, Rgb] = {
    'red': (0.78, 0.04, 0.06),
    'orange': (0.98, 0.39, 0.02),
    'yellow': (0.96, 0.84, 0.05),
    'green': (0.06, 0.56, 0.14),
    'blue': (0.05, 0.20, 0.80),
    'purple': (0.44, 0.10, 0.62),
    'white': (0.95, 0.95, 0.94),
    'black': (0.035, 0.035, 0.040),
}
# How far each channel of an object's colour may stray, as a share of the colour's brightest.
OBJECT_JITTER = 0.03

TABLES: tuple[Rgb, ...] = (
    (0.66, 0.54, 0.40), (0.50, 0.40, 0.31), (0.66, 0.64, 0.60), (0.55, 0.57, 0.59),
    (0.38, 0.38, 0.41), (0.60, 0.58, 0.50), (0.56, 0.53, 0.58), (0.47, 0.53, 0.55),
)  # fmt: skip
UNSEEN_TABLES: tuple[Rgb, ...] = (
    (0.46, 0.49, 0.40), (0.60, 0.53, 0.51), (0.43, 0.47, 0.53), (0.66, 0.62, 0.51),
    (0.32, 0.36, 0.35), (0.54, 0.49, 0.54),
)  # fmt: skip
FURNITURE_COLOURS: tuple[Rgb, ...] = (
    (0.72, 0.68, 0.60), (0.40, 0.30, 0.23), (0.58, 0.58, 0.60), (0.32, 0.32, 0.34),
    (0.62, 0.50, 0.37), (0.50, 0.44, 0.40), (0.50, 0.54, 0.54),
)  # fmt: skip
UNSEEN_FURNITURE_COLOURS: tuple[Rgb, ...] = (
    (0.42, 0.46, 0.51), (0.51, 0.54, 0.47), (0.53, 0.47, 0.51), (0.70, 0.64, 0.54),
    (0.36, 0.34, 0.29),
)  # fmt: skip


def brightness(rgb: Rgb) -> float:
    """Return the perceived brightness of a colour, 0..1 (ITU-R BT.601 weights)."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
