"""DL/T 645-2007: multi-function electricity meters on RS-485."""
