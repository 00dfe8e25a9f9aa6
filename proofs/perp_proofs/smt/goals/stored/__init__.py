"""What the rules store, stated a second time: a module for each family of rules."""
