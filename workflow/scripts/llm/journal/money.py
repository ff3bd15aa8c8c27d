"""The money of a journal: what is spent, and what a server cannot have charged."""

import sqlite3

from llm.calls import MOST_TOKENS

ROUNDING_USD = 1e-9
CREDIBLE = f"usd BETWEEN 0 AND worst_usd + {ROUNDING_USD}"
MOST_FACTOR = 20  # times its worst price, which the provider's choice of epochs may exceed, a fine-tuning job may cost


def spent(db: sqlite3.Connection, study: str, generator: str) -> tuple[float, float]:
    """USD that the study and its generator have paid or reserved."""
    study_usd, generator_usd = db.execute(
        "SELECT coalesce(sum(max(usd, 0.0)), 0.0), coalesce(sum(CASE generator WHEN ? THEN max(usd, 0.0) END), 0.0) "
        "FROM spend "
        "WHERE study = ?",
        (generator, study),
    ).fetchone()
    return study_usd, generator_usd


def spend(db: sqlite3.Connection, study: str, generator: str, usd: float) -> None:
    """Count ``usd`` more (or less) as spent."""
    db.execute(
        "INSERT INTO spend VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd",
        (study, generator, usd),
    )


def bounded_tokens(tokens: int) -> int:
    """The nearest count of tokens that can be believed."""
    return min(max(tokens, 0), MOST_TOKENS)


def believable_usd(usd: float, worst_usd: float) -> float:
    """What an attempt is charged with: ``usd`` if it can have cost so much, its worst price otherwise."""
    return usd if 0 <= usd <= worst_usd + ROUNDING_USD else worst_usd


def mend_accounts(db: sqlite3.Connection) -> None:
    """Correct, once, what a server's absurd counts of tokens did to the accounts of an older journal."""
    if db.execute("INSERT OR IGNORE INTO meta VALUES ('mended', 1)").rowcount == 0:
        return
    for column in ("input_tokens", "output_tokens", "cached_tokens"):
        bounded = f"min(max({column}, 0), {MOST_TOKENS})"
        db.execute(f"UPDATE attempts SET {column} = {bounded} WHERE {column} != {bounded}")
    wrong = {"attempts": f"NOT {CREDIBLE}", "tunings": f"NOT usd BETWEEN 0 AND {MOST_FACTOR} * worst_usd"}
    if sum(db.execute(f"UPDATE {table} SET usd = worst_usd WHERE {rows}").rowcount for table, rows in wrong.items()):
        charged = "SELECT study, generator, coalesce(usd, worst_usd) AS charged"
        db.execute(
            f"REPLACE INTO spend SELECT study, generator, sum(charged) FROM "
            f"({charged} FROM attempts UNION ALL {charged} FROM tunings) GROUP BY study, generator"
        )
