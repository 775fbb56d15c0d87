"""Other programs that do some of the hub's work, to be measured in the same run."""
