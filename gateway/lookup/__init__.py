"""The plain page where citizens look up their dossier."""
