"""Personal data: found on this machine, and masked before text leaves it or is kept."""
