"""The guards of the rules, stated a second time: a module for each family of rules."""
