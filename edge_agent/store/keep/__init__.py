"""How much is kept: the budget, thinning, and the losses that are counted."""
