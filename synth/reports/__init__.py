"""What a report is made of: its rows, its files, its figure."""
