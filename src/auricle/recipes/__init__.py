"""Shipped recipes, one published or measured result each."""
