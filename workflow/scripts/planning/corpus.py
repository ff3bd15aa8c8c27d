"""The human text: where it comes from and how it is split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corpus.releases import Release, read_releases
from planning.configuration.errors import ConfigurationError
from planning.settings import JsonObject, compact
from workbench.cli import UserError


@dataclass(frozen=True)
class Corpus:
    """The sections ``corpus`` and ``splits``."""

    kind: str  # ``catalogues``, ``mtdata`` or ``files``
    seed: int  # of the splits
    max_line_bytes: int
    alignment: str  # what to do with files that look misaligned: ``refuse`` or ``warn``
    cleaning: JsonObject
    splits: Mapping[str, int | None]  # size of each split in pairs; None for all of a given part
    catalogues: JsonObject  # the file that pins the ``releases``, and patterns of catalogues to ``exclude``
    # The user's files of each part: ``source`` and ``target``, or ``tsv``.
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mtdata: JsonObject = field(default_factory=dict)  # the ids of each part, and pinned digests

    @property
    def pretrain(self) -> int:
        """Number of pairs that train what is needed before the study itself."""
        return self.splits["pretrain"] or 0

    @property
    def pool(self) -> int:
        """Number of pairs that supply the sources of the training data."""
        return self.splits["pool"] or 0

    @property
    def cleaning_rules(self) -> str:
        """The section ``corpus.cleaning`` as JSON for one command-line argument."""
        return compact(self.cleaning)

    @property
    def given_parts(self) -> set[str]:
        """Which of ``valid`` and ``test`` the corpus contains; the others are cut from its training text."""
        parts = {"files": self.files, "mtdata": self.mtdata}.get(self.kind, {})
        return {"valid", "test"} & set(parts)

    @property
    def mtdata_parts(self) -> dict[str, list[str]]:
        """The mtdata ids of each part."""
        return {part: ids for part, ids in self.mtdata.items() if part != "sha256"}

    @property
    def file_lists(self) -> dict[str, list[str]]:
        """The user's files of each part: two aligned files or one table; empty for another kind of corpus."""
        if self.kind != "files":
            return {}
        return {
            part: [files["tsv"]] if "tsv" in files else [files["source"], files["target"]]
            for part, files in self.files.items()
        }

    def read_releases(self) -> dict[str, Release]:
        """The pinned releases of a catalogue corpus by ``name-version``; empty for another kind.

        Raises:
            ConfigurationError: the list of releases cannot be read.
        """
        if self.kind != "catalogues":
            return {}
        try:
            releases = read_releases(Path(self.catalogues["releases"]))
        except UserError as error:
            raise ConfigurationError([str(error)]) from error
        return {f"{release.name}-{release.version}": release for release in releases}
