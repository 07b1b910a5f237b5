"""Pictures of reports: what they show is computed when they are drawn."""
