"""The pages of the operator's screen, one file each."""
