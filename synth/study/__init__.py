"""What each pattern costs and loses, on one page: accuracy, area, energy, memories and time."""
