"""How `hub verify` computes everything anew: in parts that fit into memory, side by side."""
