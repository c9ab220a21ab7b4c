"""Pages about what follows from answers: workflows and surveys."""
