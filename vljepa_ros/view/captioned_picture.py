# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera's picture with what is said about it below: words, their source, the change curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from vljepa_ros.stream.image_ops import Picture
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.view.change_curve import ChangeCurve
from vljepa_ros.view.lettering import Colour, Lettering, drawable

LEAST_WIDTH = 320  # a smaller picture is enlarged: nobody could read its text
TEXT_LINES = 2
PANEL: Colour = (24, 26, 30)
WORDS: Colour = (245, 246, 248)
KNOWN_PHRASE: Colour = (190, 214, 170)
QUIET: Colour = (150, 156, 165)
ALERTS: Mapping[str, Colour] = {'info': (40, 90, 150), 'warn': (170, 110, 20)}
ALERT: Colour = (170, 35, 35)


@dataclass
class Caption:
    """What is said about one stream, one camera and one query.

    Attributes:
        query: the question that is answered.
        text: the answer; empty before the first.
        source: where the text is from, in a word or two.
        score: how sure the source is.
        start_ns: when what is said began.
        is_over: whether the stream has ended.
        is_known: whether the text is a known phrase, not a written one.
        curve: the last seconds.
    """

    query: str
    text: str = ''
    source: str = ''
    score: float = 0.0
    start_ns: int = 0
    is_over: bool = False
    is_known: bool = False
    curve: ChangeCurve = field(default_factory=ChangeCurve)

    def copy(self) -> Caption:
        """Return the caption as it is now."""
        return replace(self, curve=self.curve.copy())

    @property
    def remark(self) -> str:
        """The small print behind the query: source, score and how long it has been so."""
        if not self.text:
            return 'no event yet'
        newest_ns = self.curve.newest_ns
        since = ''
        if self.is_over:
            since = ', ended'
        elif newest_ns is not None and newest_ns >= self.start_ns:
            since = f', for {(newest_ns - self.start_ns) / SECOND_NS:.0f} s'
        return f'{self.source} {self.score:.2f}{since}'


@dataclass(frozen=True)
class FiredRule:
    """A rule that has fired: what it says, and one of info, warn and error."""

    text: str
    severity: str


def captioned(
    picture: Picture,
    captions: Sequence[Caption],
    *,
    camera: str = '',
    alerts: Sequence[FiredRule] = (),
    most_width: int,
) -> np.ndarray:
    """Return a picture with a panel below it; nothing of the picture is hidden but by alerts.

    The size depends on that of the picture and on the number of captions only, not on what they
    say.

    Args:
        picture: the camera's.
        captions: one a query.
        camera: its name, where there are several.
        alerts: what is on now; drawn across the top of the picture.
        most_width: a wider picture is made smaller.

    Returns:
        RGB uint8 [H, W, 3].
    """
    image = _fitted(picture, most_width)
    height, width = image.shape[:2]
    large, small = Lettering(max(8, round(width / 60))), Lettering(max(7, round(width / 84)))
    rows = [_row(caption, width, large, small) for caption in captions]
    title = [_title(camera, width, large)] if camera else []
    result = np.concatenate([*title, image, *rows])
    top = sum(len(part) for part in title)
    _draw_alerts(result[top : top + height], alerts, large)
    return result


def _fitted(picture: Picture, most_width: int) -> np.ndarray:
    """Return RGB [H, W, 3] that is neither too wide nor too narrow; the channels go last."""
    pixels = picture.pixels
    height, width = pixels.shape[:2]
    wanted = max(LEAST_WIDTH, min(width, most_width))
    if wanted != width:
        size = (wanted, max(1, round(height * wanted / width)))
        method = cv2.INTER_AREA if wanted < width else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, size, interpolation=method).reshape(size[1], size[0], -1)
    return Picture(np.asarray(pixels, dtype=np.uint8), picture.channels).rgb()


def _row(caption: Caption, width: int, large: Lettering, small: Lettering) -> np.ndarray:
    """Return what is below the picture for one query, [H, W, 3]."""
    margin = large.line_height // 2
    words_top = small.line_height + small.height // 2
    curve_top = words_top + TEXT_LINES * large.line_height + large.height // 2
    curve_bottom = curve_top + 4 * large.height
    row = np.empty((curve_bottom + margin, width, 3), dtype=np.uint8)
    row[:] = PANEL
    heading = _heading(caption, width - 2 * margin, small)
    small.draw(row, heading, (margin, small.line_height), QUIET)
    colour = KNOWN_PHRASE if caption.is_known else WORDS
    lines = large.lines(drawable(caption.text), width - 2 * margin, most=TEXT_LINES)
    for number, line in enumerate(lines, start=1):
        foot = words_top + number * large.line_height - large.height // 2
        large.draw(row, line, (margin, foot), QUIET if caption.is_over else colour)
    curve = np.empty((curve_bottom - curve_top, width - 2 * margin, 3), dtype=np.uint8)
    caption.curve.draw(curve, now_ns=caption.curve.newest_ns or 0)
    row[curve_top:curve_bottom, margin : width - margin] = curve
    return row


def _heading(caption: Caption, width: int, letters: Lettering) -> str:
    """Return the line above the words; of a long query there is only the beginning."""
    remark = (' ' if caption.query.endswith('?') else ': ') + drawable(caption.remark)
    query = letters.cut(drawable(caption.query), width - letters.width(remark))
    return letters.cut(query + remark, width)


def _title(camera: str, width: int, letters: Lettering) -> np.ndarray:
    return _band(drawable(camera), width, letters, PANEL, QUIET)


def _draw_alerts(image: np.ndarray, alerts: Sequence[FiredRule], letters: Lettering) -> None:
    """Draw as many as fit; image [H, W, 3] is changed."""
    height, width = image.shape[:2]
    top = 0
    for alert in alerts:
        colour = ALERTS.get(alert.severity, ALERT)
        band = _band(drawable(alert.text), width, letters, colour, WORDS)
        if top + len(band) > height:
            return
        image[top : top + len(band)] = band
        top += len(band)


def _band(text: str, width: int, letters: Lettering, ground: Colour, colour: Colour) -> np.ndarray:
    """Return a line of text on a ground, [H, W, 3]."""
    band = np.empty((letters.line_height, width, 3), dtype=np.uint8)
    band[:] = ground
    margin = letters.line_height // 2
    foot = (letters.line_height + letters.height) // 2
    letters.draw(band, letters.cut(text, width - 2 * margin), (margin, foot), colour)
    return band
