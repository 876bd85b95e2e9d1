# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of a node: read from a file or set by a service, watched in every stream."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vljepa_ros.inference import Engine
from vljepa_ros.inference.queries import check_queries
from vljepa_ros.interfaces import Alert as AlertMessage
from vljepa_ros.interfaces import Embedding, SetRules
from vljepa_ros.interfaces import Rule as RuleMessage
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.embedding_stream import moment_of, vector_of
from vljepa_ros.nodes.model_call import ModelCall, check_texts
from vljepa_ros.nodes.model_node import ModelNode
from vljepa_ros.nodes.parameters import Change, Parameter
from vljepa_ros.nodes.stamps import to_stamp
from vljepa_ros.stream.rule_file import read_rules
from vljepa_ros.stream.rules import Alert, AlertPhase, Rule, RuleWatch, check_rules

RULE_PARAMETERS = (
    Parameter(
        'rules_file',
        '',
        'YAML file with things to watch for; empty watches for what set_rules sets.',
        change=Change.UNCONFIGURED,
    ),
)
PHASES = {AlertPhase.FIRED: AlertMessage.FIRED, AlertPhase.CLEARED: AlertMessage.CLEARED}
EmbedTexts = Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class EmbeddedRule:
    """A rule with the unit vectors [D] and [N, D] of its texts."""

    rule: Rule
    text: np.ndarray
    against: np.ndarray


class _Watched:
    """A rule in one stream."""

    def __init__(self, embedded: EmbeddedRule) -> None:
        self.watch = RuleWatch(embedded.rule, embedded.text, embedded.against)
        self.last: Embedding | None = None
        self.received_s = 0.0
        self.id = ''


class RuleWatcher:
    """Publishes `alerts` and serves `set_rules` on a node."""

    def __init__(
        self, node: ModelNode, *, tell: Callable[[AlertMessage], None] = lambda alert: None
    ) -> None:
        """Create publisher and service; nothing is watched for yet.

        Args:
            node: has RULE_PARAMETERS, the counter `alerts`, and a model with a Y-Encoder.
            tell: is given each alert that is published.
        """
        self._node, self._tell = node, tell
        self._publisher = node.create_lifecycle_publisher(AlertMessage, 'alerts', qos.EVENTS)
        self._lock = threading.Lock()
        self._rules: list[EmbeddedRule] = []
        self._watched: dict[tuple[str, str], _Watched] = {}
        node.add_service(SetRules, 'set_rules', self._on_set_rules)

    def load(self, engine: Engine) -> None:
        """Read the file of rules.

        Raises:
            ConfigurationError: it cannot be read, or holds a rule that cannot be watched for.
            MissingDependencyError: PyYAML is not installed.
        """
        path = self._node.parameters['rules_file']
        rules = read_rules(Path(path)) if path else []
        self._rules = _embedded(rules, engine, engine.embed_text)

    def asks(self, message: Embedding) -> bool:
        """Return whether a rule is about an embedding."""
        with self._lock:
            return any(_is_about(one.rule, message) for one in self._rules)

    def take(self, message: Embedding) -> None:
        """Take the next embedding of a stream: finite, and of the node's model."""
        moment_ns, vector = moment_of(message), vector_of(message)
        with self._lock:
            for one in self._rules:
                if _is_about(one.rule, message):
                    key = (one.rule.name, message.camera)
                    watched = self._watched.setdefault(key, _Watched(one))
                    watched.last, watched.received_s = message, time.monotonic()
                    self._publish(watched, watched.watch.update(moment_ns, vector))

    def end(self, *, received_before_s: float = math.inf) -> None:
        """End the streams whose last embedding came before: what has fired is cleared.

        Args:
            received_before_s: by the monotonic clock; inf ends all.
        """
        with self._lock:
            for key, watched in list(self._watched.items()):
                if watched.received_s < received_before_s and watched.last is not None:
                    del self._watched[key]
                    self._publish(watched, watched.watch.end(moment_of(watched.last)))

    def _on_set_rules(
        self, request: SetRules.Request, response: SetRules.Response
    ) -> SetRules.Response:
        def answer(call: ModelCall) -> None:
            rules = [_rule(message) for message in request.rules]
            embedded = _embedded(rules, self._node.engine, call.embed_texts)
            self.end()
            with self._lock:
                self._rules = embedded

        return self._node.serve(response, answer)

    def _publish(self, watched: _Watched, alert: Alert | None) -> None:
        if alert is None:
            return
        message, rule = watched.last, watched.watch.rule
        assert message is not None
        if alert.phase is AlertPhase.FIRED:
            watched.id = uuid.uuid4().hex[:16]
        told = AlertMessage(
            header=message.header,
            id=watched.id,
            phase=PHASES[alert.phase],
            rule=rule.name,
            text=rule.text,
            severity=rule.severity,
            since=to_stamp(alert.since_ns),
            score=alert.score,
            camera=message.camera,
            query=message.query,
            model_id=message.model_id,
        )
        self._publisher.publish(told)
        self._tell(told)
        self._node.health.count('alerts')


def _is_about(rule: Rule, message: Embedding) -> bool:
    return rule.query == message.query and rule.camera in ('', message.camera)


def _rule(message: RuleMessage) -> Rule:
    return Rule(
        name=message.name,
        text=message.text,
        threshold=message.threshold,
        against=tuple(message.against),
        query=message.query or Rule.query,
        camera=message.camera,
        release=message.release,
        dwell_s=message.dwell_s,
        clear_s=message.clear_s,
        severity=message.severity or Rule.severity,
    )


def _embedded(
    rules: Sequence[Rule], engine: Engine | None, embed: EmbedTexts
) -> list[EmbeddedRule]:
    """Check rules together and with the model, and embed their texts."""
    check_rules(rules)
    if not rules:
        return []
    assert engine is not None
    asked = sorted({rule.query for rule in rules})
    check_queries(asked, engine.config, engine.model_id, field='rules')
    texts = list(dict.fromkeys(text for rule in rules for text in (rule.text, *rule.against)))
    vectors = dict(zip(texts, embed(check_texts('rules', texts)), strict=True))
    width = engine.config.embedding_dim
    return [
        EmbeddedRule(
            rule,
            vectors[rule.text],
            np.array([vectors[text] for text in rule.against]).reshape(-1, width),
        )
        for rule in rules
    ]
