"""Training of generators: recipes, data, and a loop that can be stopped and resumed. Extras: torch and train."""
