"""Costs of asking: estimates before, ledgers after, and the command-line tool for the journal."""
