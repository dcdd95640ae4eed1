"""How long jobs and layers of models take, what they move, and what of that is energy."""
