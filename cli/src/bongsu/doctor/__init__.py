"""`bongsu doctor`: checks of a stack and of the world around it, each with a fix for what it finds."""
