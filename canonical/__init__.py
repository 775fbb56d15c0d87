"""What a dossier is: model, states, codes, calendar, deadlines, indicators, errors, ports; pure."""
