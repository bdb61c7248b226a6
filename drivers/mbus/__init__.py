"""M-Bus (EN 13757-2 and -3) over serial lines and TCP: resets, selects and requests, nothing else."""
