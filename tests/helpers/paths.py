"""Where the repository keeps what the tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
TEMPLATES = ROOT / "workflow" / "report"
PROMPTS = ROOT / "resources" / "prompts"
