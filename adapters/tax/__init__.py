"""Tax: notices of financial duties, tied to the dossier of the desk that waits for them."""
