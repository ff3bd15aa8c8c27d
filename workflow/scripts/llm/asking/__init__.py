"""How calls are carried out: one by one or in batches, within a pace and a budget, until each source has its answer."""
