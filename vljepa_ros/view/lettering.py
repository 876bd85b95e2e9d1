# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Text in pictures: what can be drawn, how large, and where its lines break."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Colour = tuple[int, int, int]  # red, green, blue

# From version 5 on OpenCV has letters of most languages; before, those of ASCII only.
HAS_ALL_LETTERS = int(cv2.__version__.split('.')[0]) >= 5
CUT_OFF = '...'
# Where Unicode knows no plain form.
PLAIN = str.maketrans(
    {
        **{'‘': "'", '’': "'", '“': '"', '”': '"', '–': '-', '—': '-', '−': '-', '…': CUT_OFF},
        **{'·': '-', '×': 'x', 'ß': 'ss', 'æ': 'ae', 'ø': 'o', 'ł': 'l', 'đ': 'd'},
    }
)


def drawable(text: str, *, all_letters: bool = HAS_ALL_LETTERS) -> str:
    """Return a text in one line, in letters that can be drawn: é as e, others as a question mark.

    Args:
        text: any.
        all_letters: whether those of other languages can be drawn as they are.
    """
    line = ' '.join(text.split())
    line = ''.join(letter for letter in line if letter.isprintable())
    if all_letters:
        return line
    parts = unicodedata.normalize('NFKD', line.translate(PLAIN))
    plain = ''.join(part for part in parts if not unicodedata.combining(part))
    return plain.encode('ascii', 'replace').decode('ascii')


@functools.cache
def _capital_height() -> float:
    """Return the height of a capital letter at scale 1, in pixels.

    It is measured, since versions of OpenCV differ in their letters, and in what they call height.
    """
    image = np.zeros((200, 200), dtype=np.uint8)
    cv2.putText(image, 'H', (50, 150), cv2.FONT_HERSHEY_SIMPLEX, 4.0, 255, 1)
    return float(np.count_nonzero(image.any(axis=1))) / 4.0


@dataclass(frozen=True)
class Lettering:
    """Letters of one size.

    Attributes:
        height: of a capital letter, in pixels.
    """

    height: int

    @functools.cached_property
    def _thickness(self) -> int:
        return max(1, round(self.height / 12))

    @functools.cached_property
    def _scale(self) -> float:
        return self.height / _capital_height()

    @property
    def line_height(self) -> int:
        """From one line to the next, in pixels."""
        return round(2.4 * self.height)

    def width(self, text: str) -> int:
        """Return the width of a line in pixels."""
        size, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, self._scale, self._thickness)
        return int(size[0])

    def cut(self, text: str, width: int) -> str:
        """Return as much of a line as fits a width, with dots where something is missing."""
        if self.width(text) <= width:
            return text
        low, high = 0, len(text)  # so many letters fit, and so many do not
        while high - low > 1:
            middle = (low + high) // 2
            fits = self.width(text[:middle].rstrip() + CUT_OFF) <= width
            low, high = (middle, high) if fits else (low, middle)
        return text[:low].rstrip() + CUT_OFF

    def lines(self, text: str, width: int, *, most: int) -> list[str]:
        """Break a text into lines.

        Args:
            text: in one line.
            width: of a line in pixels.
            most: so many lines; what is left is cut off.
        """
        rest = text.split()
        lines: list[str] = []
        while rest and len(lines) < most - 1:
            count = self._words_that_fit(rest, width)
            lines.append(self.cut(' '.join(rest[:count]), width))
            rest = rest[count:]
        return [*lines, self.cut(' '.join(rest), width)] if rest else lines

    def draw(self, image: np.ndarray, text: str, at: tuple[int, int], colour: Colour) -> None:
        """Draw a line.

        Args:
            image: RGB uint8 [H, W, 3], contiguous; it is changed.
            text: in letters that can be drawn.
            at: the left end of the line's foot (x, y).
            colour: of the letters.
        """
        cv2.putText(
            image,
            text,
            at,
            cv2.FONT_HERSHEY_SIMPLEX,
            self._scale,
            colour,
            self._thickness,
            cv2.LINE_AA,
        )

    def _words_that_fit(self, words: Sequence[str], width: int) -> int:
        count = 1  # a word that is too long is cut, not moved
        while count < len(words) and self.width(' '.join(words[: count + 1])) <= width:
            count += 1
        return count
