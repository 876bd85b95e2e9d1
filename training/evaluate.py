# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures a checkpoint on episodes that no training saw.

    python -m training.evaluate --model models/tiny --split test --episodes 100 --json OUT

Clips: is the nearest of all captions the right one? Transitions: is the right one of four actions
the nearest, the others differing in one word? Events: do the texts that selective decoding writes
name what happens in each true segment?
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.batches import MIN_SEGMENT_SHARE
from training.event_scores import Rate, SegmentScore, TimedText, score_segments, summary
from training.machine import describe
from training.texts import captions
from training.world import Episode, Segment, render_episode
from training.world.language import all_segments, caption
from vljepa_ros.inference import Engine, load_engine
from vljepa_ros.stream.change_detector import SECOND_NS, DriftConfig, DriftDetector
from vljepa_ros.stream.segment_tracker import Phase, SegmentTracker
from vljepa_ros.world.action_inference import transition_clip

CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class Stream:
    """An episode as the model saw it.

    Attributes:
        segments: the truth.
        centres_s: float [N], the time in the middle of each clip.
        embeddings: float32 [N, D], caption embeddings of the clips.
        pairs: for each action that can be judged: its caption number and the predicted action
            embedding float32 [D].
    """

    segments: tuple[Segment, ...]
    centres_s: np.ndarray
    embeddings: np.ndarray
    pairs: list[tuple[int, np.ndarray]]


def watch(engine: Engine, episode: Episode) -> Stream:
    """Run all clips and transitions of an episode through the model."""
    length, size = engine.config.clip_frames, engine.config.image_size
    ends = range(length, len(episode.frames) + 1)
    clips = np.stack([episode.frames[end - length : end] for end in ends])
    centres_s = np.array([episode.times_s[end - length : end].mean() for end in ends])
    numbers = {text: index for index, text in enumerate(captions())}
    wanted, transitions = [], []
    for segment in episode.segments:
        before = np.flatnonzero(episode.times_s <= segment.start_s)
        after = np.flatnonzero(episode.times_s >= segment.end_s)
        if segment.action != 'idle' and len(before) and len(after):
            initial, goal = episode.frames[before[-1]], episode.frames[after[0]]
            wanted.append(numbers[caption(segment)])
            transitions.append(transition_clip(initial, goal, clip_frames=length, image_size=size))
    embeddings = _predict(engine, clips, 'caption')
    actions = _predict(engine, np.stack(transitions), 'action') if transitions else embeddings[:0]
    return Stream(episode.segments, centres_s, embeddings, list(zip(wanted, actions, strict=True)))


def _predict(engine: Engine, clips: np.ndarray, query: str) -> np.ndarray:
    parts = [
        engine.predict(engine.encode(clips[start : start + CLIPS_AT_ONCE]), [query])[:, 0]
        for start in range(0, len(clips), CLIPS_AT_ONCE)
    ]
    return np.concatenate(parts)


def streams(engine: Engine, *, split: str, first_seed: int, episodes: int) -> Iterator[Stream]:
    """Render episodes one by one and yield what the model saw, with a progress bar."""
    for seed in tqdm(range(first_seed, first_seed + episodes), desc=f'watch {split}'):
        episode = render_episode(
            seed=seed,
            split=split,
            fps=engine.config.clip_fps,
            width=engine.config.image_size,
            height=engine.config.image_size,
        )
        yield watch(engine, episode)


def events(engine: Engine, stream: Stream, config: DriftConfig) -> list[TimedText]:
    """Decode selectively: the text of every segment, from its pooled embedding."""
    tracker = SegmentTracker(DriftDetector(config))
    updates = []
    for time_s, embedding in zip(stream.centres_s, stream.embeddings, strict=True):
        updates += tracker.update(round(time_s * SECOND_NS), embedding)
    updates += tracker.flush()
    ended = [update for update in updates if update.phase is Phase.ENDED]
    if not ended:
        return []
    texts = engine.decode(np.stack([update.embedding for update in ended]))
    return [
        TimedText(update.start_ns / SECOND_NS, update.end_ns / SECOND_NS, decoded.text)
        for update, decoded in zip(ended, texts, strict=True)
    ]


def clip_rate(engine: Engine, seen: list[Stream]) -> tuple[Rate, float]:
    """Return top-1 among all captions of the clips that mostly show one segment.

    The second value is the share of the most frequent caption: what always giving the same answer
    would score.
    """
    texts = engine.embed_text(list(captions()))
    numbers = {text: index for index, text in enumerate(captions())}
    half_s = engine.config.clip_frames / engine.config.clip_fps / 2
    right = 0
    true: Counter[int] = Counter()
    for stream in seen:
        best = (stream.embeddings @ texts.T).argmax(-1)
        for time_s, answer in zip(stream.centres_s, best, strict=True):
            for segment in stream.segments:
                low = max(segment.start_s, time_s - half_s)
                high = min(segment.end_s, time_s + half_s)
                if high - low >= MIN_SEGMENT_SHARE * 2 * half_s:
                    wanted = numbers[caption(segment)]
                    right += int(answer == wanted)
                    true[wanted] += 1
    total = sum(true.values())
    return Rate(right, total), max(true.values(), default=0) / max(total, 1)


def distractors(meaning: int, rng: np.random.Generator) -> list[int]:
    """Return three other actions that differ from one in exactly one of verb, object, colour.

    The drawer has no object; its distractors are any other actions.
    """
    everything = all_segments()
    truth = everything[meaning]

    def differences(other: Segment) -> int:
        return (
            (other.action != truth.action)
            + (other.kind != truth.kind)
            + (other.colour != truth.colour)
        )

    near = [index for index, other in enumerate(everything) if differences(other) == 1]
    if len(near) < 3:
        near = [
            index
            for index, other in enumerate(everything)
            if index != meaning and other.action != 'idle'
        ]
    return [int(index) for index in rng.choice(near, 3, replace=False)]


def action4_rate(engine: Engine, seen: list[Stream]) -> Rate:
    """Return how often the right one of four action texts is nearest to the prediction."""
    texts = engine.embed_text(list(captions()))
    rng = np.random.default_rng(0)
    pairs = [pair for stream in seen for pair in stream.pairs]
    right = 0
    for meaning, predicted in pairs:
        others = texts[distractors(meaning, rng)] @ predicted
        right += int(texts[meaning] @ predicted > others.max())
    return Rate(right, len(pairs))


def event_scores(
    engine: Engine, seen: list[Stream], config: DriftConfig
) -> tuple[list[SegmentScore], int, int]:
    """Return the scores of all true segments, the number of events and of true segments."""
    scores: list[SegmentScore] = []
    count = 0
    for stream in seen:
        found = events(engine, stream, config)
        count += len(found)
        # The clips reach neither into the first nor the last half clip of an episode.
        scores += score_segments(stream.segments, found)
    return scores, count, len(scores)


def evaluate(engine: Engine, seen: list[Stream], config: DriftConfig) -> dict[str, object]:
    """Return all scores of a checkpoint, ready for JSON."""
    scores, found, true = event_scores(engine, seen, config)
    clips, majority = clip_rate(engine, seen)
    return {
        'model_id': engine.model_id,
        'clip_top1': clips.to_dict(),
        'clip_majority': round(majority, 4),
        'action4_text': action4_rate(engine, seen).to_dict(),
        'events': {name: rate.to_dict() for name, rate in summary(scores).items()},
        'events_found': found,
        'true_segments': true,
    }


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--split', choices=('val', 'test'), default='test')
    parser.add_argument('--first-seed', type=int, default=0)
    parser.add_argument('--episodes', type=int, default=100)
    parser.add_argument('--threshold', type=float, default=DriftConfig.threshold)
    parser.add_argument('--release', type=float, default=DriftConfig.release)
    parser.add_argument('--confirm-s', type=float, default=DriftConfig.confirm_s)
    parser.add_argument('--json', type=Path, help='file for the scores')
    arguments = parser.parse_args()
    engine = load_engine(arguments.model)
    config = DriftConfig(
        threshold=arguments.threshold, release=arguments.release, confirm_s=arguments.confirm_s
    )
    seen = list(
        streams(
            engine,
            split=arguments.split,
            first_seed=arguments.first_seed,
            episodes=arguments.episodes,
        )
    )
    result = {
        'machine': describe(),
        'split': arguments.split,
        'first_seed': arguments.first_seed,
        'episodes': arguments.episodes,
        'detector': vars(config),
        **evaluate(engine, seen, config),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
