"""Commands of the assistant, one file each."""
