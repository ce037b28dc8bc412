"""What runs a three-address program: vector machine code (production) and numpy (the readable oracle)."""
