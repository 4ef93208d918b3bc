"""Pictures with a class for every pixel: where they lie, what is wrong with them, how they are drawn."""
