"""The runnable `<artifact>.tune`: a search over what a recipe leaves open."""
