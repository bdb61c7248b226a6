"""plant.db: one writer, many readers that keep nothing open."""
