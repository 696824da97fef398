"""What would a person otherwise learn the hard way? `bongsu doctor`, a file for each thing it looks at."""
