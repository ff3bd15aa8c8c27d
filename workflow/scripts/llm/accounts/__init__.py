"""What asking costs: estimates before, ledgers after, and the command-line tool for people."""
