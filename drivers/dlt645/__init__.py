"""DL/T 645-2007 and DL/T 645-1997: multi-function electricity meters on RS-485."""
