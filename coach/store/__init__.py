"""What is kept on this machine, in one file."""
