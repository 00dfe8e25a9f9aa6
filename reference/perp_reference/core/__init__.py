"""The integer machine: the rules run on plain ints, standard library only, so that it also runs in a browser."""
