"""Published experiments as data, what the knee predicts for them, and what is learned from them. See README.md."""
