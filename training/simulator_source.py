# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The simulator as a source of clips with questions and answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from training.augmentation import NARROW, Variety, augment_colours, draw_grey, draw_view
from training.batches import cut_out
from training.clips import ClipIndex, may_mirror, mirror_scene, mirror_segment
from training.concepts import UNNAMED, Concepts
from training.rewording import (
    REWORDED_SHARE,
    draw_caption,
    draw_label,
    reword_question,
    reword_some,
)
from training.sources import QueryAnswer
from training.world.language.captions import caption
from training.world.language.distractors import hard_negatives
from training.world.language.labels import action_phrase
from training.world.language.queries import draw_query
from training.world.language.questions import questions
from training.world.language.states import draw_state, state_text
from training.world.symbols import COLOURS, WORLD_VERSION, Scene, Segment

# A clip that asks for the next action ends this long before it begins, at the earliest.
NEXT_LEAD_S = 0.6
HARD_NEGATIVES = 2
LABEL_SHARE = 0.25  # of the captions that only name the action and the kind
# How often each kind of question is asked: most often those that are learned slowest. Asked alike,
# val stood after 3,000 steps at 69, 50 and 81 % in the first three, above 90 % in the others.
QUESTION_WEIGHTS = {
    'presence': 3.0,
    'count': 3.0,
    'where': 2.0,
    'colour': 1.0,
    'drawer': 1.0,
    'held': 1.0,
}
CLIP, TRANSITION, STILL, NEXT = range(4)
VIEWS_VERSION = 2  # features of clips in views of another version are computed anew


@dataclass(frozen=True)
class SourceSizes:
    """How many clips of each form there are.

    Attributes:
        clips: show an action or an idle time.
        transitions: two images, before and after an action.
        stills: one image for the whole clip.
        nexts: end just before an action begins.
    """

    clips: int = 30_000
    transitions: int = 14_000
    stills: int = 6_000
    nexts: int = 6_000


class SimulatorSource:
    """Clips drawn once from rendered episodes, each in a view of its own."""

    skipped = 0

    def __init__(
        self,
        index: ClipIndex,
        *,
        sizes: SourceSizes,
        seed: int,
        reworded: float = REWORDED_SHARE,
        variety: Variety = NARROW,
    ) -> None:
        """Draw the clips.

        Args:
            index: the episodes' clips.
            sizes: how many of each form.
            seed: of clips and views.
            reworded: share of the texts that are said in words which the simulator does not use.
            variety: of the pictures; of a clip that has lost its colours no text names one.
        """
        self._reworded, self._variety = reworded, variety
        self._episodes = index.episodes
        self._seed = seed
        rng = np.random.default_rng([seed, 8])
        rows, segments, forms = [], [], []
        for end in index.draw_ends(rng, sizes.clips):
            rows.append(index.clip(end))
            segments.append(index.segment_of[end])
            forms.append(CLIP)
        for pair in index.draw_transitions(rng, sizes.transitions):
            rows.append(index.transition(pair, rng))
            segments.append(pair[0])
            forms.append(TRANSITION)
        for frame in rng.choice(index.inside, sizes.stills):
            rows.append(np.full(index.clip_frames, frame))
            segments.append(-1)
            forms.append(STILL)
        for end, segment in _before_actions(index, rng, sizes.nexts):
            rows.append(index.clip(end))
            segments.append(segment)
            forms.append(NEXT)
        self._rows = np.array(rows, np.int64)
        self._segments = np.array(segments, np.int64)
        self._forms = np.array(forms, np.int8)
        self._grey = draw_grey(rng, len(forms), variety=variety)
        self._grey &= self._forms != STILL  # whose texts tell of colours
        key = f'{WORLD_VERSION} {VIEWS_VERSION} {seed} {len(index.episodes)}'
        if variety != NARROW:
            key += f' {variety}'
        digest = hashlib.sha256(key.encode())
        digest.update(self._rows.tobytes())
        self.fingerprint = digest.hexdigest()[:16]

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._rows)

    def _generator(self, index: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, 9, index])

    def clip(self, index: int) -> np.ndarray:
        """Return a clip, uint8 [T, S, S, 3]."""
        rng, variety = self._generator(index), self._variety
        mirror = self._may_mirror(index)
        clip, _ = cut_out(self._episodes, self._rows[index], rng, mirror=mirror, variety=variety)
        grey = self._grey[index : index + 1]
        return augment_colours(clip[None], rng, variety=variety, grey=grey)[0]

    def _may_mirror(self, index: int) -> bool:
        segment = int(self._segments[index])
        return segment < 0 or may_mirror(self._episodes.segment(segment))

    def _mirrored(self, index: int) -> bool:
        allowed = self._may_mirror(index)
        rng = self._generator(index)
        return draw_view(rng, size=2, mirror=allowed, variety=self._variety).mirrored

    def segment(self, index: int) -> Segment:
        """Return what a clip shows, or what follows it."""
        segment = self._episodes.segment(int(self._segments[index]))
        return mirror_segment(segment) if self._mirrored(index) else segment

    def scene(self, index: int) -> Scene:
        """Return what is true at the end of a clip."""
        scene = self._episodes.scene(int(self._rows[index, -1]))
        return mirror_scene(scene) if self._mirrored(index) else scene

    def phrases(self) -> list[str]:
        """Return the distinct canonical captions of the clips."""
        shown = np.flatnonzero(self._segments >= 0).tolist()
        return sorted({caption(self.segment(index)) for index in shown})

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        """Draw the main question about a clip, and one about the scene at its end."""
        form = int(self._forms[index])
        name = {CLIP: 'caption', TRANSITION: 'action', NEXT: 'next'}.get(form)
        if name is not None and (form == TRANSITION or self._grey[index]):
            return [self._about_action(name, index, rng)]
        scene = self.scene(index)
        if name is None:  # a still picture
            return [self._about_state(scene, rng), self._question(scene, rng)]
        about = self._about_state if rng.random() < 0.3 else self._question
        second = about(scene, rng)
        return [self._about_action(name, index, rng), second]

    def _about_action(self, name: str, index: int, rng: np.random.Generator) -> QueryAnswer:
        segment = self.segment(index)
        label = action_phrase(segment)
        grey = bool(self._grey[index])
        shown = Concepts.of_segment(segment)
        if grey:
            shown = replace(shown, colour=UNNAMED)
        if label is not None and (grey or (name == 'caption' and rng.random() < LABEL_SHARE)):
            text = draw_label(segment, rng, share=self._reworded)
            assert text is not None
            said = replace(shown, colour=UNNAMED)
            return QueryAnswer(self._asked(name, rng), text, label, shown=shown, said=said)
        # Of a grey clip nothing happens here, and wrong answers would name colours.
        negatives = [] if grey else hard_negatives(segment, rng, HARD_NEGATIVES)
        return QueryAnswer(
            self._asked(name, rng),
            draw_caption(segment, rng, share=self._reworded),
            caption(segment),
            tuple(draw_caption(other, rng, share=self._reworded) for other in negatives),
            shown=shown,
            said=shown,
            negatives_said=tuple(map(Concepts.of_segment, negatives)),
        )

    def _asked(self, name: str, rng: np.random.Generator) -> str:
        return reword_some(draw_query(name, rng), rng, share=self._reworded)

    def _about_state(self, scene: Scene, rng: np.random.Generator) -> QueryAnswer:
        text = reword_some(draw_state(scene, rng), rng, share=self._reworded)
        return QueryAnswer(self._asked('state', rng), text, state_text(scene))

    def _question(self, scene: Scene, rng: np.random.Generator) -> QueryAnswer:
        asked = questions(scene, rng)
        weights = np.array([QUESTION_WEIGHTS[question.kind] for question in asked])
        question = asked[int(rng.choice(len(asked), p=weights / weights.sum()))]
        pair = QueryAnswer(
            reword_question(question.text, rng, share=self._reworded),
            reword_some(question.answer, rng, share=self._reworded),
            question.answer,
            tuple(text for text in question.candidates if text != question.answer),
        )
        if question.item is None:
            return pair
        kind, colour = question.item.kind, question.item.colour
        return replace(
            pair,
            shown=Concepts.of(kind=kind, colour=colour),
            said=Concepts.of(colour=colour),
            negatives_said=tuple(
                Concepts.of(colour=other) for other in COLOURS if other != colour
            ),
        )


def _before_actions(
    index: ClipIndex, rng: np.random.Generator, count: int
) -> list[tuple[int, int]]:
    """Draw (last frame of a clip, segment that follows) just before actions."""
    episodes = index.episodes
    whole = np.zeros(len(episodes.episode_of), bool)
    whole[index.inside] = True
    found: list[tuple[int, int]] = []
    for pair in index.draw_transitions(rng, 2 * count):
        segment, first, last = int(pair[0]), int(pair[1]), int(pair[2])
        start_s = float(episodes.segment_start_s[segment])
        frames = np.arange(first, last + 1)
        near = frames[(episodes.times_s[frames] >= start_s - NEXT_LEAD_S) & whole[frames]]
        if len(near):
            found.append((int(rng.choice(near)), segment))
    return found[:count]
