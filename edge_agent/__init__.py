"""The agent, its store, the ledger, the accounts, and the command table."""
