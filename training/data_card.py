# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Prints the data card of the simulated world; docs/data_card.md is its output.

python -m training.data_card > docs/data_card.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training.synonyms import WORDS
from training.world.language.labels import action_phrases
from training.world.language.questions import QUESTION_KINDS
from training.world.language.words import COLOUR_WORDS, KIND_WORDS, PLACE_WORDS, Words
from training.world.splits import SPLIT_CODE, UNSEEN_ACTIONS, UNSEEN_OBJECTS
from training.world.symbols import (
    ACTIONS,
    COLOURS,
    FAILURES,
    FURNITURE,
    KINDS,
    MAX_OBJECTS,
    WORLD_VERSION,
)
from training.world.textures import SEEN_TEXTURES, UNSEEN_TEXTURES

CARD = """# Data card: the tabletop world, version {version}

<!-- Written by: python -m training.data_card > docs/data_card.md -->

Every picture that `models/tiny` learned from was drawn by this repository: a robot arm at a table,
kinematic, in MuJoCo (`training/world/`). Nothing was recorded or downloaded, no person or brand is
shown, and the licence is the repository's (Apache-2.0). `python -m training.dataset --split SPLIT
--episodes N --out DIR` draws it; the same seed gives the same bytes.

## What it shows

| | |
|---|---|
| objects | 2 to {max_objects} a scene, of {kind_count} kinds ({kinds}) in {colour_count} colours \
({colours}) |
| furniture | two of {furniture_count} pieces a scene: {furniture} |
| actions | {action_count}: {actions} |
| tries that fail | {failures} |
| also there | distractors that are never touched, partly hidden and lying things, still and \
moving cameras, noise, blur, white balance and JPEG of a camera, light and shadow |
| labels | for every frame the exact state; from it captions in many phrasings, the state as \
relations, questions of {question_count} kinds ({questions}) with their possible answers |
| classification labels | {label_count} phrases, one for each action with each kind that it is \
possible with |

An episode has 3 to 7 actions (up to 15 on request, or streams of any length) of about 2.5 s each,
with idle time between them for about half of the time. Procedures have a purpose (tidy up, open -
put in - close, build and take apart, pour and put back) mixed with chance.

## Splits

The split goes into the seed of every episode, so no test episode can be among the training ones.

| split | what it is for | what differs from `train` |
|---|---|---|
| train | every stage of training, text-only ones and calibration included | |
| val | choosing checkpoints, thresholds and temperatures | other episodes |
| iid | test | other episodes |
| scene | test | table textures ({unseen_textures} instead of {seen_textures}), colours of table \
and furniture, light, camera positions |
| composition | test | shows the combinations below, which no other split shows |
| paraphrase | test | texts in the unseen words below |

### Combinations that only `composition` shows

Objects: {unseen_objects}.

Actions with kinds: {unseen_actions}.

### Words

Texts of training are also said in further words and sentences (`training/synonyms.py`), which
neither the language of the simulator nor that of `paraphrase` has.

{words}

## Limits

- Pictures of simple shapes under simple light: a model trained on them alone names nothing in real
  video.
- One arm, one kind of gripper, one table; hands, people and other robots do not occur.
- Motion is kinematic: nothing slips, rolls or collides by itself; failures are played.
- Some kinds are in fact toys of a colour that the real thing never has (a blue banana).
- Language is English and made from templates.
- Left, right, closer and away are those of the camera.
"""


def _listed(words: Iterable[str]) -> str:
    return ', '.join(words)


def _rows(table: dict[str, Words], names: Sequence[str]) -> list[str]:
    return [
        f'| {name} | {_listed(table[name].seen[1:]) or "-"} | {_listed(WORDS[name])} '
        f'| {_listed(table[name].unseen) or "-"} |'
        for name in names
        if name in table
    ]


def card() -> str:
    """Return the page."""
    rows = [
        '| canonical | other words of the simulator | further words of training '
        '| words of `paraphrase` only |',
        '|---|---|---|---|',
    ]
    rows += _rows(KIND_WORDS, KINDS) + _rows(COLOUR_WORDS, COLOURS)
    rows += _rows(PLACE_WORDS, ('table', *FURNITURE, 'gripper'))
    assert set(SPLIT_CODE) == {'train', 'val', 'iid', 'scene', 'composition', 'paraphrase'}
    actions = [action for action in ACTIONS if action != 'idle']
    return CARD.format(
        version=WORLD_VERSION,
        max_objects=MAX_OBJECTS,
        kind_count=len(KINDS),
        kinds=_listed(KINDS),
        colour_count=len(COLOURS),
        colours=_listed(COLOURS),
        furniture_count=len(FURNITURE),
        furniture=_listed(FURNITURE),
        action_count=len(actions),
        actions=_listed(actions),
        failures='; '.join(f'{action} ({how})' for action, how in FAILURES.items()),
        question_count=len(QUESTION_KINDS),
        questions=_listed(QUESTION_KINDS),
        label_count=len(action_phrases()),
        seen_textures=_listed(SEEN_TEXTURES),
        unseen_textures=_listed(UNSEEN_TEXTURES),
        unseen_objects=_listed(sorted(str(item) for item in UNSEEN_OBJECTS)),
        unseen_actions=_listed(sorted(f'{action} ({kind})' for action, kind in UNSEEN_ACTIONS)),
        words='\n'.join(rows),
    )


if __name__ == '__main__':
    print(card(), end='')
