"""What is being tried in people: registry files and the live registry, classified, with their doses read."""
