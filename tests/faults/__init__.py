"""The real stack, broken on purpose and looked at from the outside: nothing lost, doubled or missing."""
