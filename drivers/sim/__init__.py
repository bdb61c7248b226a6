"""A simulated plant: one world that any number of simulated devices read from."""
