"""What an experiment shows beside its pictures (`coach.lab.pictures`), one file each with a `draw(outcome, controls)`."""
