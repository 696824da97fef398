"""The commands that look at or change a running stack; one file each."""
