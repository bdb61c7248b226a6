"""Evidence, indicators, the rules and the answers made of them."""
