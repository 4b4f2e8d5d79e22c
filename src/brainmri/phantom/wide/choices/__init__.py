"""What pictures show, drawn as numbers: a module a concern, each a function of a random generator."""
