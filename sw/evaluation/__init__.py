"""What sparse activations do to a model: subjects, tasks, measures, results."""
