"""Living questions: what the records answer today, and in words where they give no number."""
