# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The training objective of one batch: predicted and target embeddings, and a loss between them.

InfoNCE is the paper's (§2); cosine, L1 and L2 are those of its ablation (Tab. 7c).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import torch
from torch import Tensor
from torch.nn import functional

from training.concepts import NOTHING, Concepts
from training.pairings import Pairings
from training.processes import ONE, Processes
from training.sources import QueryAnswer
from vljepa_ros.model.loss import info_nce
from vljepa_ros.model.vl_jepa import VLJEPA


@dataclass(frozen=True)
class Embedded:
    """A batch in the shared space.

    Attributes:
        predicted: unit vectors [P, D], one for each question.
        target: unit vectors [M, D], M >= P: the P answers, then wrong answers.
        same: bool [P, M], True where target j means the same as answer i, or where the data does
            not tell whether it does (`Pairings`).
    """

    predicted: Tensor
    target: Tensor
    same: Tensor


def embed(
    model: VLJEPA,
    tokens: Tensor,
    asked: Sequence[tuple[int, QueryAnswer]],
    *,
    pairings: Pairings | None = None,
    processes: Processes = ONE,
) -> Embedded:
    """Predict the answers and embed the true and the wrong ones.

    Args:
        model: its Predictor and Y-Encoder are used.
        tokens: visual tokens [B, N, D_vision]; of several processes each holds only those of its
            own share of the questions, in the order of `needed_rows`.
        asked: for each question of the whole batch the number of its clip.
        pairings: what the data shows together; None takes all else for wrong.
        processes: they share the work.
    """
    own = [asked[number] for number in processes.share(len(asked))]
    first = own or asked[:1]  # a process without a share computes one row for nothing
    rows = torch.tensor([row for row, _ in first])
    if processes.count > 1:
        rows = torch.searchsorted(torch.tensor(needed_rows(asked, processes)), rows)
    ids, mask = model.tokenize('predictor', [pair.query for _, pair in first])
    predicted = model.network('predictor')(tokens[rows], ids, mask)[: len(own)]
    predicted = processes.gather(predicted, len(asked))

    meanings = {pair.meaning for _, pair in asked}
    answers = [pair.answer for _, pair in asked]
    wrong: dict[str, Concepts] = {
        text: said
        for _, pair in asked
        for text, said in zip(
            pair.negatives, chain(pair.negatives_said, repeat(NOTHING)), strict=False
        )
    }
    # The same words are embedded once, however often they are needed.
    texts = list(dict.fromkeys([*answers, *wrong]))
    place = {text: number for number, text in enumerate(texts)}
    part = [texts[number] for number in processes.share(len(texts))]
    embedded = embed_sorted(model, part or texts[:1])[: len(part)]
    embedded = processes.gather(embedded, len(texts))
    order = [place[text] for text in answers] + [place[text] for text in wrong]
    target = embedded[torch.tensor(order)]
    # A wrong answer of one question may be the right one of another, in the same words.
    said = {pair.answer: pair.meaning for _, pair in asked}
    numbers = {meaning: number for number, meaning in enumerate(sorted(meanings))}
    answered = [numbers[pair.meaning] for _, pair in asked]
    # Of short answers the meaning is the answer in its first words.
    others = [numbers.get(said.get(text, text), -1) for text in wrong]
    meaning = torch.tensor(answered + others, device=target.device)
    same = meaning[: len(asked), None] == meaning[None, :]
    if pairings is not None:
        shown = [pair.shown for _, pair in asked]
        untold = pairings.untold(shown, [*(pair.said for _, pair in asked), *wrong.values()])
        same = same | torch.from_numpy(untold).to(same.device)
    return Embedded(predicted, target, same)


def needed_rows(asked: Sequence[tuple[int, QueryAnswer]], processes: Processes) -> list[int]:
    """Return the numbers of the clips that this process' share of the questions is about."""
    own = [asked[number][0] for number in processes.share(len(asked))]
    return sorted(set(own or [asked[0][0]]))


def embed_sorted(model: VLJEPA, texts: Sequence[str], *, groups: int = 4) -> Tensor:
    """Embed texts [M, D] in groups of like length: long ones would pad the short ones."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    size = max(1, -(-len(order) // groups))
    parts = [
        model.embed_text([texts[number] for number in order[start : start + size]])
        for start in range(0, len(order), size)
    ]
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(parts)[back]


def info_nce_loss(batch: Embedded, temperature: Tensor) -> Tensor:
    """Return the bidirectional InfoNCE."""
    return info_nce(
        batch.predicted.float(),
        batch.target.float(),
        temperature=temperature,
        ignore=batch.same,
    )


def regression_loss(batch: Embedded, *, kind: str) -> Tensor:
    """Return the distance of each prediction to its answer: `cosine`, `l1` or `l2`."""
    answer = batch.target[: len(batch.predicted)].float()
    predicted = batch.predicted.float()
    if kind == 'cosine':
        return (1.0 - (predicted * answer).sum(-1)).mean()
    if kind == 'l1':
        return functional.l1_loss(predicted, answer, reduction='none').sum(-1).mean()
    return functional.mse_loss(predicted, answer, reduction='none').sum(-1).mean()


LOSSES: dict[str, Callable[[Embedded, Tensor], Tensor]] = {
    'infonce': info_nce_loss,
    'cosine': lambda batch, _: regression_loss(batch, kind='cosine'),
    'l1': lambda batch, _: regression_loss(batch, kind='l1'),
    'l2': lambda batch, _: regression_loss(batch, kind='l2'),
}
