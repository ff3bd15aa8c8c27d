"""Numbers, names and sentences that every part of the report shares."""
