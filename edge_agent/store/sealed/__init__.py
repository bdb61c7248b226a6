"""The sealed blocks and the open time: finding, reading, sealing, merging."""
