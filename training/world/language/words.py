# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The words for every concept: canonical, other seen ones, and ones only `paraphrase` uses.

The first seen word is canonical: canonical sentences and answers use no other. Unseen words were
chosen as common synonyms, most of them single tokens of BERT's uncased vocabulary. Where English
has none ('pear', 'tray') there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from training.world.symbols import INSIDE, ONTO

WORD = re.compile(r'[a-z]+')
# Words drawn at random are canonical this often; so the model sees that others mean the same.
CANONICAL_SHARE = 0.75
UNSEEN_SHARE = 0.6


@dataclass(frozen=True)
class Words:
    """What one concept is called.

    Attributes:
        seen: Words of training; the first is canonical.
        unseen: Words of the split 'paraphrase' only; may be empty.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    def choose(self, chance: float, *, unseen: bool) -> str:
        """Return a word for a number in 0..1; `unseen` prefers unseen words."""
        if unseen:
            if chance >= UNSEEN_SHARE or not self.unseen:
                return self.seen[0]
            return self.unseen[int(chance / UNSEEN_SHARE * len(self.unseen))]
        others = len(self.seen) - 1
        if chance < CANONICAL_SHARE or not others:
            return self.seen[0]
        return self.seen[1 + int((chance - CANONICAL_SHARE) / (1 - CANONICAL_SHARE) * others)]

    def first(self, *, unseen: bool) -> str:
        """Return the canonical word, or the first unseen one if there is one."""
        return self.unseen[0] if unseen and self.unseen else self.seen[0]


KIND_WORDS = {
    'cube': Words(('cube', 'cubic object'), ('dice',)),
    'ball': Words(('ball', 'orb'), ('sphere',)),
    'can': Words(('can', 'soda can'), ('tin',)),
    'bottle': Words(('bottle', 'water bottle'), ('flask',)),
    'cup': Words(('cup', 'teacup', 'coffee cup'), ('mug',)),
    'box': Words(('box', 'carton'), ('package', 'parcel')),
    'cone': Words(('cone', 'traffic cone'), ('conical object',)),
    'ring': Words(('ring', 'torus'), ('hoop',)),
    'pear': Words(('pear', 'toy pear')),
    'banana': Words(('banana', 'toy banana'), ('plantain',)),
    'mushroom': Words(('mushroom', 'toy mushroom'), ('fungus', 'toadstool')),
    'star': Words(('star', 'toy star'), ('five-pointed object',)),
}
COLOUR_WORDS = {
    'red': Words(('red', 'scarlet'), ('crimson', 'ruby')),
    'orange': Words(('orange', 'bright orange'), ('tangerine',)),
    'yellow': Words(('yellow', 'lemon-yellow'), ('golden',)),
    'green': Words(('green', 'emerald'), ('jade',)),
    'blue': Words(('blue', 'azure'), ('sapphire', 'cobalt')),
    'purple': Words(('purple', 'plum-coloured'), ('violet',)),
    'white': Words(('white', 'snow-white'), ('ivory',)),
    'black': Words(('black', 'jet-black'), ('ebony',)),
}
# Furniture, the table and the gripper.
PLACE_WORDS = {
    'table': Words(('table', 'tabletop'), ('desk',)),
    'bowl': Words(('bowl', 'round bowl'), ('basin',)),
    'plate': Words(('plate', 'dinner plate'), ('saucer',)),
    'tray': Words(('tray', 'serving tray')),
    'basket': Words(('basket', 'wire basket'), ('hamper',)),
    'drawer': Words(('drawer', 'cabinet drawer'), ('compartment',)),
    'shelf': Words(('shelf', 'low shelf'), ('rack', 'ledge')),
    'gripper': Words(('gripper', 'robot hand'), ('claw',)),
}
DIRECTION_WORDS = {
    'left': Words(('to the left', 'leftwards')),
    'right': Words(('to the right', 'rightwards')),
    'away': Words(('away from the camera', 'to the back'), ('away from the viewer',)),
    'closer': Words(
        ('towards the camera', 'closer to the camera', 'to the front'),
        ('towards the viewer', 'nearer to the observer'),
    ),
}
PREPOSITIONS = {
    **dict.fromkeys(INSIDE, 'in'),
    **dict.fromkeys(ONTO, 'on'),
    'table': 'on',
    'gripper': 'in',
}
NUMBERS = ('zero', 'one', 'two', 'three', 'four')
_PLURALS = {'dice': 'dice', 'torus': 'tori', 'fungus': 'fungi'}

# Words of verbs, of other names for the robot and of questions, in all their forms.
_UNSEEN_OTHERS = """
    activity adjacent arranged arrangement atop attempt attempts balance balances cannot
    carries carry clutching collects condition configuration contain current decant decanted
    decanting decants depicted deposit deposited depositing deposits discharges dormant drained
    draws droid dumps elevated erect erected erecting erects escapes event extended extracts
    fetches flips forthcoming fumbles gets grab grabbing grabs grip grips hoisted hue identify
    inactive inactivity inserted item leaves locate located location machine manage manipulator
    mechanical motionless mounted nudge nudged nudges nudging number occurred occurs operation
    outward overturned parks pauses perches perform pile piled piles piling portrayed position
    positioned positions predict prone propelled quantity remains restored rests retracted
    retrieve retrieved retrieves retrieving rights seal sealed sealing seals seized shade
    shifted shifts sit sits situated situation slams snatches static status stows subsequently
    tally thrusts tint topple toppled topples toppling transfers tug tugged tugging tugs
    tumbles unsuccessfully upcoming upon upsets vertical view visible withdrawn within yanks
"""


def words_in(text: str) -> list[str]:
    """Return the words of a text in lower case; hyphens and punctuation part words."""
    return WORD.findall(text.lower())


def article(noun: str) -> str:
    """Return a noun with 'a' or 'an'."""
    return f'an {noun}' if noun[0] in 'aeiou' else f'a {noun}'


def plural(noun: str) -> str:
    """Return the plural of a word for a kind, such as 'boxes' or 'soda cans'."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    return f'{noun}es' if noun.endswith('x') else f'{noun}s'


def place_phrase(place: str, *, unseen: bool = False) -> str:
    """Return a place with its preposition: 'in the bowl', 'on top of another object'."""
    if place == 'object':
        return 'on top of another object'
    return f'{PREPOSITIONS[place]} the {PLACE_WORDS[place].first(unseen=unseen)}'


def _unseen_words() -> frozenset[str]:
    seen: set[str] = set()
    unseen = set(words_in(_UNSEEN_OTHERS))
    for table in (KIND_WORDS, COLOUR_WORDS, PLACE_WORDS, DIRECTION_WORDS):
        for words in table.values():
            for word in words.seen:
                seen.update(words_in(word))
            for word in words.unseen:
                unseen.update(words_in(word))
                unseen.update(words_in(plural(word)) if table is KIND_WORDS else ())
    return frozenset(unseen - seen - {'the', 'objects'})


UNSEEN_WORDS: frozenset[str] = _unseen_words()
