"""Supervision of the children of one run: started in stages, restarted when they die, stopped in time."""
