"""How fast is it, against what else one would take? `make bench` measures ratios, side by side in one run."""
