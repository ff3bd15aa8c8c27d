"""A parallel corpus small enough to learn in seconds: German and English sentences from one grammar."""

from __future__ import annotations

import hashlib
import itertools

SUBJECTS = [
    ("Der Lehrer", "The teacher"), ("Die Ärztin", "The doctor"), ("Das Kind", "The child"),
    ("Mein Bruder", "My brother"), ("Unsere Nachbarin", "Our neighbour"), ("Der alte Mann", "The old man"),
    ("Die junge Frau", "The young woman"), ("Der Bauer", "The farmer"), ("Eure Tante", "Your aunt"),
    ("Der Richter", "The judge"), ("Die Sängerin", "The singer"), ("Jeder Student", "Every student"),
]  # fmt: skip
VERBS = [
    ("sieht", "sees"), ("kauft", "buys"), ("sucht", "looks for"), ("findet", "finds"), ("malt", "paints"),
    ("verkauft", "sells"), ("repariert", "repairs"), ("braucht", "needs"), ("holt", "fetches"), ("zeigt", "shows"),
]  # fmt: skip
OBJECTS = [
    ("das Buch", "the book"), ("den Wagen", "the car"), ("die Brücke", "the bridge"), ("das Fenster", "the window"),
    ("einen Stuhl", "a chair"), ("die Zeitung", "the newspaper"), ("den Schlüssel", "the key"),
    ("das Fahrrad", "the bicycle"), ("eine Lampe", "a lamp"), ("den Garten", "the garden"),
]  # fmt: skip
TIMES = [
    ("am Morgen", "in the morning"), ("heute Abend", "this evening"), ("im Sommer", "in summer"),
    ("vor dem Essen", "before the meal"), ("nach der Schule", "after school"), ("jeden Montag", "every Monday"),
    ("in der Nacht", "at night"), ("seit gestern", "since yesterday"),
]  # fmt: skip


def toy_corpus(pairs: int) -> list[tuple[str, str]]:
    """``pairs`` distinct pairs of German and English sentences, always the same ones."""
    sentences = []
    for parts in itertools.product(SUBJECTS, VERBS, OBJECTS, TIMES):
        german, english = (" ".join(part[side] for part in parts) + "." for side in (0, 1))
        sentences.append((german, english))
    sentences.sort(key=lambda pair: hashlib.sha256(pair[0].encode()).digest())
    return sentences[:pairs]
