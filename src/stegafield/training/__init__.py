"""Training of generators: recipes, data, and a loop that can be stopped and resumed.

Needs the extras torch and train.
"""
