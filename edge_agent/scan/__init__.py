"""Looking for the devices of a line by reads alone; one file for each protocol."""
