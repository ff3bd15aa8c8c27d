"""Words that models write around a translation, or instead of one, in fifty languages: the lists of words.yaml."""

import re
from pathlib import Path

import yaml

_LISTS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
TRANSLATION, NOTE, EITHER = ("|".join(_LISTS[name]) for name in ("translation", "note", "or"))
OF_TRANSLATING = re.compile(TRANSLATION, re.IGNORECASE)
OF_HELPING = re.compile("|".join(helping for _, _, helping in _LISTS["declining"].values()), re.IGNORECASE)
REFUSALS = [
    (apology, re.compile(cannot, re.IGNORECASE), re.compile(helping, re.IGNORECASE))
    for sorry, cannot, helping in _LISTS["declining"].values()
    for apology in sorry.split("|")
]
"""Each the words of an apology in lower case, "cannot", and verbs besides those for translating."""
