"""What the agent and the commands do about damaged files and copies."""
